"""Conversations that agents start: number, contact, agent, and one conversation under concurrency."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from channels_whatsapp.backends.memory import MemoryBackend
from channels_whatsapp.identity import get_identity
from channels_whatsapp.models import MessageTemplate, WhatsAppNumber
from omnichannel.conversations.access import get_contact_or_404, sender_numbers_for
from omnichannel.conversations.agent_load import used_capacity
from omnichannel.conversations.initiate import (
    ConversationAlreadyOpenError,
    StartedConversation,
    parse_address,
    start_conversation,
)
from omnichannel.conversations.lifecycle import close
from omnichannel.conversations.models import Contact, ContactAddress, Conversation, Message
from omnichannel.conversations.outbound.compose import ReplyError, ReplyErrorCode, get_send_error
from omnichannel.conversations.outbound.delivery import deliver_messages
from omnichannel.conversations.outbound.templates import TemplateSendError
from omnichannel.jobs.lanes import claim_lanes
from omnichannel.jobs.models import Lane
from routing.models import Agent, Queue, State
from tests import builders
from tests.concurrency import run_concurrently
from tests.conversations.outbound.template_fixtures import create_template
from tests.webhook_client import post_webhook

pytestmark = pytest.mark.django_db

AMARA_ADDRESS = "whatsapp:+491511234567"
VALUES = {"1": "Amara", "2": "2231"}


@pytest.fixture
def number(memory_backend: MemoryBackend) -> WhatsAppNumber:
    return builders.create_number()


@pytest.fixture
def delivery_template(number: WhatsAppNumber) -> MessageTemplate:
    return create_template(number.account)


def start_with_template(
    agent: Agent, delivery_template: MessageTemplate, address: str = AMARA_ADDRESS, **fields: Any
) -> StartedConversation:
    sending_number = fields.pop("on", None) or WhatsAppNumber.objects.get()
    return start_conversation(
        sending_number, address, delivery_template, fields.pop("values", VALUES), author=agent.user, **fields
    )


# -- Spellings of numbers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        "+491511234567",
        " +49 151 1234567 ",
        "+49 (151) 123-45.67",
        "0049 151 1234567",
        "+49 (0)151 1234567",
        "0049 (0) 151 / 1234567",
        "whatsapp:+491511234567",
        "WhatsApp: +49 151 1234567",
        "\u202a+49\u00a0151\u00a01234567\u202c",
        "＋４９１５１１２３４５６７",
        "+٤٩١٥١١٢٣٤٥٦٧",
    ],
)
def test_a_number_is_understood_however_it_is_typed(typed: str) -> None:
    assert parse_address(typed) == AMARA_ADDRESS


@pytest.mark.parametrize("typed", ["+999123456", "+1 555 0100", "+12345678901234567890"])
def test_number_outside_any_numbering_plan_is_accepted(typed: str) -> None:
    assert parse_address(typed).startswith("whatsapp:+")


def test_business_scoped_id_is_accepted() -> None:
    assert parse_address("US.13491208655302741918") == "whatsapp:US.13491208655302741918"


@pytest.mark.parametrize("typed", ["0151 1234567", "151 1234567", "(415) 555-0100", "+0151 1234567", "", "Amara", "+"])
def test_without_a_country_code_one_sentence_says_what_to_type(typed: str) -> None:
    with pytest.raises(ValidationError) as refused:
        parse_address(typed)
    assert len(refused.value.messages) == 1
    assert "country code" in refused.value.messages[0]
    assert "for example +" in refused.value.messages[0]


# -- New conversations -------------------------------------------------------------------------------------------------


def test_a_conversation_is_begun_with_its_agent(
    dana: Agent, delivery_template: MessageTemplate, memory_backend: MemoryBackend
) -> None:
    started = start_with_template(dana, delivery_template)
    conversation = Conversation.objects.get()
    assert started.is_new
    assert (conversation.state, conversation.agent, conversation.queue) == ("active", dana, Queue.objects.get_default())
    assert (conversation.window_closes_at, conversation.last_inbound_at) == (None, None)
    assert conversation.last_message == started.message
    assert conversation.contact.address == AMARA_ADDRESS
    text = [str(line) for line in conversation.events.values_list("text", flat=True)]
    assert text == [f"Dana started the conversation from {conversation.number.name}."]
    [lease] = claim_lanes(["send"], 1)
    deliver_messages(lease)
    assert (memory_backend.outbox[0].to, memory_backend.outbox[0].content_sid) == (
        AMARA_ADDRESS,
        delivery_template.content_sid,
    )


def test_started_conversation_uses_the_queue_of_the_numbers_work_stream(
    dana: Agent, delivery_template: MessageTemplate
) -> None:
    orders = builders.create_queue("Orders")
    builders.update_work_stream(fallback_queue=orders)
    orders.memberships.create(agent=dana)
    assert start_with_template(dana, delivery_template).conversation.queue == orders


def test_it_counts_against_the_agents_capacity(dana: Agent, delivery_template: MessageTemplate) -> None:
    start_with_template(dana, delivery_template)
    assert used_capacity([dana.pk])[dana.pk] == builders.update_work_stream().capacity


def test_no_routing_and_no_greeting_follow(dana: Agent, delivery_template: MessageTemplate) -> None:
    conversation = start_with_template(dana, delivery_template).conversation
    assert not Lane.objects.filter(kind="route").exists()
    assert not conversation.automated_message_requests.exists()


def test_a_customer_who_is_known_stays_one_contact(dana: Agent, delivery_template: MessageTemplate) -> None:
    known = builders.create_contact(address="whatsapp:+5511987654321")
    started = start_with_template(dana, delivery_template, "whatsapp:+551187654321")
    assert started.conversation.contact == known
    assert Contact.objects.count() == 1


def test_a_customer_who_is_known_by_another_number_stays_one_contact(
    dana: Agent, delivery_template: MessageTemplate
) -> None:
    contact = Contact.objects.create(address="whatsapp:+4930111222", identity=get_identity("whatsapp:+4930111222"))
    ContactAddress.objects.create(contact=contact, address=AMARA_ADDRESS, identity=get_identity(AMARA_ADDRESS))
    assert start_with_template(dana, delivery_template).conversation.contact == contact
    assert Contact.objects.count() == 1


def test_the_answer_comes_into_the_same_conversation(
    dana: Agent, delivery_template: MessageTemplate, number: WhatsAppNumber
) -> None:
    started = start_with_template(dana, delivery_template)
    form = builders.build_inbound_form(
        number, AMARA_ADDRESS, Body="Thanks", ButtonText="Thanks", ButtonPayload="thanks"
    )
    assert post_webhook(number.account.inbound_url, form).status_code == 200
    conversation = Conversation.objects.get()
    assert conversation == started.conversation
    assert conversation.window_is_open
    assert conversation.agent == dana


def test_the_same_form_twice_begins_one_conversation_with_one_message(
    dana: Agent, delivery_template: MessageTemplate
) -> None:
    form = uuid.uuid4()
    first, second = (start_with_template(dana, delivery_template, public_id=form) for _ in range(2))
    assert (first.message, first.conversation) == (second.message, second.conversation)
    assert Message.objects.count() == 1


# -- Conversations that are open already -------------------------------------------------------------------------------


def test_the_agents_own_open_conversation_gets_the_template(
    dana: Agent, delivery_template: MessageTemplate, number: WhatsAppNumber
) -> None:
    own_conversation = builders.create_conversation(
        agent=dana, number=number, contact=builders.create_contact(address=AMARA_ADDRESS)
    )
    started = start_with_template(dana, delivery_template)
    assert (started.conversation, started.is_new) == (own_conversation, False)
    assert own_conversation.messages.get().kind == "template"


def test_one_that_waits_for_the_customer_is_resumed(
    dana: Agent, delivery_template: MessageTemplate, number: WhatsAppNumber
) -> None:
    waiting = builders.create_conversation(
        number=number, contact=builders.create_contact(address=AMARA_ADDRESS), agent=dana, state=State.WAITING
    )
    assert start_with_template(dana, delivery_template).conversation == waiting
    waiting.refresh_from_db()
    assert waiting.state == State.ACTIVE


@pytest.mark.parametrize("has_agent", [True, False])
def test_open_conversation_of_a_colleague_is_reported_and_nothing_is_sent(
    dana: Agent, delivery_template: MessageTemplate, number: WhatsAppNumber, has_agent: bool
) -> None:
    omar = builders.create_agent("Omar") if has_agent else None
    other_conversation = builders.create_conversation(
        agent=omar, number=number, contact=builders.create_contact(address=AMARA_ADDRESS)
    )
    with pytest.raises(ConversationAlreadyOpenError) as refused:
        start_with_template(dana, delivery_template)
    assert refused.value.conversation == other_conversation
    assert not Message.objects.exists()


def test_after_the_last_one_was_closed_a_new_one_begins(dana: Agent, delivery_template: MessageTemplate) -> None:
    first = start_with_template(dana, delivery_template).conversation
    close.end_conversation(first, dana)
    close.close_conversation(first, dana)
    assert start_with_template(dana, delivery_template).is_new
    assert Conversation.objects.count() == 2


@pytest.mark.parametrize(("seconds_after_24_hours", "may_write"), [(0, True), (1, False)])
def test_a_new_conversation_inherits_the_window_of_the_closed_one(
    dana: Agent, delivery_template: MessageTemplate, clock: Any, seconds_after_24_hours: int, may_write: bool
) -> None:
    amara = builders.create_contact(address=AMARA_ADDRESS)
    for hours in (30, 0):
        wrote_at = timezone.now() - timedelta(hours=hours)
        builders.create_conversation(
            number=WhatsAppNumber.objects.get(),
            contact=amara,
            last_inbound_at=wrote_at,
            state=State.CLOSED,
            closed_at=timezone.now(),
        )
    clock.shift(timedelta(hours=24, seconds=seconds_after_24_hours))
    conversation = start_with_template(dana, delivery_template).conversation
    assert conversation.window_is_open is may_write
    assert (get_send_error(conversation) is None) is may_write


def test_the_window_of_another_number_or_customer_is_not_inherited(
    dana: Agent, number: WhatsAppNumber, delivery_template: MessageTemplate
) -> None:
    for sent_from, contact in ((None, builders.create_contact(address=AMARA_ADDRESS)), (number, None)):
        builders.create_conversation(number=sent_from, contact=contact, state=State.CLOSED, closed_at=timezone.now())
    conversation = start_with_template(dana, delivery_template, on=number).conversation
    assert (conversation.window_closes_at, conversation.last_inbound_at) == (None, None)


def test_another_number_has_a_conversation_of_its_own(
    dana: Agent, delivery_template: MessageTemplate, number: WhatsAppNumber
) -> None:
    start_with_template(dana, delivery_template)
    other = builders.create_number(number.account)
    assert start_with_template(dana, delivery_template, on=other).is_new


# -- Refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "code"), [("opted_out_at", ReplyErrorCode.OPTED_OUT), ("blocked_at", ReplyErrorCode.BLOCKED)]
)
def test_opted_out_or_blocked_customer_is_not_contacted(
    dana: Agent, delivery_template: MessageTemplate, field: str, code: ReplyErrorCode
) -> None:
    refused_since: dict[str, Any] = {field: timezone.now()}
    builders.create_contact(address=AMARA_ADDRESS, **refused_since)
    with pytest.raises(ReplyError) as refused:
        start_with_template(dana, delivery_template)
    assert refused.value.code == code
    assert not Conversation.objects.exists()


def test_refused_start_creates_no_contact(dana: Agent, delivery_template: MessageTemplate) -> None:
    delivery_template.approval = "paused"
    with pytest.raises(TemplateSendError):
        start_with_template(dana, delivery_template)
    assert not Contact.objects.exists()


def test_missing_variables_are_listed_by_name(dana: Agent, delivery_template: MessageTemplate) -> None:
    with pytest.raises(TemplateSendError) as refused:
        start_with_template(dana, delivery_template, values={"1": "Amara"})
    assert refused.value.errors == {"2": "Enter a value."}


def test_own_number_is_refused_as_recipient(
    dana: Agent, delivery_template: MessageTemplate, number: WhatsAppNumber
) -> None:
    with pytest.raises(ReplyError) as refused:
        start_with_template(dana, delivery_template, number.address)
    assert refused.value.field == "to"


def test_an_agent_writes_only_from_numbers_whose_conversations_they_would_see(
    dana: Agent, delivery_template: MessageTemplate
) -> None:
    builders.update_work_stream(fallback_queue=builders.create_queue("Orders"))
    assert not sender_numbers_for(dana.user).exists()
    assert sender_numbers_for(builders.create_agent("Sue", role="Supervisor").user).count() == 1
    assert not sender_numbers_for(builders.create_user("")).exists()
    with pytest.raises(ReplyError) as refused:
        start_with_template(dana, delivery_template)
    assert refused.value.field == "number"


def test_numbers_and_channels_that_are_switched_off_write_to_nobody(dana: Agent, number: WhatsAppNumber) -> None:
    number.account.is_active = False
    number.account.save()
    builders.create_number(is_active=False)
    assert not sender_numbers_for(dana.user).exists()


def test_a_contact_is_known_to_those_who_see_a_conversation_with_them(dana: Agent) -> None:
    elsewhere = builders.create_conversation(queue=builders.create_queue("Orders"))
    conversation = builders.create_conversation()
    assert get_contact_or_404(dana.user, conversation.contact_id) == conversation.contact
    with pytest.raises(Exception, match="No such contact"):
        get_contact_or_404(dana.user, elsewhere.contact_id)


# -- Concurrency -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("known", [True, False])
def test_concurrent_starts_create_one_conversation(known: bool, settings: Any) -> None:
    settings.WHATSAPP_BACKEND = "memory"
    number = builders.create_number()
    update = create_template(number.account)
    agents = [builders.create_agent("Dana"), builders.create_agent("Omar")]
    if known:
        builders.create_contact(address=AMARA_ADDRESS)
    outcomes = run_concurrently(*(lambda agent=agent: start_with_template(agent, update) for agent in agents))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "ConversationAlreadyOpenError",
        "StartedConversation",
    ], outcomes
    assert (Conversation.objects.count(), Message.objects.count(), Contact.objects.count()) == (1, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_customer_who_writes_at_the_same_moment_is_in_the_same_conversation(settings: Any) -> None:
    settings.WHATSAPP_BACKEND = "memory"
    number, dana = builders.create_number(), builders.create_agent("Dana")
    update = create_template(number.account)
    form = builders.build_inbound_form(number, AMARA_ADDRESS)
    outcomes = run_concurrently(
        lambda: start_with_template(dana, update), lambda: post_webhook(number.account.inbound_url, form)
    )
    assert Conversation.objects.count() == 1
    assert Message.objects.filter(direction="inbound").count() == 1
    assert isinstance(outcomes[0], StartedConversation | ConversationAlreadyOpenError), outcomes


# -- Customers without a visible number --------------------------------------------------------------------------------

HIDDEN_ADDRESS = "whatsapp:US.13491208655302741918"


def test_authentication_template_to_a_hidden_number_is_refused_and_nothing_is_created(
    dana: Agent, number: WhatsAppNumber
) -> None:
    code_template = create_template(number.account, "code", "{{1}} is your code.", category="AUTHENTICATION")
    with pytest.raises(TemplateSendError, match="can only be sent to a phone number"):
        start_with_template(dana, code_template, HIDDEN_ADDRESS, values={"1": "1234"})
    assert not Conversation.objects.exists()
    assert not Contact.objects.exists()
    assert start_with_template(dana, code_template, values={"1": "1234"}).is_new


def test_other_templates_are_sent_to_a_hidden_number(dana: Agent, delivery_template: MessageTemplate) -> None:
    assert start_with_template(dana, delivery_template, HIDDEN_ADDRESS).is_new
