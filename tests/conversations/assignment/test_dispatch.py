"""Waiting conversations find their agents: in turn, within capacity, with the reason in the timeline."""

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
from omnichannel.jobs.lanes import Lease
from omnichannel.jobs.models import Lane
from omnichannel.live.models import LiveEvent
from routing.models import (
    Agent,
    AgentSkill,
    AssignmentMethod,
    BasePresence,
    DistributionMode,
    Queue,
    Skill,
    SkillMatching,
    SkillType,
    State,
)
from routing.presence import built_in
from tests import builders

pytestmark = pytest.mark.django_db


def look(**later: float) -> int:
    """A worker looks for agents, now or after some time; how many conversations it offered."""
    offered, _ = offer_waiting_conversations(timezone.now() + timedelta(**later))
    return offered


def offered_to(conversation: Conversation) -> Agent | None:
    conversation.refresh_from_db()
    return conversation.offered_to


def waiting(minutes: float = 1, **fields: Any) -> Conversation:
    """A conversation that has waited for an agent that long."""
    return builders.conversation(queued_at=timezone.now() - timedelta(minutes=minutes), **fields)


def skill(name: str, **ratings: Agent) -> Skill:
    kind, _ = SkillType.objects.get_or_create(name="Language")
    return Skill.objects.create(name=name, type=kind)


def last_words(conversation: Conversation) -> str:
    return str(conversation.events.latest("pk").said)


def test_a_waiting_conversation_is_offered_and_the_timeline_says_why() -> None:
    dana = builders.agent("Dana")
    builders.agent("Omar", presence="away")
    conversation = waiting()
    assert look() == 1
    assert offered_to(conversation) == dana
    assert conversation.state == State.OPEN
    assert last_words(conversation) == (
        "Offered to Dana: the only one who can take it (100 units free); "
        "not considered: 1 not showing Available or Busy."
    )


def test_the_offered_agents_pages_are_told() -> None:
    dana = builders.agent("Dana")
    conversation = waiting()
    look()
    hint = LiveEvent.objects.get(kind="conversation", subject_id=conversation.pk)
    assert f"agent:{dana.pk}" in hint.topics


def test_offers_count_so_nobody_gets_more_than_their_capacity() -> None:
    builders.agent("Dana")
    conversations = [waiting(place) for place in range(6)]
    assert look() == 3
    assert [offered_to(one) is not None for one in conversations] == [False, False, False, True, True, True]
    assert look() == 0


def test_the_timeline_says_once_why_nobody_gets_it() -> None:
    builders.agent("Dana", presence="offline")
    conversation = waiting()
    look()
    look()
    assert [str(event.said) for event in conversation.events.filter(kind="nobody")] == [
        "Nobody can take it now: 1 not showing Available or Busy."
    ]


def test_the_queue_with_the_smaller_number_comes_first_then_who_has_waited_longest() -> None:
    urgent = Queue.objects.create(name="Urgent", priority=1)
    builders.agent("Dana", queue=urgent)
    long, short, first = waiting(60), waiting(30), waiting(1, in_queue=urgent)
    for expected in (first, long, short):
        offer_waiting_conversations(timezone.now(), limit=1)
        assert offered_to(expected) is not None


def test_closing_windows_come_first_where_the_queue_says_so() -> None:
    builders.agent("Dana")
    soon = timezone.now() + timedelta(hours=1)
    long, closing = waiting(60), waiting(1, window_closes_at=soon)
    Queue.objects.update(window_first=True)
    offer_waiting_conversations(timezone.now(), limit=1)
    assert (offered_to(closing) is not None, offered_to(long)) == (True, None)


def test_only_the_queues_members_get_its_work() -> None:
    orders = builders.queue("Orders")
    builders.agent("Eve")
    conversation = waiting(in_queue=orders)
    assert look() == 0
    assert last_words(conversation) == "Nobody works in this queue."
    omar = builders.agent("Omar", queue=orders)
    look()
    assert offered_to(conversation) == omar


