"""Waiting conversations are offered to agents in order, within capacity, with reasons in the timeline."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from omnichannel.conversations.assignment import offers
from omnichannel.conversations.assignment.dispatch import (
    offer_waiting_conversations,
    request_assignment_if_waiting,
    run_assign_lane,
)
from omnichannel.conversations.assignment.pick import release_conversation, take_conversation, wait_for_customer
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.lifecycle.close import close_conversation, end_conversation
from omnichannel.conversations.models import Conversation, ConversationEvent, RequiredSkill
from omnichannel.conversations.presence.disconnects import release_overdue_conversations
from omnichannel.events.models import Event
from omnichannel.jobs.lanes import Lease
from omnichannel.jobs.models import Lane
from routing.models import (
    Agent,
    AgentSkill,
    AssignmentMethod,
    BasePresence,
    DistributionMode,
    Presence,
    Queue,
    Skill,
    SkillMatching,
    SkillType,
    State,
    WorkStream,
)
from routing.presence import get_built_in_presence
from tests import builders

pytestmark = pytest.mark.django_db


def dispatch_after(**later: float) -> int:
    """Offer waiting conversations, now or after some time, and return the number of offers."""
    offered, _ = offer_waiting_conversations(timezone.now() + timedelta(**later))
    return offered


def get_offered_agent(conversation: Conversation) -> Agent | None:
    conversation.refresh_from_db()
    return conversation.offered_to


def create_waiting_conversation(minutes: float = 1, **fields: Any) -> Conversation:
    """Create a conversation that has waited this long for an agent."""
    return builders.create_conversation(queued_at=timezone.now() - timedelta(minutes=minutes), **fields)


def create_skill(name: str, **ratings: Agent) -> Skill:
    kind, _ = SkillType.objects.get_or_create(name="Language")
    return Skill.objects.create(name=name, type=kind)


def last_event_text(conversation: Conversation) -> str:
    return str(conversation.events.latest("pk").text)


def offer_details(conversation: Conversation) -> str:
    return str(conversation.events.get(kind="offered").details)


def test_open_conversation_is_offered_with_the_reason_in_the_timeline() -> None:
    dana = builders.create_agent("Dana")
    builders.create_agent("Omar", presence="away")
    conversation = create_waiting_conversation()
    assert dispatch_after() == 1
    assert get_offered_agent(conversation) == dana
    assert conversation.state == State.OPEN
    assert last_event_text(conversation) == "Offered to Dana (only agent available)"
    assert offer_details(conversation) == "100 units free; not considered: 1 with presence Appear away"


def test_details_of_an_offer_name_custom_presences_by_their_text() -> None:
    builders.create_agent("Dana")
    omar = builders.create_agent("Omar", presence="offline")
    builders.create_agent("Eve", presence="offline")
    omar.presence = Presence.objects.create(name="Away - Training", text="In training 100 %", base_status="away")
    omar.save()
    conversation = create_waiting_conversation()
    dispatch_after()
    assert offer_details(conversation) == (
        "100 units free; not considered: 1 with presence In training 100 %, 1 with presence Offline"
    )


def test_an_agent_with_a_presence_of_another_work_stream_is_counted_once() -> None:
    builders.create_agent("Dana")
    builders.create_agent("Omar", presence="away")
    first = create_waiting_conversation(2)
    stream = WorkStream.objects.create(name="Night", allowed_presences=["away"], capacity=30)
    create_waiting_conversation(1, work_stream=stream)
    assert dispatch_after() == 2
    assert offer_details(first) == "100 units free; not considered: 1 with presence Appear away"


def test_offer_publishes_an_event_to_the_agent() -> None:
    dana = builders.create_agent("Dana")
    conversation = create_waiting_conversation()
    dispatch_after()
    hint = Event.objects.get(kind="conversation", subject_id=conversation.pk)
    assert f"agent:{dana.pk}" in hint.topics


def test_pending_offers_count_against_capacity() -> None:
    builders.create_agent("Dana")
    conversations = [create_waiting_conversation(place) for place in range(6)]
    assert dispatch_after() == 3
    assert [get_offered_agent(conversation) is not None for conversation in conversations] == [
        False,
        False,
        False,
        True,
        True,
        True,
    ]
    assert dispatch_after() == 0


def test_timeline_says_once_why_a_conversation_is_unassigned() -> None:
    builders.create_agent("Dana", presence="offline")
    conversation = create_waiting_conversation()
    dispatch_after()
    dispatch_after()
    assert [str(event.text) for event in conversation.events.filter(kind="no_agent")] == [
        "No agent available: 1 with presence Offline."
    ]


def test_the_queue_with_the_smaller_number_comes_first_then_who_has_waited_longest() -> None:
    urgent = Queue.objects.create(name="Urgent", priority=1)
    builders.create_agent("Dana", queue=urgent)
    long, short, first = (
        create_waiting_conversation(60),
        create_waiting_conversation(30),
        create_waiting_conversation(1, queue=urgent),
    )
    for expected in (first, long, short):
        offer_waiting_conversations(timezone.now(), limit=1)
        assert get_offered_agent(expected) is not None


def test_closing_windows_come_first_where_the_queue_says_so() -> None:
    builders.create_agent("Dana")
    soon = timezone.now() + timedelta(hours=1)
    long, closing = create_waiting_conversation(60), create_waiting_conversation(1, window_closes_at=soon)
    Queue.objects.update(closing_windows_first=True)
    offer_waiting_conversations(timezone.now(), limit=1)
    assert (get_offered_agent(closing) is not None, get_offered_agent(long)) == (True, None)


def test_only_the_queues_members_get_its_work() -> None:
    orders = builders.create_queue("Orders")
    builders.create_agent("Eve")
    conversation = create_waiting_conversation(queue=orders)
    assert dispatch_after() == 0
    assert last_event_text(conversation) == "This queue has no agents."
    omar = builders.create_agent("Omar", queue=orders)
    dispatch_after()
    assert get_offered_agent(conversation) == omar


def test_agent_without_role_or_account_gets_no_work() -> None:
    dana, omar = builders.create_agent("Dana"), builders.create_agent("Omar")
    dana.user.groups.clear()
    omar.user.is_active = False
    omar.user.save()
    create_waiting_conversation()
    assert dispatch_after() == 0


def test_pick_mode_conversations_are_not_assigned() -> None:
    builders.update_work_stream(distribution_mode=DistributionMode.PICK)
    builders.create_agent("Dana")
    create_waiting_conversation()
    assert dispatch_after() == 0


def test_round_robin_rotates_through_agents() -> None:
    Queue.objects.update(assignment_method=AssignmentMethod.ROUND_ROBIN)
    agents = [builders.create_agent(name) for name in ("Ann", "Ben", "Cem")]
    conversations = [create_waiting_conversation(10 - place) for place in range(6)]
    dispatch_after()
    assert [get_offered_agent(conversation) for conversation in conversations] == agents * 2


def test_round_robin_continues_with_the_next_agent() -> None:
    Queue.objects.update(assignment_method=AssignmentMethod.ROUND_ROBIN)
    agents = [builders.create_agent(name) for name in ("Ann", "Ben", "Cem")]
    for _turn in range(2):
        create_waiting_conversation()
        dispatch_after()
    last = create_waiting_conversation()
    dispatch_after()
    assert get_offered_agent(last) == agents[2]


@pytest.mark.parametrize("matching", [SkillMatching.EXACT, SkillMatching.CLOSEST])
def test_the_agent_with_the_skills_gets_it(matching: SkillMatching) -> None:
    builders.update_work_stream(skill_matching=matching)
    german, billing = create_skill("German"), create_skill("Billing")
    builders.create_agent("Omar")
    dana = builders.create_agent("Dana")
    AgentSkill.objects.create(agent=dana, skill=german, rating=6)
    AgentSkill.objects.create(agent=dana, skill=billing, rating=4)
    conversation = create_waiting_conversation()
    RequiredSkill.objects.create(conversation=conversation, skill=german, rating=6)
    RequiredSkill.objects.create(conversation=conversation, skill=billing, rating=3)
    dispatch_after()
    assert get_offered_agent(conversation) == dana


def test_with_exact_matching_it_waits_for_the_skill() -> None:
    builders.update_work_stream(skill_matching=SkillMatching.EXACT)
    dana, german = builders.create_agent("Dana"), create_skill("German")
    needy, other = create_waiting_conversation(2), create_waiting_conversation(1)
    RequiredSkill.objects.create(conversation=needy, skill=german, rating=6)
    dispatch_after()
    assert (get_offered_agent(needy), get_offered_agent(other)) == (None, dana)
    assert last_event_text(needy) == "No agent available: 1 missing German 6."


def test_wrap_up_uses_capacity_only_as_long_as_the_work_stream_says() -> None:
    stream = builders.update_work_stream(capacity=100, wrap_up_seconds=60)
    dana = builders.create_agent("Dana")
    builders.create_conversation(agent=dana, state=State.WRAP_UP)
    conversation = create_waiting_conversation()
    assert dispatch_after() == 0
    stream.wrap_up_seconds = None
    stream.save()
    assert dispatch_after(minutes=2) == 0
    stream.wrap_up_seconds = 60
    stream.save()
    assert dispatch_after(minutes=2) == 1
    assert get_offered_agent(conversation) == dana


def test_waiting_for_the_customer_uses_no_capacity() -> None:
    builders.update_work_stream(capacity=100)
    dana = builders.create_agent("Dana")
    wait_for_customer(builders.create_conversation(agent=dana), dana)
    create_waiting_conversation()
    assert dispatch_after() == 1


def test_agent_who_released_a_conversation_is_skipped() -> None:
    dana = builders.create_agent("Dana")
    conversation = builders.create_conversation(agent=dana)
    release_conversation(conversation, dana)
    assert dispatch_after() == 0
    omar = builders.create_agent("Omar")
    dispatch_after()
    assert get_offered_agent(conversation) == omar


def test_rejected_conversation_is_offered_again_after_a_while() -> None:
    dana = builders.create_agent("Dana")
    conversation = create_waiting_conversation()
    dispatch_after()
    conversation.refresh_from_db()
    offers.reject_offer(conversation, dana)
    assert dispatch_after(minutes=5) == 0
    assert dispatch_after(minutes=11) == 1


def take_assign_lane() -> bool:
    """Return whether assignment was requested, and delete the request."""
    return Lane.objects.filter(kind=LaneKind.ASSIGN).delete()[0] > 0


def test_assignment_is_requested_when_work_or_capacity_appears() -> None:
    dana = builders.create_agent("Dana")
    first, second = builders.create_conversation(agent=dana), builders.create_conversation(agent=dana)
    for verb, conversation in [(wait_for_customer, first), (release_conversation, second)]:
        verb(conversation, dana)
        assert take_assign_lane(), verb
    take_conversation(second, dana)
    assert not take_assign_lane()
    for verb in (end_conversation, close_conversation):
        verb(second, dana)
        assert take_assign_lane(), verb


def test_periodic_check_requests_assignment_only_while_conversations_wait() -> None:
    request_assignment_if_waiting()
    assert not take_assign_lane()
    builders.create_agent("Dana")
    create_waiting_conversation()
    request_assignment_if_waiting()
    assert take_assign_lane()
    dispatch_after()
    request_assignment_if_waiting()
    assert not take_assign_lane()


def test_unassignable_conversations_do_not_block_others() -> None:
    orders = Queue.objects.create(name="Orders", priority=1)
    number = builders.create_number()
    for _ in range(120):
        builders.create_conversation(queue=orders, number=number)
    builders.create_agent("Dana")
    late = create_waiting_conversation(0, number=number)
    dispatch_after()
    assert get_offered_agent(late) is not None
    with CaptureQueriesContext(connection) as queries:
        dispatch_after()
    assert len(queries) < 40, "what was said once is not said again"


def unassigned_reasons() -> list[str]:
    return [str(line) for line in ConversationEvent.objects.filter(kind="no_agent").values_list("text", flat=True)]


def test_every_unassigned_conversation_gets_a_reason() -> None:
    orders, number = Queue.objects.create(name="Orders"), builders.create_number()
    builders.create_agent("Dana", presence="away", queue=orders)
    for _ in range(120):
        builders.create_conversation(queue=orders, number=number)
    dispatch_after()
    assert unassigned_reasons() == ["No agent available: 1 with presence Appear away."] * 120
    dispatch_after()
    assert len(unassigned_reasons()) == 120


def test_rechecking_unassigned_conversations_needs_constant_queries() -> None:
    orders, number = Queue.objects.create(name="Orders"), builders.create_number()
    query_counts: list[int] = []
    for _ in range(2):
        for _ in range(60 + 30 * len(query_counts)):
            builders.create_conversation(queue=orders, number=number)
        dispatch_after()
        with CaptureQueriesContext(connection) as queries:
            dispatch_after()
        query_counts.append(len(queries))
    assert query_counts[0] == query_counts[1]


def test_disconnected_agent_is_preferred_on_return() -> None:
    omar, dana = builders.create_agent("Omar"), builders.create_agent("Dana")
    conversation = builders.create_conversation(agent=dana)
    Agent.objects.filter(pk=dana.pk).update(
        presence=get_built_in_presence(BasePresence.OFFLINE), last_seen_at=timezone.now() - timedelta(hours=2)
    )
    Conversation.objects.update(state_since=timezone.now() - timedelta(hours=2), unread_count=1)
    builders.update_work_stream(return_after_disconnect=timedelta(minutes=15))
    release_overdue_conversations(dana.pk, timezone.now())
    Agent.objects.update(presence=get_built_in_presence(BasePresence.AVAILABLE))
    dispatch_after()
    assert omar.pk < dana.pk, "or it would be hers without that"
    assert get_offered_agent(conversation) == dana
    assert last_event_text(conversation) == "Offered to Dana (previous agent of 2 available agents)"
    assert offer_details(conversation) == "100 units free"


def test_assign_lane_repeats_while_conversations_wait_and_then_ends() -> None:
    assert run_assign_lane(assign_lease()) is None
    builders.create_agent("Dana", presence="away")
    create_waiting_conversation()
    next_run_at = run_assign_lane(assign_lease())
    assert next_run_at is not None
    assert next_run_at - timezone.now() <= timedelta(seconds=5)
    Agent.objects.update(presence=get_built_in_presence(BasePresence.AVAILABLE))
    assert run_assign_lane(assign_lease()) is None


def assign_lease() -> Lease:
    return Lease(0, LaneKind.ASSIGN, 0, uuid.uuid4(), uuid.uuid4(), 0)
