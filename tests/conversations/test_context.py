"""Context variables and contact fields are extracted, edited, and recorded in the timeline."""

import pytest

from omnichannel.conversations.contacts.lookup import set_contact_field
from omnichannel.conversations.context import set_context
from omnichannel.conversations.models import Contact, Conversation
from omnichannel.events.models import Event
from routing.models import ContactField, ContextVariable, Queue, VariableType
from routing.variables.values import InvalidValueError
from tests import builders
from tests.conversations.routing_fixtures import (
    classify_and_refresh,
    create_new_conversation,
    create_orders_queue,
    create_routing_rule,
    timeline_texts,
)

pytestmark = pytest.mark.django_db


def create_variable(name: str = "order_number", kind: str = "text", found_after: str = "", **fields: object) -> None:
    values = {
        "work_stream": builders.update_work_stream(),
        "display_name": name.replace("_", " ").capitalize(),
        **fields,
    }
    ContextVariable.objects.create(name=name, type=VariableType(kind), found_after=found_after, **values)


def create_contact_field(name: str = "tier", kind: str = "text") -> None:
    ContactField.objects.create(display_name=name.capitalize(), name=name, type=VariableType(kind))


# -- Context variables


def test_context_is_extracted_from_the_first_message() -> None:
    create_variable("order_number", found_after="Order number")
    create_variable("amount", "number", found_after="Amount:")
    create_variable("color", found_after="Color:")
    conversation = classify_and_refresh(create_new_conversation("Order number: A-17\nAmount: plenty\nColor: red"))
    assert conversation.context == {"order_number": "A-17", "color": "red"}
    assert timeline_texts(conversation)[0] == "From the customer's message: Color “red”, Order number “A-17”."


def test_variable_set_by_an_agent_is_not_overwritten() -> None:
    create_variable("order_number", found_after="Order")
    conversation = create_new_conversation("Order A-17")
    set_context(conversation, "order_number", "B-2", builders.create_user("Agent", "Dana"))
    assert classify_and_refresh(conversation).context == {"order_number": "B-2"}


def test_variable_set_by_an_agent_does_not_prevent_routing() -> None:
    create_variable("order_number")
    orders, conversation = create_orders_queue(), create_new_conversation("My order, please")
    set_context(conversation, "order_number", "B-2", builders.create_user("Agent", "Dana"))
    assert classify_and_refresh(conversation).queue == orders


@pytest.mark.parametrize(("amount", "goes_to"), [("500,01", "Big ones"), ("500", "Default messaging queue")])
def test_rule_uses_a_variable_extracted_from_the_message(amount: str, goes_to: str) -> None:
    create_variable("amount", "number", found_after="Amount")
    create_routing_rule(
        builders.create_queue("Big ones"), {"field": "context.amount", "operator": "greater_than", "value": "500"}
    )
    assert classify_and_refresh(create_new_conversation(f"Amount: {amount}")).queue.name == goes_to


def test_a_rule_asks_about_a_field_of_the_contact() -> None:
    create_contact_field()
    gold = builders.create_queue("Gold")
    create_routing_rule(gold, {"field": "contact.tier", "operator": "one_of", "value": ["Gold", "Platinum"]})
    assert (
        classify_and_refresh(create_new_conversation(contact=builders.create_contact(fields={"tier": "gold"}))).queue
        == gold
    )
    assert classify_and_refresh(create_new_conversation()).queue == Queue.objects.get_default()


def test_variables_of_another_work_stream_are_not_extracted() -> None:
    other = type(builders.update_work_stream()).objects.create(name="Other")
    create_variable("order_number", found_after="Order", work_stream=other)
    assert classify_and_refresh(create_new_conversation("Order A-17")).context == {}


def test_setting_a_variable_is_recorded_and_publishes_an_event() -> None:
    create_variable("amount", "number")
    conversation, dana = builders.create_conversation(), builders.create_user("Agent", "Dana")
    set_context(conversation, "amount", " 12,50 ", dana)
    assert Conversation.objects.get().context == {"amount": 12.5}
    assert conversation.events.get().actor == dana
    assert Event.objects.latest("pk").subject_id == conversation.pk
    set_context(conversation, "amount", "12.50", dana)
    set_context(conversation, "amount", "", dana)
    assert timeline_texts(conversation) == ["Dana set Amount to “12.5”.", "Dana cleared Amount."]
    assert Conversation.objects.get().context == {}


def test_two_people_who_set_different_variables_at_once_lose_nothing() -> None:
    create_variable("amount", "number")
    create_variable("color")
    conversation, dana = builders.create_conversation(), builders.create_user("Agent", "Dana")
    as_seen_before = Conversation.objects.get()
    set_context(conversation, "amount", "5", dana)
    set_context(as_seen_before, "color", "red", dana)
    assert Conversation.objects.get().context == {"amount": 5, "color": "red"}


@pytest.mark.parametrize(("name", "value"), [("amount", "many"), ("color", "red")])
def test_invalid_value_is_refused(name: str, value: str) -> None:
    create_variable("amount", "number")
    conversation = builders.create_conversation()
    with pytest.raises(InvalidValueError):
        set_context(conversation, name, value, builders.create_user("Agent", "Dana"))
    assert Conversation.objects.get().context == {}
    assert timeline_texts(conversation) == []


# -- Contact fields


def test_setting_a_contact_field_is_recorded_in_the_open_conversation() -> None:
    create_contact_field()
    conversation, dana = builders.create_conversation(), builders.create_user("Agent", "Dana")
    set_contact_field(conversation.contact, "tier", " Gold ", dana)
    assert Contact.objects.get().fields == {"tier": "Gold"}
    assert timeline_texts(conversation) == ["Dana set Tier to “Gold”."]
    assert Event.objects.latest("pk").subject_id == conversation.pk


def test_contact_field_can_be_set_and_cleared_without_an_open_conversation() -> None:
    create_contact_field("seats", "number")
    contact, dana = builders.create_contact(), builders.create_user("Agent", "Dana")
    set_contact_field(contact, "seats", "4", dana)
    assert Contact.objects.get().fields == {"seats": 4}
    set_contact_field(contact, "seats", "", dana)
    assert Contact.objects.get().fields == {}


@pytest.mark.parametrize(("name", "value"), [("seats", "many"), ("tier", "Gold")])
def test_unknown_field_or_invalid_value_is_refused(name: str, value: str) -> None:
    create_contact_field("seats", "number")
    with pytest.raises(InvalidValueError):
        set_contact_field(builders.create_contact(), name, value, builders.create_user("Agent", "Dana"))
