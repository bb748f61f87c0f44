"""Context variables of a conversation and fields of a contact: learned, set by people, written into the timeline."""

import pytest

from omnichannel.conversations.contacts.lookup import set_contact_field
from omnichannel.conversations.context import set_context
from omnichannel.conversations.models import Contact, Conversation
from omnichannel.live.models import LiveEvent
from routing.models import ContactField, ContextVariable, Queue, VariableType
from routing.values import NotAValue
from tests import builders
from tests.conversations.initiate_fixtures import classified, lines, new, orders_queue, rule

pytestmark = pytest.mark.django_db


def variable(name: str = "order_number", kind: str = "text", found_after: str = "", **fields: object) -> None:
    values = {"work_stream": builders.work_stream(), "display_name": name.replace("_", " ").capitalize(), **fields}
    ContextVariable.objects.create(name=name, type=VariableType(kind), found_after=found_after, **values)


def field(name: str = "tier", kind: str = "text") -> None:
    ContactField.objects.create(display_name=name.capitalize(), name=name, type=VariableType(kind))


# -- Context variables


def test_a_conversation_begins_with_what_the_first_message_tells() -> None:
    variable("order_number", found_after="Order number")
    variable("amount", "number", found_after="Amount:")
    variable("colour", found_after="Colour:")
    conversation = classified(new("Order number: A-17\nAmount: plenty\nColour: red"))
    assert conversation.context == {"order_number": "A-17", "colour": "red"}
    assert lines(conversation)[0] == "The customer wrote: Colour “red”, Order number “A-17”."


def test_what_an_agent_has_set_meanwhile_stays() -> None:
    variable("order_number", found_after="Order")
    conversation = new("Order A-17")
    set_context(conversation, "order_number", "B-2", builders.user("Agent", "Dana"))
    assert classified(conversation).context == {"order_number": "B-2"}


def test_what_an_agent_knows_about_a_conversation_does_not_keep_it_from_being_routed() -> None:
    variable("order_number")
    orders, conversation = orders_queue(), new("My order, please")
    set_context(conversation, "order_number", "B-2", builders.user("Agent", "Dana"))
    assert classified(conversation).queue == orders


@pytest.mark.parametrize(("amount", "goes_to"), [("500,01", "Big ones"), ("500", "Default messaging queue")])
def test_a_rule_asks_about_what_the_message_told(amount: str, goes_to: str) -> None:
    variable("amount", "number", found_after="Amount")
    rule(builders.queue("Big ones"), {"field": "context.amount", "operator": "greater_than", "value": "500"})
    assert classified(new(f"Amount: {amount}")).queue.name == goes_to


def test_a_rule_asks_about_a_field_of_the_contact() -> None:
    field()
    gold = builders.queue("Gold")
    rule(gold, {"field": "contact.tier", "operator": "one_of", "value": ["Gold", "Platinum"]})
    assert classified(new(of=builders.contact(fields={"tier": "gold"}))).queue == gold
    assert classified(new()).queue == Queue.objects.default()


def test_variables_of_another_work_stream_are_not_learned() -> None:
    other = type(builders.work_stream()).objects.create(name="Other")
    variable("order_number", found_after="Order", work_stream=other)
    assert classified(new("Order A-17")).context == {}


def test_an_agent_sets_a_variable_and_the_timeline_and_the_pages_are_told() -> None:
    variable("amount", "number")
    conversation, dana = builders.conversation(), builders.user("Agent", "Dana")
    set_context(conversation, "amount", " 12,50 ", dana)
    assert Conversation.objects.get().context == {"amount": 12.5}
    assert conversation.events.get().actor == dana
    assert LiveEvent.objects.latest("pk").subject_id == conversation.pk
    set_context(conversation, "amount", "12.50", dana)
    set_context(conversation, "amount", "", dana)
    assert lines(conversation) == ["Dana set Amount to “12.5”.", "Dana set Amount to nothing."]
    assert Conversation.objects.get().context == {}


def test_two_people_who_set_different_variables_at_once_lose_nothing() -> None:
    variable("amount", "number")
    variable("colour")
    conversation, dana = builders.conversation(), builders.user("Agent", "Dana")
    as_seen_before = Conversation.objects.get()
    set_context(conversation, "amount", "5", dana)
    set_context(as_seen_before, "colour", "red", dana)
    assert Conversation.objects.get().context == {"amount": 5, "colour": "red"}


@pytest.mark.parametrize(("name", "value"), [("amount", "many"), ("colour", "red")])
def test_what_is_no_value_is_refused(name: str, value: str) -> None:
    variable("amount", "number")
    conversation = builders.conversation()
    with pytest.raises(NotAValue):
        set_context(conversation, name, value, builders.user("Agent", "Dana"))
    assert Conversation.objects.get().context == {}
    assert lines(conversation) == []


# -- Contact fields


def test_a_field_of_a_contact_is_set_and_told_in_the_open_conversation() -> None:
    field()
    conversation, dana = builders.conversation(), builders.user("Agent", "Dana")
    set_contact_field(conversation.contact, "tier", " Gold ", dana)
    assert Contact.objects.get().fields == {"tier": "Gold"}
    assert lines(conversation) == ["Dana set Tier to “Gold”."]
    assert LiveEvent.objects.latest("pk").subject_id == conversation.pk


def test_a_field_is_set_without_an_open_conversation_too_and_taken_away() -> None:
    field("seats", "number")
    contact, dana = builders.contact(), builders.user("Agent", "Dana")
    set_contact_field(contact, "seats", "4", dana)
    assert Contact.objects.get().fields == {"seats": 4}
    set_contact_field(contact, "seats", "", dana)
    assert Contact.objects.get().fields == {}


@pytest.mark.parametrize(("name", "value"), [("seats", "many"), ("tier", "Gold")])
def test_a_field_that_is_not_there_or_a_value_that_is_none_is_refused(name: str, value: str) -> None:
    field("seats", "number")
    with pytest.raises(NotAValue):
        set_contact_field(builders.contact(), name, value, builders.user("Agent", "Dana"))