def test_who_lost_their_role_or_their_account_gets_nothing() -> None:
    dana, omar = builders.agent("Dana"), builders.agent("Omar")
    dana.user.groups.clear()
    omar.user.is_active = False
    omar.user.save()
    waiting()
    assert look() == 0


def test_picked_work_is_left_to_the_agents() -> None:
    builders.work_stream(distribution_mode=DistributionMode.PICK)
    builders.agent("Dana")
    waiting()
    assert look() == 0


def test_round_robin_goes_round() -> None:
    Queue.objects.update(assignment_method=AssignmentMethod.ROUND_ROBIN)
    agents = [builders.agent(name) for name in ("Ann", "Ben", "Cem")]
    conversations = [waiting(10 - place) for place in range(6)]
    look()
    assert [offered_to(one) for one in conversations] == agents * 2


def test_turns_go_on_where_they_stopped() -> None:
    Queue.objects.update(assignment_method=AssignmentMethod.ROUND_ROBIN)
    agents = [builders.agent(name) for name in ("Ann", "Ben", "Cem")]
    for _turn in range(2):
        waiting()
        look()
    last = waiting()
    look()
    assert offered_to(last) == agents[2]


@pytest.mark.parametrize("matching", [SkillMatching.EXACT, SkillMatching.CLOSEST])
def test_the_agent_with_the_skills_gets_it(matching: SkillMatching) -> None:
    builders.work_stream(skill_matching=matching)
    german, billing = skill("German"), skill("Billing")
    builders.agent("Omar")
    dana = builders.agent("Dana")
    AgentSkill.objects.create(agent=dana, skill=german, rating=6)
    AgentSkill.objects.create(agent=dana, skill=billing, rating=4)
    conversation = waiting()
    RequiredSkill.objects.create(conversation=conversation, skill=german, rating=6)
    RequiredSkill.objects.create(conversation=conversation, skill=billing, rating=3)
    look()
    assert offered_to(conversation) == dana


def test_with_exact_matching_it_waits_for_the_skill() -> None:
    builders.work_stream(skill_matching=SkillMatching.EXACT)
    dana, german = builders.agent("Dana"), skill("German")
    needy, other = waiting(2), waiting(1)
    RequiredSkill.objects.create(conversation=needy, skill=german, rating=6)
    look()
    assert (offered_to(needy), offered_to(other)) == (None, dana)
    assert last_words(needy) == "Nobody can take it now: 1 lacking German 6."


def test_wrap_up_uses_capacity_only_as_long_as_the_work_stream_says() -> None:
    stream = builders.work_stream(capacity=100, wrap_up_seconds=60)
    dana = builders.agent("Dana")
    builders.conversation(with_agent=dana, state=State.WRAP_UP)
    conversation = waiting()
    assert look() == 0
    stream.wrap_up_seconds = None
    stream.save()
    assert look(minutes=2) == 0
    stream.wrap_up_seconds = 60
    stream.save()
    assert look(minutes=2) == 1
    assert offered_to(conversation) == dana


def test_waiting_for_the_customer_uses_no_capacity() -> None:
    builders.work_stream(capacity=100)
    dana = builders.agent("Dana")
    wait_for_customer(builders.conversation(with_agent=dana), dana)
    waiting()
    assert look() == 1


def test_who_gives_it_back_is_passed_over() -> None:
    dana = builders.agent("Dana")
    conversation = builders.conversation(with_agent=dana)
    release_conversation(conversation, dana)
    assert look() == 0
    omar = builders.agent("Omar")
    look()
    assert offered_to(conversation) == omar


def test_after_a_while_it_is_better_to_ask_again_than_to_let_the_customer_wait() -> None:
    dana = builders.agent("Dana")
    conversation = waiting()
    look()
    conversation.refresh_from_db()
    offers.reject_offer(conversation, dana)
    assert look(minutes=5) == 0
    assert look(minutes=11) == 1


def lane_is_due() -> bool:
    """Whether a worker has been told to look; forgotten by asking."""
    return Lane.objects.filter(kind=LaneKind.ASSIGN).delete()[0] > 0


