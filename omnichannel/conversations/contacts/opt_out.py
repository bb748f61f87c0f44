"""Opt-out and opt-in by words that are a customer's whole message.

Twilio has its own words and its own list. An opt-out that Twilio reported ends when the customer writes again: Twilio
reports it again if they are still on its list. An opt-out by one of our words ends with an opt-in word, or when an
agent records how the customer agreed again.
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
from omnichannel.conversations import timeline
from omnichannel.conversations.access import can_lift_opt_out
from omnichannel.conversations.lanes import request_automated_message
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import (
    Contact,
    Conversation,
    Message,
    MessageDirection,
    MessageKind,
    MessageTrigger,
    OptOutMeaning,
    OptOutWord,
    TimelineEventKind,
)
from omnichannel.core.localized_text import localized

MAX_WORD_LENGTH = 40
MAX_REASON_LENGTH = 300
# Other processes notice changed words after this time; the process that changes them does at once.
WORD_CACHE_SECONDS = 5.0
WORD_KINDS = (MessageKind.TEXT, MessageKind.BUTTON)

_word_cache: tuple[float, Mapping[str, OptOutMeaning]] | None = None


def get_meanings_by_word() -> Mapping[str, OptOutMeaning]:
    """Return the meaning of each word by its normalized form; cached for WORD_CACHE_SECONDS."""
    global _word_cache
    now = time.monotonic()
    if _word_cache is None or now - _word_cache[0] > WORD_CACHE_SECONDS:
        rows = OptOutWord.objects.values_list("word", "meaning")
        _word_cache = now, {normalize_word(word): OptOutMeaning(meaning) for word, meaning in rows}
    return _word_cache[1]


@receiver([post_save, post_delete], sender=OptOutWord)
def clear_word_cache(**kwargs: Any) -> None:
    """Clear the cache after a word was changed."""
    global _word_cache
    _word_cache = None


def normalize_word(text: str) -> str:
    """Return the text for comparison: case-folded, without punctuation, symbols and control characters."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    characters = (" " if char.isspace() else char for char in folded if unicodedata.category(char)[0] not in "PSC")
    return " ".join("".join(characters).split())


def get_opt_out_meaning(kind: str, body: str) -> OptOutMeaning | None:
    """Return the meaning of a message that is an opt-out or opt-in word, else None.

    Args:
        kind: the MessageKind.
        body: the text.
    """
    word = body.strip()
    if kind not in WORD_KINDS or not 0 < len(word) <= 2 * MAX_WORD_LENGTH:
        return None
    return get_meanings_by_word().get(normalize_word(word))


def apply_opt_out_word(conversation: Conversation, message: Message) -> None:
    """Opt the customer out or in when their message is such a word. The caller holds the transaction.

    Messages may be stored in another order than they arrived: the word that arrived last counts.
    """
    contact = conversation.contact
    meaning = get_opt_out_meaning(message.kind, message.body)
    if meaning is None or _has_later_word(contact, message):
        return
    match meaning:
        case OptOutMeaning.STOP if not contact.opted_out_by_word:
            _opt_out(contact, conversation, message)
        case OptOutMeaning.START if contact.opted_out_at:
            _opt_in(contact, conversation, message)


def _has_later_word(contact: Contact, message: Message) -> bool:
    """Return whether the customer has sent such a word after this message."""
    later = Message.objects.filter(
        conversation__contact=contact,
        direction=MessageDirection.INBOUND,
        kind__in=WORD_KINDS,
        created_at__gt=message.created_at,
    )
    return any(get_opt_out_meaning(kind, body) is not None for kind, body in later.values_list("kind", "body"))


def _opt_out(contact: Contact, conversation: Conversation, message: Message) -> None:
    contact.opted_out_at = contact.opted_out_at or timezone.now()
    contact.opted_out_by_word = True
    contact.save(update_fields=["opted_out_at", "opted_out_by_word"])
    line = localized("The customer wrote “%(word)s” and opted out.", word=message.body.strip())
    timeline.record(conversation, TimelineEventKind.OPTED_OUT, line, actor=None)
    request_automated_message(conversation, MessageTrigger.OPTED_OUT)


def _opt_in(contact: Contact, conversation: Conversation, message: Message) -> None:
    contact.opted_out_at, contact.opted_out_by_word = None, False
    contact.save(update_fields=["opted_out_at", "opted_out_by_word"])
    line = localized("The customer wrote “%(word)s” and opted in again.", word=message.body.strip())
    timeline.record(conversation, TimelineEventKind.OPTED_IN, line, actor=None)
    request_automated_message(conversation, MessageTrigger.OPTED_IN)


class LiftOptOutError(Exception):
    """The opt-out could not be lifted; the text is for the user."""


def lift_opt_out(conversation: Conversation, *, by: User, reason: str) -> None:
    """End an opt-out by one of our words after the customer agreed again.

    Twilio's own list is not affected.

    Args:
        conversation: a conversation of the customer.
        by: the user who records the consent.
        reason: how the customer agreed; shown in the timeline.

    Raises:
        LiftOptOutError: the user may not do it, the reason is missing or too long, or there is no such opt-out.
    """
    explanation = " ".join(reason.replace("\x00", "").split())
    if not can_lift_opt_out(by, conversation):
        raise LiftOptOutError(gettext("Only the assigned agent or a supervisor can do this."))
    if not explanation:
        raise LiftOptOutError(gettext("Enter how the customer opted in again."))
    if len(explanation) > MAX_REASON_LENGTH:
        raise LiftOptOutError(gettext("Use up to %(limit)s characters.") % {"limit": MAX_REASON_LENGTH})
    with transaction.atomic():
        opted_out = Contact.objects.filter(pk=conversation.contact_id, opted_out_by_word=True)
        if not opted_out.update(opted_out_at=None, opted_out_by_word=False):
            raise LiftOptOutError(gettext("This customer has not sent an opt-out word."))
        conversation.contact.opted_out_at, conversation.contact.opted_out_by_word = None, False
        values = {"why": explanation, "by": by.display_name}
        line = localized("The customer opted in again: %(why)s (recorded by %(by)s)", **values)
        timeline.record(conversation, TimelineEventKind.OPT_OUT_LIFTED, line, actor=by)
        for open_conversation in {conversation, *conversation.contact.conversations.filter(closed_at=None)}:
            publish_event(LiveEventKind.CONVERSATION, open_conversation)


def can_opt_back_in() -> bool:
    """Return whether there is an opt-in word, or no opt-out word that would require one."""
    return (
        OptOutMeaning.START in get_meanings_by_word().values()
        or OptOutMeaning.STOP not in get_meanings_by_word().values()
    )
