"""Words by which customers opt out, and in again: only where such a word is the whole message.

Twilio has words and a list of its own; whoever is on that list is taken off ours as soon as they write again, because
Twilio tells us if they still are on its. An opt-out by a word of ours is lifted by another word, or by a colleague who
writes down how the customer agreed again.
"""

import time
import unicodedata
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext

from omnichannel.accounts.models import User
from omnichannel.conversations.access import may_lift_opt_out
from omnichannel.conversations.lanes import request_automated_messages
from omnichannel.conversations.live_events import EventKind, publish_event
from omnichannel.conversations.models import Contact, Conversation, Kind, Meaning, Message, OptOutWord, Trigger
from omnichannel.conversations.state_machine import record_event
from omnichannel.core.localized_text import localized

WORD_LENGTH = 40
REASON_LIMIT = 300
# So long another process may go on with the words as they were; the one in which they are changed knows at once.
WORDS_LIVE = 5.0  # seconds
LIFTED = "opt_out_lifted"  # the kind of line in the timeline

_known: tuple[float, Mapping[str, Meaning]] | None = None


def words() -> Mapping[str, Meaning]:
    """What each word means, by its plain form; read anew every few seconds."""
    global _known
    now = time.monotonic()
    if _known is None or now - _known[0] > WORDS_LIVE:
        found = OptOutWord.objects.values_list("word", "meaning")
        _known = now, {plain(word): Meaning(meaning) for word, meaning in found}
    return _known[1]


@receiver([post_save, post_delete], sender=OptOutWord)
def forget_words(**kwargs: Any) -> None:
    """Read the words anew at the next message: they have changed."""
    global _known
    _known = None


def plain(text: str) -> str:
    """The text as words are compared: without upper case, punctuation, symbols and marks that nobody sees."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = (" " if char.isspace() else char for char in folded if unicodedata.category(char)[0] not in "PSC")
    return " ".join("".join(kept).split())


def meaning_of(message: Message) -> Meaning | None:
    """What the message as a whole says about opting out; None for nearly all."""
    body = message.body.strip()
    if message.kind not in {Kind.TEXT, Kind.BUTTON} or not 0 < len(body) <= 2 * WORD_LENGTH:
        return None
    return words().get(plain(body))


def heed(conversation: Conversation, message: Message) -> None:
    """Opt the customer out, or in again, where their message is such a word. The caller holds the transaction."""
    contact = conversation.contact
    match meaning_of(message):
        case Meaning.STOP if not contact.opted_out_by_word:
            _opt_out(contact, conversation, message)
        case Meaning.START if contact.opted_out_at:
            _opt_in(contact, conversation, message)


def _opt_out(contact: Contact, conversation: Conversation, message: Message) -> None:
    contact.opted_out_at = contact.opted_out_at or timezone.now()
    contact.opted_out_by_word = True
    contact.save(update_fields=["opted_out_at", "opted_out_by_word"])
    line = localized("The customer wrote “%(word)s” and has opted out of our messages.", word=message.body.strip())
    record_event(conversation, Trigger.OPTED_OUT.value, line, by=None)
    request_automated_messages(conversation)


def _opt_in(contact: Contact, conversation: Conversation, message: Message) -> None:
    contact.opted_out_at, contact.opted_out_by_word = None, False
    contact.save(update_fields=["opted_out_at", "opted_out_by_word"])
    line = localized("The customer wrote “%(word)s” and has opted in to our messages again.", word=message.body.strip())
    record_event(conversation, Trigger.OPTED_IN.value, line, by=None)
    request_automated_messages(conversation)


class LiftingRefused(Exception):
    """The opt-out stays; the text says why to a person."""


def lift(conversation: Conversation, *, by: User, reason: str) -> None:
    """The customer, who had opted out by a word of ours, agreed again, as somebody of the desk writes down.

    Raises LiftingRefused with a sentence for whoever tried. Twilio's own list is Twilio's: nobody here lifts that.
    """
    why = " ".join(reason.replace("\x00", "").split())
    if not may_lift_opt_out(by, conversation):
        raise LiftingRefused(gettext("Only the agent who has this conversation, or a supervisor, can do that."))
    if not why:
        raise LiftingRefused(gettext("Write how the customer agreed to our messages again."))
    if len(why) > REASON_LIMIT:
        raise LiftingRefused(gettext("Say it in up to %(limit)s characters.") % {"limit": REASON_LIMIT})
    with transaction.atomic():
        opted_out = Contact.objects.filter(pk=conversation.contact_id, opted_out_by_word=True)
        if not opted_out.update(opted_out_at=None, opted_out_by_word=False):
            raise LiftingRefused(gettext("This customer has not opted out by a word."))
        conversation.contact.opted_out_at, conversation.contact.opted_out_by_word = None, False
        known = {"why": why, "by": by.display_name}
        line = localized("The customer agreed again: %(why)s (%(by)s lifted the opt-out.)", **known)
        record_event(conversation, LIFTED, line, by=by)
        for shown in {conversation, *conversation.contact.conversations.filter(closed_at=None)}:
            publish_event(EventKind.CONVERSATION, shown)


def has_word_to_opt_in() -> bool:
    """Whether customers have a word by which they opt in again, or need nobody's help as there is none to opt out."""
    return Meaning.START in words().values() or Meaning.STOP not in words().values()
