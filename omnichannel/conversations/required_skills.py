"""Add and remove required skills of a conversation by hand; they apply to its next offer."""

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
    """The skill was not added or removed; the text is for the user."""


def rating_range() -> tuple[int, int]:
    """Return the lowest and highest rating of the rating model in use; 1 and 10 without one."""
    limits = RatingModel.objects.filter(in_use=True).values_list("min_value", "max_value").first()
    return limits or (1, 10)


def add_required_skill(conversation: Conversation, skill: Skill, rating: int, *, actor: User) -> None:
    """Require a skill with at least this rating.

    Raises:
        RequiredSkillError: The user may not do that, the rating is out of range, or the conversation is closed.
    """
    _require_permission(conversation, actor)
    lowest, highest = rating_range()
    if not lowest <= rating <= highest:
        raise RequiredSkillError(
            gettext("Choose a proficiency from %(lowest)s to %(highest)s.") % {"lowest": lowest, "highest": highest}
        )
    with transaction.atomic():
        ratings = RequiredSkill.objects.filter(conversation=conversation, skill=skill).values_list("rating", flat=True)
        if ratings.first() == rating:
            return
        RequiredSkill.objects.update_or_create(
            conversation=conversation, skill=skill, defaults={"rating": rating}, create_defaults={"rating": rating}
        )
        names = {"by": actor.display_name, "skill": skill, "rating": rating}
        _record_change(
            conversation, localized("%(by)s added the skill %(skill)s (%(rating)s or higher).", **names), actor
        )


def remove_required_skill(conversation: Conversation, skill: Skill, *, actor: User) -> None:
    """Remove a required skill.

    Raises:
        RequiredSkillError: The user may not do that, or the conversation is closed.
    """
    _require_permission(conversation, actor)
    with transaction.atomic():
        if RequiredSkill.objects.filter(conversation=conversation, skill=skill).delete()[0]:
            text = localized("%(by)s removed the skill %(skill)s.", by=actor.display_name, skill=skill)
            _record_change(conversation, text, actor)


def _require_permission(conversation: Conversation, actor: User) -> None:
    if not can_manage(actor, conversation):
        raise RequiredSkillError(gettext("Only the assigned agent or a supervisor can do this."))
    if conversation.state == State.CLOSED:
        raise RequiredSkillError(gettext("This conversation is closed."))


def _record_change(conversation: Conversation, text: LocalizedText, actor: User) -> None:
    timeline.record(conversation, TimelineEventKind.SKILLS_CHANGED, text, actor=actor)
    if conversation.state == State.OPEN:
        request_assignment()
    publish_event(LiveEventKind.CONVERSATION, conversation)
