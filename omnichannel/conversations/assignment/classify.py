"""Apply routing rules, skill rules and overflow rules to conversations.

Until it is routed, a conversation waits in the queue in which it was created. A fault here delays the routing and
nothing else.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from channels_whatsapp.identity import WHATSAPP_PREFIX
from channels_whatsapp.webhooks.backlog import get_late_account_ids
from omnichannel.conversations import timeline
from omnichannel.conversations.assignment.pending import exclude_unrouted
from omnichannel.conversations.context import extract_context
from omnichannel.conversations.lanes import LaneKind, request_assignment, request_automated_message
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import (
    Conversation,
    Message,
    MessageDirection,
    MessageTrigger,
    RequiredSkill,
    TimelineEventKind,
)
from omnichannel.conversations.state_machine import transition
from omnichannel.core.localized_text import LocalizedText, localized
from omnichannel.jobs.lanes import Lease
from omnichannel.jobs.models import Lane
from routing import operating_hours, overflow, rules
from routing.conditions.fields import CONTACT_PREFIX, CONTEXT_PREFIX, AvailableFields, Facts, get_available_fields
from routing.dry_run import DryRunContext
from routing.models import OperatingHours, OverflowAction, OverflowRule, Queue, State, WorkStream

logger = logging.getLogger(__name__)

OVERFLOW_BATCH_SIZE = 100  # conversations of one queue per run


def run_route_lane(lease: Lease) -> None:
    """Classify the conversation of this lane."""
    classify_conversation(lease.key)


def classify_conversation(conversation_id: int) -> None:
    """Move a new conversation to the queue that its routing rules choose, and add its required skills.

    It happens once, however often this is called. A conversation that an agent has taken, or that a person has moved,
    stays where it is.
    """
    with transaction.atomic():
        conversation = _lock_conversation(conversation_id)
        # Deleted in this transaction, because the conversation may be assigned as soon as its lane is gone.
        Lane.objects.filter(kind=LaneKind.ROUTE, key=conversation_id).delete()
        if conversation is None or conversation.routed_at is not None:
            return
        conversation.routed_at = timezone.now()
        conversation.save(update_fields=["routed_at"])
        first = _first_message(conversation)
        extract_context(conversation, first.body if first else "")
        facts, queue_before = condition_facts_for(conversation, timezone.now(), first), conversation.queue_id
        fields = get_available_fields(conversation.work_stream)
        if _can_be_routed(conversation):
            _apply_routing_rules(conversation, facts, fields)
        if conversation.state != State.CLOSED:
            _add_required_skills(conversation, facts, fields)
            request_assignment()
            publish_event(LiveEventKind.CONVERSATION, conversation, extra_queue_ids=[queue_before])


def _first_message(conversation: Conversation) -> Message | None:
    return conversation.messages.filter(direction=MessageDirection.INBOUND).first()


def condition_facts_for(conversation: Conversation, at: datetime, first_message: Message | None) -> Facts:
    """Return the values that conditions can test; times are in the time zone of the number."""
    contact = conversation.contact
    hours = conversation.number.operating_hours
    return {
        "customer_number": contact.address.removeprefix(WHATSAPP_PREFIX),
        "profile_name": contact.profile_name,
        "contact_name": contact.name,
        "contact_language": contact.language,
        **_message_facts(first_message),
        **{CONTEXT_PREFIX + name: value for name, value in conversation.context.items()},
        **{CONTACT_PREFIX + name: value for name, value in contact.fields.items()},
        **rules.get_time_facts(at, operating_hours.get_time_zone(hours.time_zone if hours else "UTC")),
    }


def operating_hours_for_stream(stream: WorkStream) -> list[OperatingHours | None]:
    """Return the operating hours whose time zones apply in this work stream; None stands for UTC."""
    numbers = stream.whatsapp_numbers.filter(is_active=True).select_related("operating_hours")
    return list({number.operating_hours: None for number in numbers}) or [None]


def _message_facts(message: Message | None) -> dict[str, Any]:
    if message is None:
        return {}
    chosen = message.content.get("button") or message.content.get("list") or {}
    referral = message.content.get("referral") or {}
    return {
        "first_message": message.body,
        "button_payload": chosen.get("payload", ""),
        "referral_source": referral.get("source", ""),
        "referral_source_id": referral.get("source_id", ""),
        "referral_url": referral.get("url", ""),
    }


def _lock_conversation(conversation_id: int) -> Conversation | None:
    related = ("contact", "number__operating_hours", "work_stream__fallback_queue", "queue", "agent")
    locked = Conversation.objects.select_for_update(of=("self",), no_key=True).select_related(*related)
    return locked.filter(pk=conversation_id).first()


def _can_be_routed(conversation: Conversation) -> bool:
    """Return whether it is unassigned, not offered, and not placed by a person."""
    is_free = conversation.state == State.OPEN and conversation.offered_to_id is None
    return is_free and not conversation.is_placed_by_hand


def _routed_text(route: rules.Route) -> LocalizedText:
    if route.rule is None:
        return localized("No rule matched, default queue: %(queue)s.", queue=route.queue)
    return localized("Routed to %(queue)s by rule “%(rule)s”.", queue=route.queue, rule=route.rule)


def _apply_routing_rules(conversation: Conversation, facts: Facts, fields: AvailableFields) -> None:
    route = rules.find_route(conversation.work_stream, facts, fields)
    timeline.record(conversation, TimelineEventKind.ROUTED, _routed_text(route), actor=None)
    # `queued_at` stays: the customer has been waiting since their message, not since it was routed.
    _set_queue(conversation, route.queue, since=conversation.queued_at)
    if route.queue != rules.get_fallback_queue(conversation.work_stream):
        _apply_entry_overflow(conversation)


def _set_queue(conversation: Conversation, queue: Queue, *, since: datetime) -> None:
    conversation.queue, conversation.queued_at = queue, since
    conversation.save(update_fields=["queue", "queued_at", "overflowed_at"])


def _apply_entry_overflow(conversation: Conversation) -> None:
    """Apply the queue's overflow rules to a conversation that enters it."""
    queue = conversation.queue
    overflow.lock_limited_queue(queue)
    rule = overflow.find_entry_rule(queue, count_waiting(queue, exclude=conversation), timezone.now())
    if rule is not None:
        _apply_overflow_rule(conversation, rule)