def test_a_worker_looks_whenever_there_is_work_or_room() -> None:
    dana = builders.agent("Dana")
    first, second = builders.conversation(with_agent=dana), builders.conversation(with_agent=dana)
    for verb, conversation in [(wait_for_customer, first), (release_conversation, second)]:
        verb(conversation, dana)
        assert lane_is_due(), verb
    take_conversation(second, dana)
    assert not lane_is_due()
    for verb in (end_conversation, close_conversation):
        verb(second, dana)
        assert lane_is_due(), verb


def test_the_net_wakes_a_worker_only_while_something_waits() -> None:
    request_assignment_if_waiting()
    assert not lane_is_due()
    builders.agent("Dana")
    waiting()
    request_assignment_if_waiting()
    assert lane_is_due()
    look()
    request_assignment_if_waiting()
    assert not lane_is_due()


def test_work_that_nobody_can_take_does_not_hold_up_the_rest() -> None:
    orders = Queue.objects.create(name="Orders", priority=1)
    on = builders.number()
    for _ in range(120):
        builders.conversation(in_queue=orders, on=on)
    builders.agent("Dana")
    late = waiting(0, on=on)
    look()
    assert offered_to(late) is not None
    with CaptureQueriesContext(connection) as queries:
        look()
    assert len(queries) < 40, "what was said once is not said again"


def reasons() -> list[str]:
    return [str(line) for line in ConversationEvent.objects.filter(kind="nobody").values_list("said", flat=True)]


def test_everybody_who_waits_for_nobody_is_told_why_however_many_they_are() -> None:
    orders, on = Queue.objects.create(name="Orders"), builders.number()
    builders.agent("Dana", presence="away", queue=orders)
    for _ in range(120):
        builders.conversation(in_queue=orders, on=on)
    look()
    assert reasons() == ["Nobody can take it now: 1 not showing Available or Busy."] * 120
    look()
    assert len(reasons()) == 120


def test_to_look_again_for_those_who_wait_in_vain_costs_as_many_queries_for_150_as_for_60() -> None:
    orders, on = Queue.objects.create(name="Orders"), builders.number()
    asked = []
    for _ in range(2):
        for _ in range(60 + 30 * len(asked)):
            builders.conversation(in_queue=orders, on=on)
        look()
        with CaptureQueriesContext(connection) as queries:
            look()
        asked.append(len(queries))
    assert asked[0] == asked[1]


def test_of_two_who_could_have_it_the_one_who_was_disconnected_gets_it_back() -> None:
    omar, dana = builders.agent("Omar"), builders.agent("Dana")
    conversation = builders.conversation(with_agent=dana)
    Agent.objects.filter(pk=dana.pk).update(
        presence=built_in(BasePresence.OFFLINE), last_seen_at=timezone.now() - timedelta(hours=2)
    )
    Conversation.objects.update(state_since=timezone.now() - timedelta(hours=2), unread_count=1)
    builders.work_stream(return_after_disconnect=timedelta(minutes=15))
    release_overdue_conversations(dana.pk, timezone.now())
    Agent.objects.update(presence=built_in(BasePresence.AVAILABLE))
    look()
    assert omar.pk < dana.pk, "or it would be hers without that"
    assert offered_to(conversation) == dana
    assert last_words(conversation) == "Offered to Dana: had it before of 2 who can take it (100 units free)."


def test_while_something_waits_the_lane_comes_back_and_with_nothing_left_it_is_gone() -> None:
    assert run_assign_lane(lease()) is None
    builders.agent("Dana", presence="away")
    waiting()
    again = run_assign_lane(lease())
    assert again is not None
    assert again - timezone.now() <= timedelta(seconds=5)
    Agent.objects.update(presence=built_in(BasePresence.AVAILABLE))
    assert run_assign_lane(lease()) is None


def lease() -> Lease:
    return Lease(0, LaneKind.ASSIGN, 0, uuid.uuid4(), uuid.uuid4(), 0)
