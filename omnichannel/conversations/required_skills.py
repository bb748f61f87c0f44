"""The skills a conversation needs of its agent, set by hand: they count when it is routed or offered again."""

from django.db import transaction
from django.utils.translation import gettext

from omnichannel.accounts.models import User
from omnichannel.conversations.access import may_handle
from omnichannel.conversations.lanes import request_assignment
from omnichannel.conversations.live_events import EventKind, publish_event
from omnichannel.conversations.models import Conversation, RequiredSkill
from omnichannel.conversations.state_machine import record_event
from omnichannel.core.localized_text import LocalizedText, localized
from routing.models import RatingModel, Skill, State

NEEDS = "needs"  # the kind of line in the timeline


class NeedRefused(Exception):
    """The skill was not added or removed; the text says why to a person."""


def scale() -> tuple[int, int]:
    """The lowest and the highest rating there is, on the scale in use."""
    ends = RatingModel.objects.filter(in_use=True).values_list("min_value", "max_value").first()
    return ends or (1, 10)


def add_need(conversation: Conversation, skill: Skill, rating: int, *, by: User) -> None:
    """The conversation needs this skill, at least so well; raises NeedRefused with a sentence for whoever tried."""
    _check(conversation, by)
    lowest, highest = scale()
    if not lowest <= rating <= highest:
        raise NeedRefused(
            gettext("Choose a proficiency from %(lowest)s to %(highest)s.") % {"lowest": lowest, "highest": highest}
        )
    with transaction.atomic():
        had = RequiredSkill.objects.filter(conversation=conversation, skill=skill).values_list("rating", flat=True)
        if had.first() == rating:
            return
        RequiredSkill.objects.update_or_create(
            conversation=conversation, skill=skill, defaults={"rating": rating}, create_defaults={"rating": rating}
        )
        known = {"by": by.display_name, "skill": skill, "rating": rating}
        _tell(conversation, localized("%(by)s added the skill %(skill)s, %(rating)s or better.", **known), by)


def remove_need(conversation: Conversation, skill: Skill, *, by: User) -> None:
    """The conversation needs this skill no more; raises NeedRefused with a sentence for whoever tried."""
    _check(conversation, by)
    with transaction.atomic():
        if RequiredSkill.objects.filter(conversation=conversation, skill=skill).delete()[0]:
            line = localized("%(by)s removed the skill %(skill)s.", by=by.display_name, skill=skill)
            _tell(conversation, line, by)


def _check(conversation: Conversation, by: User) -> None:
    if not may_handle(by, conversation):
        raise NeedRefused(gettext("Only the agent who has this conversation, or a supervisor, can do that."))
    if conversation.state == State.CLOSED:
        raise NeedRefused(gettext("This conversation is closed."))


def _tell(conversation: Conversation, line: LocalizedText, by: User) -> None:
    record_event(conversation, NEEDS, line, by=by)
    if conversation.state == State.OPEN:
        request_assignment()
    publish_event(EventKind.CONVERSATION, conversation)