def count_waiting(queue: Queue, *, exclude: Conversation | None = None) -> int:
    """Return the number of conversations that wait in the queue for an agent."""
    waiting = Conversation.objects.unclosed().filter(queue=queue, state=State.OPEN)
    return exclude_unrouted(waiting.exclude(pk=exclude.pk) if exclude else waiting).count()


class ConversationDryRunContext(DryRunContext):
    """Let administrators try routing rules against the real numbers and the real length of the queues."""

    def operating_hours_of(self, stream: WorkStream) -> list[OperatingHours | None]:
        """Return the operating hours of the work stream's active numbers; None stands for UTC."""
        return operating_hours_for_stream(stream)

    def count_waiting(self, queue: Queue) -> int:
        return count_waiting(queue)


def _apply_overflow_rule(conversation: Conversation, rule: OverflowRule) -> None:
    """Perform the action of the rule and record it in the timeline."""
    text, now = overflow.describe_outcome(rule), timezone.now()
    match OverflowAction(rule.action):
        case OverflowAction.ASSIGN_ANYWAY:
            timeline.record(conversation, TimelineEventKind.QUEUED, text, actor=None)
        case OverflowAction.TRANSFER if rule.target is not None:
            timeline.record(conversation, TimelineEventKind.OVERFLOW_TRANSFERRED, text, actor=None, at=now)
            conversation.overflowed_at = now
            _set_queue(conversation, rule.target, since=now)
        case OverflowAction.END:
            timeline.record(conversation, TimelineEventKind.OVERFLOW_ENDED, text, actor=None)
            request_automated_message(conversation, MessageTrigger.OVERFLOW)
            transition(conversation, State.CLOSED, event_text=localized("Closed due to overflow."), actor=None)


def _add_required_skills(conversation: Conversation, facts: Facts, fields: AvailableFields) -> None:
    requirements = rules.get_skill_requirements(conversation.work_stream, facts, fields)
    if not requirements:
        return
    rows = [
        RequiredSkill(conversation=conversation, skill=requirement.skill, rating=requirement.rating)
        for requirement in requirements
    ]
    RequiredSkill.objects.bulk_create(rows, ignore_conflicts=True)
    *others, last = map(str, requirements)
    skills = localized("%(others)s and %(last)s", others=others, last=last) if others else last
    timeline.record(
        conversation,
        TimelineEventKind.SKILLS_ADDED,
        localized("Required skills: %(skills)s.", skills=skills),
        actor=None,
    )


def apply_waiting_time_overflow(now: datetime | None = None) -> int:
    """Move or end conversations that wait longer than overflow rules allow; return their number."""
    at, count = now or timezone.now(), 0
    for queue, waiting_rules in overflow.get_waiting_rules_by_queue().items():
        for pk in _overdue_conversation_ids(queue, waiting_rules, at):
            count += _overflow_if_overdue(pk, queue, waiting_rules, at)
    return count


def _overdue_conversation_ids(queue: Queue, waiting_rules: list[OverflowRule], at: datetime) -> list[int]:
    """Return overdue conversations, longest waiting first; those moved here by an overflow are left out.

    So are accounts with messages that are not applied yet.
    """
    shortest = min(rule.limit or 0 for rule in waiting_rules)
    waiting = exclude_unrouted(Conversation.objects.unclosed().filter(queue=queue, state=State.OPEN, offered_to=None))
    waiting = waiting.exclude(number__account__in=get_late_account_ids())
    late = waiting.exclude(overflowed_at__gte=F("queued_at")).filter(queued_at__lt=at - timedelta(minutes=shortest))
    return list(late.order_by("queued_at").values_list("pk", flat=True)[:OVERFLOW_BATCH_SIZE])


def _overflow_if_overdue(conversation_id: int, queue: Queue, waiting_rules: list[OverflowRule], at: datetime) -> bool:
    with transaction.atomic():
        conversation = _lock_conversation(conversation_id)
        if conversation is None or conversation.queue_id != queue.pk or conversation.offered_to_id:
            return False
        rule = overflow.match_waiting_rule(waiting_rules, since=conversation.queued_at, now=at)
        if rule is None or conversation.state != State.OPEN:
            return False
        _apply_overflow_rule(conversation, rule)
        if conversation.state == State.OPEN:
            request_assignment()
            publish_event(LiveEventKind.CONVERSATION, conversation, extra_queue_ids=[queue.pk])
        return True
