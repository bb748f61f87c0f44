"""The skills a conversation needs of its agent, set by hand: they count when it is routed or offered again."""

from django.db import transaction
from django.utils.translation import gettext

from omnichannel.accounts.models import User
from omnichannel.conversations import timeline
from omnichannel.conversations.access import can_manage
from omnichannel.conversations.lanes import request_assignment
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Conversation, RequiredSkill, TimelineEventKind
from omnichannel.core.localized_text import LocalizedText, localized
from routing.models import RatingModel, Skill, State


class RequiredSkillError(Exception):
    """The skill was not added or removed; the text says why to a person."""


def rating_range() -> tuple[int, int]:
    """The lowest and the highest rating there is, on the scale in use."""
    ends = RatingModel.objects.filter(in_use=True).values_list("min_value", "max_value").first()
    return ends or (1, 10)


def add_required_skill(conversation: Conversation, skill: Skill, rating: int, *, actor: User) -> None:
    """The conversation needs this skill, at least so well; raises NeedRefused with a sentence for whoever tried."""
    _require_permission(conversation, actor)
    lowest, highest = rating_range()
    if not lowest <= rating <= highest:
        raise RequiredSkillError(
            gettext("Choose a proficiency from %(lowest)s to %(highest)s.") % {"lowest": lowest, "highest": highest}
        )
    with transaction.atomic():
        had = RequiredSkill.objects.filter(conversation=conversation, skill=skill).values_list("rating", flat=True)
        if had.first() == rating:
            return
        RequiredSkill.objects.update_or_create(
            conversation=conversation, skill=skill, defaults={"rating": rating}, create_defaults={"rating": rating}
        )
        known = {"by": actor.display_name, "skill": skill, "rating": rating}
        _record_change(
            conversation, localized("%(by)s added the skill %(skill)s, %(rating)s or better.", **known), actor
        )


def remove_required_skill(conversation: Conversation, skill: Skill, *, actor: User) -> None:
    """The conversation needs this skill no more; raises NeedRefused with a sentence for whoever tried."""
    _require_permission(conversation, actor)
    with transaction.atomic():
        if RequiredSkill.objects.filter(conversation=conversation, skill=skill).delete()[0]:
            line = localized("%(by)s removed the skill %(skill)s.", by=actor.display_name, skill=skill)
            _record_change(conversation, line, actor)


def _require_permission(conversation: Conversation, by: User) -> None:
    if not can_manage(by, conversation):
        raise RequiredSkillError(gettext("Only the agent who has this conversation, or a supervisor, can do that."))
    if conversation.state == State.CLOSED:
        raise RequiredSkillError(gettext("This conversation is closed."))


def _record_change(conversation: Conversation, line: LocalizedText, by: User) -> None:
    timeline.record(conversation, TimelineEventKind.SKILLS_CHANGED, line, actor=by)
    if conversation.state == State.OPEN:
        request_assignment()
    publish_event(LiveEventKind.CONVERSATION, conversation)
