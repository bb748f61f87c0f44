"""New conversations are classified by the rules exactly once."""

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
from omnichannel.events.models import Event
from omnichannel.jobs.lanes import enqueue
from omnichannel.jobs.models import Lane
from omnichannel.worker_jobs import create_worker
from routing.conditions.fields import STANDARD_FIELDS, Facts
from routing.models import (
    Agent,
    OperatingHours,
    Queue,
    RoutingRule,
    State,
    WorkStream,
)
from tests import builders
from tests.concurrency import run_concurrently
from tests.conversations.routing_fixtures import (
    classify_and_refresh,
    create_new_conversation,
    create_orders_queue,
    create_skill_rule,
    timeline_texts,
)
from tests.webhook_client import load_payload, post_webhook

pytestmark = pytest.mark.django_db

MONDAY_NIGHT = dt.datetime(2026, 11, 23, 22, 30, tzinfo=dt.UTC)


def current_facts(conversation: Conversation) -> Facts:
    return condition_facts_for(conversation, timezone.now(), conversation.messages.first())


@pytest.fixture
def orders() -> Queue:
    return create_orders_queue()


# -- Rules -------------------------------------------------------------------------------------------------------------


def test_a_customers_first_message_is_routed_by_the_rules(orders: Queue) -> None:
    number = builders.create_number()
    post_webhook(number.account.inbound_url, load_payload("text", number, Body="Where is my order?"))
    conversation = Conversation.objects.get()
    assert (conversation.queue, Lane.objects.filter(kind=LaneKind.ROUTE).get().key) == (
        Queue.objects.get_default(),
        conversation.pk,
    )
    assert classify_and_refresh(conversation).queue == orders
    assert "Routed to Orders by rule “Order in first message”." in timeline_texts(conversation)


def test_further_messages_do_not_route_again(orders: Queue) -> None:
    conversation = classify_and_refresh(create_new_conversation("Hello"))
    number = conversation.number
    post_webhook(
        number.account.inbound_url, load_payload("text", number, From=conversation.contact.address, Body="My order")
    )
    assert not Lane.objects.filter(kind=LaneKind.ROUTE).exists()
    assert classify_and_refresh(conversation).queue == Queue.objects.get_default()


def test_it_is_the_first_message_that_counts(orders: Queue) -> None:
    conversation = create_new_conversation("Hello")
    builders.create_inbound_message(conversation, "It is about my order")
    assert classify_and_refresh(conversation).queue == Queue.objects.get_default()
    assert timeline_texts(conversation) == ["No rule matched, default queue: Default messaging queue."]


def test_classification_keeps_the_customers_queue_position(orders: Queue) -> None:
    wrote = timezone.now() - dt.timedelta(minutes=5)
    assert classify_and_refresh(create_new_conversation(queued_at=wrote)).queued_at == wrote


def test_required_skills_are_stored_and_shown_in_the_timeline(orders: Queue) -> None:
    create_skill_rule(German=7, Billing=3, Patience=1)
    conversation = classify_and_refresh(create_new_conversation())
    needed = {need.skill.name: need.rating for need in conversation.required_skills.all()}
    assert needed == {"German": 7, "Billing": 3, "Patience": 1}
    assert timeline_texts(conversation)[-1] == "Required skills: Billing (3), German (7) and Patience (1)."


def test_classification_requests_assignment_and_notifies_both_queues(orders: Queue) -> None:
    conversation = classify_and_refresh(create_new_conversation())
    assert Lane.objects.filter(kind=LaneKind.ASSIGN).exists()
    topics = Event.objects.latest("pk").topics
    assert {f"queue:{orders.pk}", f"queue:{Queue.objects.get_default().pk}"} <= set(topics)
    assert conversation.agent is None


def test_a_conversation_is_classified_once(orders: Queue) -> None:
    conversation = classify_and_refresh(create_new_conversation())
    RoutingRule.objects.all().delete()
    assert classify_and_refresh(conversation).queue == orders
    assert len(timeline_texts(conversation)) == 1


def test_conversation_taken_before_classification_keeps_its_agent_and_gets_skills(orders: Queue) -> None:
    create_skill_rule(German=7)
    conversation = create_new_conversation()
    take_conversation(conversation, builders.create_agent("Dana"))
    assert (classify_and_refresh(conversation).state, conversation.queue) == (State.ACTIVE, Queue.objects.get_default())
    assert [need.skill.name for need in conversation.required_skills.all()] == ["German"]


def test_manually_moved_conversation_is_not_reclassified(orders: Queue) -> None:
    billing = builders.create_queue("Billing")
    conversation = create_new_conversation(queue=billing, is_placed_by_hand=True)
    assert classify_and_refresh(conversation).queue == billing


def test_offered_conversation_is_not_moved(orders: Queue) -> None:
    offered: dict[str, Any] = {
        "offered_to": builders.create_agent("Dana"),
        "offer_expires_at": timezone.now() + dt.timedelta(minutes=2),
    }
    assert classify_and_refresh(create_new_conversation(**offered)).queue == Queue.objects.get_default()


def test_the_lane_of_a_deleted_conversation_ends_without_an_error() -> None:
    enqueue(LaneKind.ROUTE, 4711)
    classify_conversation(4711)
    assert not Lane.objects.filter(kind=LaneKind.ROUTE).exists()


def test_released_conversation_keeps_its_queue_and_skills(orders: Queue) -> None:
    create_skill_rule(German=7)
    conversation, dana = classify_and_refresh(create_new_conversation()), builders.create_agent("Dana")
    take_conversation(conversation, dana)
    release_conversation(conversation, dana)
    conversation.refresh_from_db()
    assert (conversation.queue, conversation.required_skills.count()) == (orders, 1)


