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
from omnichannel.conversations.access import can_lift_opt_out
from omnichannel.conversations.lanes import request_automated_message
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import (
    Contact,
    Conversation,
    Message,
    MessageKind,
    MessageTrigger,
    OptOutMeaning,
    OptOutWord,
)
from omnichannel.conversations.state_machine import record_event
from omnichannel.core.localized_text import localized

MAX_WORD_LENGTH = 40
MAX_REASON_LENGTH = 300
# So long another process may go on with the words as they were; the one in which they are changed knows at once.
WORD_CACHE_SECONDS = 5.0  # seconds
OPT_OUT_LIFTED_EVENT = "opt_out_lifted"  # the kind of line in the timeline

_word_cache: tuple[float, Mapping[str, OptOutMeaning]] | None = None


def get_meanings_by_word() -> Mapping[str, OptOutMeaning]:
    """What each word means, by its plain form; read anew every few seconds."""
    global _word_cache
    now = time.monotonic()
    if _word_cache is None or now - _word_cache[0] > WORD_CACHE_SECONDS:
        found = OptOutWord.objects.values_list("word", "meaning")
        _word_cache = now, {normalize_word(word): OptOutMeaning(meaning) for word, meaning in found}
    return _word_cache[1]


@receiver([post_save, post_delete], sender=OptOutWord)
def clear_word_cache(**kwargs: Any) -> None:
    """Read the words anew at the next message: they have changed."""
    global _word_cache
    _word_cache = None


def normalize_word(text: str) -> str:
    """The text as words are compared: without upper case, punctuation, symbols and marks that nobody sees."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = (" " if char.isspace() else char for char in folded if unicodedata.category(char)[0] not in "PSC")
    return " ".join("".join(kept).split())


def get_opt_out_meaning(message: Message) -> OptOutMeaning | None:
    """What the message as a whole says about opting out; None for nearly all."""
    body = message.body.strip()
    if message.kind not in {MessageKind.TEXT, MessageKind.BUTTON} or not 0 < len(body) <= 2 * MAX_WORD_LENGTH:
        return None
    return get_meanings_by_word().get(normalize_word(body))


def apply_opt_out_word(conversation: Conversation, message: Message) -> None:
    """Opt the customer out, or in again, where their message is such a word. The caller holds the transaction."""
    contact = conversation.contact
    match get_opt_out_meaning(message):
        case OptOutMeaning.STOP if not contact.opted_out_by_word:
            _opt_out(contact, conversation, message)
        case OptOutMeaning.START if contact.opted_out_at:
            _opt_in(contact, conversation, message)


def _opt_out(contact: Contact, conversation: Conversation, message: Message) -> None:
    contact.opted_out_at = contact.opted_out_at or timezone.now()
    contact.opted_out_by_word = True
    contact.save(update_fields=["opted_out_at", "opted_out_by_word"])
    line = localized("The customer wrote “%(word)s” and has opted out of our messages.", word=message.body.strip())
    record_event(conversation, MessageTrigger.OPTED_OUT.value, line, actor=None)
    request_automated_message(conversation, MessageTrigger.OPTED_OUT)


def _opt_in(contact: Contact, conversation: Conversation, message: Message) -> None:
    contact.opted_out_at, contact.opted_out_by_word = None, False
    contact.save(update_fields=["opted_out_at", "opted_out_by_word"])
    line = localized("The customer wrote “%(word)s” and has opted in to our messages again.", word=message.body.strip())
    record_event(conversation, MessageTrigger.OPTED_IN.value, line, actor=None)
    request_automated_message(conversation, MessageTrigger.OPTED_IN)


class LiftOptOutError(Exception):
    """The opt-out stays; the text says why to a person."""


def lift_opt_out(conversation: Conversation, *, by: User, reason: str) -> None:
    """The customer, who had opted out by a word of ours, agreed again, as somebody of the desk writes down.

    Raises LiftingRefused with a sentence for whoever tried. Twilio's own list is Twilio's: nobody here lifts that.
    """
    why = " ".join(reason.replace("\x00", "").split())
    if not can_lift_opt_out(by, conversation):
        raise LiftOptOutError(gettext("Only the agent who has this conversation, or a supervisor, can do that."))
    if not why:
        raise LiftOptOutError(gettext("Write how the customer agreed to our messages again."))
    if len(why) > MAX_REASON_LENGTH:
        raise LiftOptOutError(gettext("Say it in up to %(limit)s characters.") % {"limit": MAX_REASON_LENGTH})
    with transaction.atomic():
        opted_out = Contact.objects.filter(pk=conversation.contact_id, opted_out_by_word=True)
        if not opted_out.update(opted_out_at=None, opted_out_by_word=False):
            raise LiftOptOutError(gettext("This customer has not opted out by a word."))
        conversation.contact.opted_out_at, conversation.contact.opted_out_by_word = None, False
        known = {"why": why, "by": by.display_name}
        line = localized("The customer agreed again: %(why)s (%(by)s lifted the opt-out.)", **known)
        record_event(conversation, OPT_OUT_LIFTED_EVENT, line, actor=by)
        for shown in {conversation, *conversation.contact.conversations.filter(closed_at=None)}:
            publish_event(LiveEventKind.CONVERSATION, shown)


def can_opt_back_in() -> bool:
    """Whether customers have a word by which they opt in again, or need nobody's help as there is none to opt out."""
    return (
        OptOutMeaning.START in get_meanings_by_word().values()
        or OptOutMeaning.STOP not in get_meanings_by_word().values()
    )
