"""Routing rules and new conversations for tests of routing."""

from typing import Any

from django.utils import timezone

from omnichannel.conversations.assignment.classify import classify_conversation
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.models import Conversation
from omnichannel.jobs.models import Lane
from routing.models import OperatingHours, OverflowRule, Queue, RoutingRule, Skill, SkillRule, SkillType
from tests import builders


def create_orders_queue() -> Queue:
    """Create a queue with a rule for messages that mention an order."""
    queue = builders.create_queue("Orders")
    create_routing_rule(
        queue, {"field": "first_message", "operator": "contains", "value": "order"}, "Order in first message"
    )
    return queue


def create_routing_rule(queue: Queue, condition: Any, name: str = "Rule") -> RoutingRule:
    stream = builders.update_work_stream()
    return RoutingRule.objects.create(work_stream=stream, queue=queue, name=name, condition=condition)


def create_skill_rule(**ratings: int) -> None:
    languages, _ = SkillType.objects.get_or_create(name="Language")
    rule = SkillRule.objects.create(work_stream=builders.update_work_stream(), name="Skills")
    for name, rating in ratings.items():
        rule.skill_requirements.create(skill=Skill.objects.create(name=name, type=languages), rating=rating)


def create_overflow_rule(
    queue: Queue, condition: str, action: str = "end", target: Queue | None = None, limit: int = 0
) -> None:
    OverflowRule.objects.create(queue=queue, condition=condition, action=action, target=target, limit=limit or None)


def close_permanently(queue: Queue) -> None:
    queue.operating_hours = OperatingHours.objects.create(name="Never")
    queue.save()


def create_new_conversation(body: str = "My order, please", **fields: Any) -> Conversation:
    """Create a conversation with this message and its lane, as an inbound message does."""
    conversation = builders.create_conversation(**fields)
    builders.create_inbound_message(conversation, body)
    Lane.objects.create(kind=LaneKind.ROUTE, key=conversation.pk, due_at=timezone.now())
    return conversation


def classify_and_refresh(conversation: Conversation) -> Conversation:
    classify_conversation(conversation.pk)
    conversation.refresh_from_db()
    return conversation


def timeline_texts(conversation: Conversation) -> list[str]:
    return [str(line) for line in conversation.events.values_list("text", flat=True)]
