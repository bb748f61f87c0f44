"""Disposition codes: the outcome of a conversation, chosen when it is closed."""

from collections.abc import Collection, Sequence
from typing import Final

from django.utils.translation import gettext

from omnichannel.conversations.models import Conversation, DispositionCode
from omnichannel.conversations.notes import MAX_NOTE_LENGTH, note_too_long_text
from omnichannel.conversations.state_machine import TransitionError

MAX_CODES: Final = 2


class WrapUpError(TransitionError):
    """The wrap-up form is not valid.

    Attributes:
        field: The form field that is wrong: `codes` or `note`.
    """

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


def active_disposition_codes() -> Sequence[DispositionCode]:
    """Return the disposition codes that agents can choose."""
    return list(DispositionCode.objects.filter(is_active=True))


def validate_wrap_up(conversation: Conversation, codes: Collection[DispositionCode], note: str) -> None:
    """Raise WrapUpError if a required code is missing, there are too many, or the note is too long."""
    if conversation.work_stream.disposition_required and not codes:
        raise WrapUpError("codes", gettext("Choose an outcome."))
    if len(codes) > MAX_CODES:
        raise WrapUpError("codes", gettext("Choose up to %(most)s.") % {"most": MAX_CODES})
    if len(note) > MAX_NOTE_LENGTH:
        raise WrapUpError("note", note_too_long_text(note))