@pytest.mark.parametrize("keeps", [True, False])
def test_when_a_waiting_customer_writes_it_keeps_its_queue_and_its_needs(orders: Queue, keeps: bool) -> None:
    create_skill_rule(German=7)
    conversation, dana = classify_and_refresh(create_new_conversation()), builders.create_agent("Dana")
    builders.update_work_stream(keep_same_agent=keeps)
    take_conversation(conversation, dana)
    Conversation.objects.update(unread_count=0)
    wait_for_customer(conversation, dana)
    number = conversation.number
    post_webhook(
        number.account.inbound_url, load_payload("text", number, From=conversation.contact.address, Body="Hello")
    )
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
def test_conditions_can_use_twilio_fields(form: str, facts: dict[str, Any]) -> None:
    number = builders.create_number()
    post_webhook(number.account.inbound_url, load_payload(form, number))
    current = current_facts(Conversation.objects.get())
    assert {name: current[name] for name in facts} == facts


def test_every_field_of_the_builder_is_a_fact() -> None:
    conversation = create_new_conversation()
    Contact.objects.update(name="Amara D.", language="fr")
    conversation.refresh_from_db()
    facts = current_facts(conversation)
    assert set(facts) == set(STANDARD_FIELDS)
    assert (facts["contact_name"], facts["contact_language"]) == ("Amara D.", "fr")


def test_conditions_use_the_time_zone_of_the_numbers_hours() -> None:
    number = builders.create_number(
        operating_hours=OperatingHours.objects.create(name="India", time_zone="Asia/Kolkata")
    )
    abroad, local_number = (
        condition_facts_for(create_new_conversation(number=number), MONDAY_NIGHT, None),
        condition_facts_for(create_new_conversation(), MONDAY_NIGHT, None),
    )
    assert (abroad["weekday"], abroad["time"]) == (1, dt.time(4, 0))
    assert (local_number["weekday"], local_number["time"]) == (0, dt.time(22, 30))


def test_a_work_stream_of_another_name_has_rules_of_its_own(orders: Queue) -> None:
    stream = WorkStream.objects.create(name="Second")
    assert (
        classify_and_refresh(create_new_conversation(number=builders.create_number(work_stream=stream))).queue
        == Queue.objects.get_default()
    )


# -- Faults ------------------------------------------------------------------------------------------------------------


def test_routing_error_delays_only_the_routing(orders: Queue) -> None:
    front, number = builders.create_queue("Front desk"), builders.create_number()
    builders.update_work_stream(fallback_queue=front)
    post_webhook(number.account.inbound_url, load_payload("text", number, Body="Hello"))
    conversation = Conversation.objects.get()
    builders.update_work_stream(fallback_queue=None)
    Queue.objects.filter(is_default=True).update(is_default=False)
    with pytest.raises(Queue.DoesNotExist):
        classify_conversation(conversation.pk)
    conversation.refresh_from_db()
    assert (conversation.queue, Message.objects.get().body, timeline_texts(conversation)[1:]) == (front, "Hello", [])
    builders.update_work_stream(fallback_queue=orders)
    assert Lane.objects.filter(kind=LaneKind.ROUTE, key=conversation.pk).exists()
    assert classify_and_refresh(conversation).queue == orders


def test_unrouted_conversation_is_visible_but_not_assigned(orders: Queue) -> None:
    builders.create_agent("Dana", queue=orders)
    conversation = create_new_conversation()
    assert offer_waiting_conversations(timezone.now()) == (0, False)
    assert Conversation.objects.waiting_for_agent().get() == conversation
    classify_conversation(conversation.pk)
    assert offer_waiting_conversations(timezone.now()) == (1, False)


def test_conversation_unroutable_for_long_is_assigned_from_its_first_queue() -> None:
    builders.create_agent("Dana")
    create_new_conversation()
    Lane.objects.filter(kind=LaneKind.ROUTE).update(attempts=MAX_ROUTING_ATTEMPTS + 1)
    assert offer_waiting_conversations(timezone.now()) == (1, False)


def test_conversation_taken_before_routing_counts_against_capacity() -> None:
    dana = builders.create_agent("Dana")
    Agent.objects.update(capacity=30)
    take_conversation(create_new_conversation(), dana)
    builders.create_conversation()
    assert offer_waiting_conversations(timezone.now()) == (0, False)


def test_the_worker_routes_and_looks_for_overflows() -> None:
    worker = create_worker()
    assert LaneKind.ROUTE in worker.handlers
    assert "apply waiting time overflow" in {job.name for job in worker.periodic}


@pytest.mark.django_db(transaction=True)
def test_concurrent_workers_classify_a_conversation_once(orders: Queue) -> None:
    create_skill_rule(German=7)
    conversation = create_new_conversation()
    assert run_concurrently(*[lambda: classify_conversation(conversation.pk)] * 4) == [None] * 4
    assert len(timeline_texts(conversation)) == 2
    assert conversation.required_skills.count() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_take_message_and_classification_lose_nothing(orders: Queue) -> None:
    create_skill_rule(German=7)
    conversation, dana = create_new_conversation(), builders.create_agent("Dana")
    number = conversation.number
    form = load_payload("text", number, From=conversation.contact.address, Body="Hello?")
    outcomes = run_concurrently(
        lambda: classify_conversation(conversation.pk),
        lambda: take_conversation(Conversation.objects.get(pk=conversation.pk), dana),
        lambda: post_webhook(number.account.inbound_url, form).status_code,
        lambda: classify_conversation(conversation.pk),
    )
    assert outcomes == [None, None, 200, None]
    conversation.refresh_from_db()
    assert (conversation.state, conversation.agent, conversation.messages.count()) == (State.ACTIVE, dana, 2)
    assert [need.skill.name for need in conversation.required_skills.all()] == ["German"]
