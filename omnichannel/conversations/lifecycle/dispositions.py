"""Disposition codes: the outcome of a conversation, chosen when it is closed."""

from collections.abc import Collection, Sequence
from typing import Final

from django.utils.translation import gettext

from omnichannel.conversations.models import Conversation, DispositionCode
from omnichannel.conversations.notes import TEXT_LIMIT, too_long
from omnichannel.conversations.state_machine import TransitionRefused

MAX_CODES: Final = 2


class WrapUpRefused(TransitionRefused):
    """The form of the wrap-up is not complete.

    Attributes:
        field: The form field that is wrong: `codes` or `note`.
    """

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


def active_codes() -> Sequence[DispositionCode]:
    """Return the disposition codes that agents can choose."""
    return list(DispositionCode.objects.filter(is_active=True))


def check_wrap_up(conversation: Conversation, codes: Collection[DispositionCode], note: str) -> None:
    """Raise WrapUpRefused when a required code is missing, or there are too many codes, or the note is too long."""
    if conversation.work_stream.disposition_required and not codes:
        raise WrapUpRefused("codes", gettext("Choose what the conversation came to."))
    if len(codes) > MAX_CODES:
        raise WrapUpRefused("codes", gettext("Choose up to %(most)s.") % {"most": MAX_CODES})
    if len(note) > TEXT_LIMIT:
        raise WrapUpRefused("note", too_long(note))
