"""A new conversation is put where the rules say, once, whatever happens meanwhile."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from omnichannel.conversations.assignment.classify import classify_conversation, condition_facts_for
from omnichannel.conversations.assignment.dispatch import offer_waiting_conversations
from omnichannel.conversations.assignment.pending import MAX_ROUTING_ATTEMPTS
from omnichannel.conversations.assignment.pick import release_conversation, take_conversation, wait_for_customer
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.models import Contact, Conversation, Message
from omnichannel.conversations.state_machine import record_event
from omnichannel.core.localized_text import localized
from omnichannel.jobs.models import Lane
from omnichannel.live.models import LiveEvent
from omnichannel.worker_jobs import create_worker
from routing.fields import FIELDS, Facts
from routing.models import (
    Agent,
    OperatingHours,
    Queue,
    RoutingRule,
    State,
    WorkStream,
)
from tests import builders
from tests.concurrency import at_once
from tests.conversations.initiate_fixtures import (
    classified,
    lines,
    new,
    orders_queue,
    skill_rule,
)
from tests.webhook_client import deliver, recorded

pytestmark = pytest.mark.django_db

MONDAY_NIGHT = dt.datetime(2026, 11, 23, 22, 30, tzinfo=dt.UTC)


def facts_now(conversation: Conversation) -> Facts:
    return condition_facts_for(conversation, timezone.now(), conversation.messages.first())


@pytest.fixture
def orders() -> Queue:
    return orders_queue()


# -- Rules ------------------------------------------------------------------------------------------------------------


def test_a_customers_first_message_is_routed_by_the_rules(orders: Queue) -> None:
    number = builders.number()
    deliver(number.account.inbound_url, recorded("text", number, Body="Where is my order?"))
    conversation = Conversation.objects.get()
    assert (conversation.queue, Lane.objects.filter(kind=LaneKind.ROUTE).get().key) == (
        Queue.objects.default(),
        conversation.pk,
    )
    assert classified(conversation).queue == orders
    assert "Routed to Orders: rule “Order in first message”." in lines(conversation)


def test_further_messages_do_not_route_again(orders: Queue) -> None:
    conversation = classified(new("Hello"))
    number = conversation.number
    deliver(number.account.inbound_url, recorded("text", number, From=conversation.contact.address, Body="My order"))
    assert not Lane.objects.filter(kind=LaneKind.ROUTE).exists()
    assert classified(conversation).queue == Queue.objects.default()


def test_it_is_the_first_message_that_counts(orders: Queue) -> None:
    conversation = new("Hello")
    builders.inbound(conversation, "It is about my order")
    assert classified(conversation).queue == Queue.objects.default()
    assert lines(conversation) == ["Routed to Default messaging queue: no rule holds."]


def test_the_customer_keeps_the_place_they_have_since_they_wrote(orders: Queue) -> None:
    wrote = timezone.now() - dt.timedelta(minutes=5)
    assert classified(new(queued_at=wrote)).queued_at == wrote


def test_skills_are_noted_and_told(orders: Queue) -> None:
    skill_rule(German=7, Billing=3, Patience=1)
    conversation = classified(new())
    needed = {need.skill.name: need.rating for need in conversation.required_skills.all()}
    assert needed == {"German": 7, "Billing": 3, "Patience": 1}
    assert lines(conversation)[-1] == "Needs Billing (3), German (7) and Patience (1)."


def test_after_that_agents_are_looked_for_and_both_queues_are_told(orders: Queue) -> None:
    conversation = classified(new())
    assert Lane.objects.filter(kind=LaneKind.ASSIGN).exists()
    told = LiveEvent.objects.latest("pk").topics
    assert {f"queue:{orders.pk}", f"queue:{Queue.objects.default().pk}"} <= set(told)
    assert conversation.agent is None


def test_a_conversation_is_classified_once(orders: Queue) -> None:
    conversation = classified(new())
    RoutingRule.objects.all().delete()
    assert classified(conversation).queue == orders
    assert len(lines(conversation)) == 1


def test_what_an_agent_has_taken_meanwhile_stays_but_its_needs_are_noted(orders: Queue) -> None:
    skill_rule(German=7)
    conversation = new()
    take_conversation(conversation, builders.agent("Dana"))
    assert (classified(conversation).state, conversation.queue) == (State.ACTIVE, Queue.objects.default())
    assert [need.skill.name for need in conversation.required_skills.all()] == ["German"]


def test_what_a_person_has_put_elsewhere_stays_there(orders: Queue) -> None:
    billing = builders.queue("Billing")
    conversation = new(in_queue=billing)
    record_event(conversation, "queued", localized("Moved to Billing."), by=builders.user("Supervisor"))
    assert classified(conversation).queue == billing


def test_what_is_offered_to_an_agent_stays(orders: Queue) -> None:
    offered = {"offered_to": builders.agent("Dana"), "offer_expires_at": timezone.now() + dt.timedelta(minutes=2)}
    assert classified(new(**offered)).queue == Queue.objects.default()


def test_a_conversation_that_is_gone_is_no_error() -> None:
    classify_conversation(4711)


def test_given_back_it_keeps_its_queue_and_its_needs(orders: Queue) -> None:
    skill_rule(German=7)
    conversation, dana = classified(new()), builders.agent("Dana")
    take_conversation(conversation, dana)
    release_conversation(conversation, dana)
    conversation.refresh_from_db()
    assert (conversation.queue, conversation.required_skills.count()) == (orders, 1)


@pytest.mark.parametrize("keeps", [True, False])
def test_when_a_waiting_customer_writes_it_keeps_its_queue_and_its_needs(orders: Queue, keeps: bool) -> None:
    skill_rule(German=7)
    conversation, dana = classified(new()), builders.agent("Dana")
    builders.work_stream(keep_same_agent=keeps)
    take_conversation(conversation, dana)
    Conversation.objects.update(unread_count=0)
    wait_for_customer(conversation, dana)
    number = conversation.number
    deliver(number.account.inbound_url, recorded("text", number, From=conversation.contact.address, Body="Hello"))
    conversation.refresh_from_db()
    assert conversation.state == (State.ACTIVE if keeps else State.OPEN)
    assert (conversation.queue, conversation.required_skills.count()) == (orders, 1)
    assert not Lane.objects.filter(kind=LaneKind.ROUTE).exists()


@pytest.mark.parametrize(
    ("form", "facts"),
    [
        ("template_button", {"button_payload": "confirm-order-7", "first_message": "Yes, please"}),
        ("list_reply", {"button_payload": "slot-2"}),
        (
            "referral",
            {
                "referral_source": "ad",
                "referral_source_id": "1234567890",
                "referral_url": "https://fb.example/ad",
                "profile_name": "Amara Diallo",
                "customer_number": "+4915112345678",
                "contact_name": "",
                "button_payload": "",
            },
        ),
    ],
)
def test_conditions_can_ask_what_twilio_told(form: str, facts: dict[str, Any]) -> None:
    number = builders.number()
    deliver(number.account.inbound_url, recorded(form, number))
    told = facts_now(Conversation.objects.get())
    assert {name: told[name] for name in facts} == facts


def test_every_field_of_the_builder_is_a_fact() -> None:
    conversation = new()
    Contact.objects.update(name="Amara D.", language="fr")
    conversation.refresh_from_db()
    told = facts_now(conversation)
    assert set(told) == set(FIELDS)
    assert (told["contact_name"], told["contact_language"]) == ("Amara D.", "fr")


def test_the_clock_is_the_one_of_the_numbers_hours() -> None:
    number = builders.number(operating_hours=OperatingHours.objects.create(name="India", time_zone="Asia/Kolkata"))
    abroad, here = (
        condition_facts_for(new(on=number), MONDAY_NIGHT, None),
        condition_facts_for(new(), MONDAY_NIGHT, None),
    )
    assert (abroad["weekday"], abroad["time"]) == (1, dt.time(4, 0))
    assert (here["weekday"], here["time"]) == (0, dt.time(22, 30))


def test_a_work_stream_of_another_name_has_rules_of_its_own(orders: Queue) -> None:
    stream = WorkStream.objects.create(name="Second")
    assert classified(new(on=builders.number(work_stream=stream))).queue == Queue.objects.default()


# -- Faults -----------------------------------------------------------------------------------------------------------


def test_a_fault_delays_the_routing_and_nothing_else(orders: Queue) -> None:
    front, number = builders.queue("Front desk"), builders.number()
    builders.work_stream(fallback_queue=front)
    deliver(number.account.inbound_url, recorded("text", number, Body="Hello"))
    conversation = Conversation.objects.get()
    builders.work_stream(fallback_queue=None)
    Queue.objects.filter(is_default=True).update(is_default=False)
    with pytest.raises(Queue.DoesNotExist):
        classify_conversation(conversation.pk)
    conversation.refresh_from_db()
    assert (conversation.queue, Message.objects.get().body, lines(conversation)[1:]) == (front, "Hello", [])
    builders.work_stream(fallback_queue=orders)
    assert Lane.objects.filter(kind=LaneKind.ROUTE, key=conversation.pk).exists()
    assert classified(conversation).queue == orders


def test_until_it_is_routed_it_is_seen_but_not_handed_out(orders: Queue) -> None:
    builders.agent("Dana", queue=orders)
    conversation = new()
    assert offer_waiting_conversations(timezone.now()) == (0, False)
    assert Conversation.objects.waiting_for_agent().get() == conversation
    classify_conversation(conversation.pk)
    assert offer_waiting_conversations(timezone.now()) == (1, False)


def test_whoever_cannot_be_routed_for_long_is_handed_out_from_the_first_queue() -> None:
    builders.agent("Dana")
    new()
    Lane.objects.filter(kind=LaneKind.ROUTE).update(attempts=MAX_ROUTING_ATTEMPTS + 1)
    assert offer_waiting_conversations(timezone.now()) == (1, False)


def test_what_an_agent_took_before_it_was_routed_counts_against_their_capacity() -> None:
    dana = builders.agent("Dana")
    Agent.objects.update(capacity=30)
    take_conversation(new(), dana)
    builders.conversation()
    assert offer_waiting_conversations(timezone.now()) == (0, False)


def test_the_worker_routes_and_looks_for_overflows() -> None:
    worker = create_worker()
    assert LaneKind.ROUTE in worker.handlers
    assert "overflow from queues" in {job.name for job in worker.periodic}


@pytest.mark.django_db(transaction=True)
def test_many_at_once_classify_one_conversation_once(orders: Queue) -> None:
    skill_rule(German=7)
    conversation = new()
    assert at_once(*[lambda: classify_conversation(conversation.pk)] * 4) == [None] * 4
    assert len(lines(conversation)) == 2
    assert conversation.required_skills.count() == 1


@pytest.mark.django_db(transaction=True)
def test_taken_written_to_and_classified_at_the_same_moment_nothing_is_lost(orders: Queue) -> None:
    skill_rule(German=7)
    conversation, dana = new(), builders.agent("Dana")
    number = conversation.number
    form = recorded("text", number, From=conversation.contact.address, Body="Hello?")
    outcomes = at_once(
        lambda: classify_conversation(conversation.pk),
        lambda: take_conversation(Conversation.objects.get(pk=conversation.pk), dana),
        lambda: deliver(number.account.inbound_url, form).status_code,
        lambda: classify_conversation(conversation.pk),
    )
    assert outcomes == [None, None, 200, None]
    conversation.refresh_from_db()
    assert (conversation.state, conversation.agent, conversation.messages.count()) == (State.ACTIVE, dana, 2)
    assert [need.skill.name for need in conversation.required_skills.all()] == ["German"]
