"""Wrap a conversation up: what it came to, and a last note for colleagues."""

from collections.abc import Collection, Sequence
from typing import Final

from django.db import transaction
from django.utils.translation import gettext

from omnichannel.conversations.lifecycle import close as closing
from omnichannel.conversations.models import Conversation, DispositionCode, Note
from omnichannel.conversations.notes import TEXT_LIMIT, too_long
from omnichannel.conversations.state_machine import TransitionRefused, require_read
from routing.models import Agent, State

MOST_CODES: Final = 2
CODES, NOTE = "codes", "note"


class WrapUpRefused(TransitionRefused):
    """The form of the wrap-up is not complete; `field` is where."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


def codes_to_choose() -> Sequence[DispositionCode]:
    """The codes agents choose from."""
    return list(DispositionCode.objects.filter(is_active=True))


def close(conversation: Conversation, agent: Agent, *, codes: Collection[DispositionCode] = (), text: str = "") -> None:
    """Close for good, with what it came to and a note; an active conversation is ended first.

    Raises WrapUpRefused for what is missing, TransitionRefused for what can't be done now; nothing has changed then.
    """
    closing.must_be_theirs_to_close(conversation, agent)
    body = text.replace("\r\n", "\n").replace("\x00", "").strip()
    _check(conversation, codes, body)
    with transaction.atomic():
        require_read(conversation)  # before anything else: what the customer writes now waits until this is over
        if conversation.state == State.ACTIVE:
            closing.end(conversation, agent)
        conversation.dispositions.set(codes)
        if body:
            Note.objects.create(conversation=conversation, author=agent.user, text=body)
        closing.close(conversation, agent, came_to=", ".join(sorted(one.name for one in codes)))


def _check(conversation: Conversation, codes: Collection[DispositionCode], body: str) -> None:
    if conversation.work_stream.disposition_required and not codes:
        raise WrapUpRefused(CODES, gettext("Choose what the conversation came to."))
    if len(codes) > MOST_CODES:
        raise WrapUpRefused(CODES, gettext("Choose up to %(most)s.") % {"most": MOST_CODES})
    if len(body) > TEXT_LIMIT:
        raise WrapUpRefused(NOTE, too_long(body))
