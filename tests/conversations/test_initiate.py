"""The desk writes first: who becomes whose, which conversation, and one of them whatever happens at once."""

import uuid
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from channels_whatsapp.backends.memory import MemoryBackend
from channels_whatsapp.identity import identity
from channels_whatsapp.models import MessageTemplate, WhatsAppNumber
from omnichannel.conversations.access import get_contact_or_404, sender_numbers_for
from omnichannel.conversations.agent_load import used_capacity
from omnichannel.conversations.automated_messages import triggers
from omnichannel.conversations.initiate import (
    ConversationAlreadyOpenError,
    StartedConversation,
    parse_address,
    start_conversation,
)
from omnichannel.conversations.lifecycle import close
from omnichannel.conversations.models import Contact, ContactAddress, Conversation, Message
from omnichannel.conversations.outbound.compose import ReplyError
from omnichannel.conversations.outbound.delivery import deliver_messages
from omnichannel.conversations.outbound.templates import TemplateSendError
from omnichannel.jobs.lanes import claim_lanes
from omnichannel.jobs.models import Lane
from routing.models import Agent, Queue, State
from tests import builders
from tests.concurrency import at_once
from tests.conversations.outbound.sample_templates import template
from tests.webhook_client import deliver

pytestmark = pytest.mark.django_db

AMARA = "whatsapp:+491511234567"
VALUES = {"1": "Amara", "2": "2231"}


@pytest.fixture
def number(twilio: MemoryBackend) -> WhatsAppNumber:
    return builders.number()


@pytest.fixture
def update(number: WhatsAppNumber) -> MessageTemplate:
    return template(number.account)


@pytest.fixture
def dana(db: None) -> Agent:
    return builders.agent("Dana")


def start(by: Agent, update: MessageTemplate, address: str = AMARA, **fields: Any) -> StartedConversation:
    on = fields.pop("on", None) or WhatsAppNumber.objects.get()
    return start_conversation(on, address, update, fields.pop("values", VALUES), author=by.user, **fields)


# -- Numbers as people type them --------------------------------------------------------------------------------------


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
    assert parse_address(typed) == AMARA


@pytest.mark.parametrize("typed", ["+999123456", "+1 555 0100", "+12345678901234567890"])
def test_a_number_no_numbering_plan_knows_is_taken(typed: str) -> None:
    assert parse_address(typed).startswith("whatsapp:+")


def test_a_business_scoped_id_is_taken() -> None:
    assert parse_address("US.13491208655302741918") == "whatsapp:US.13491208655302741918"


@pytest.mark.parametrize("typed", ["0151 1234567", "151 1234567", "(415) 555-0100", "+0151 1234567", "", "Amara", "+"])
def test_without_a_country_code_one_sentence_says_what_to_type(typed: str) -> None:
    with pytest.raises(ValidationError) as refused:
        parse_address(typed)
    assert len(refused.value.messages) == 1
    assert "country code, for example +" in refused.value.messages[0]


# -- A new one --------------------------------------------------------------------------------------------------------


def test_a_conversation_is_begun_with_its_agent(dana: Agent, update: MessageTemplate, twilio: MemoryBackend) -> None:
    started = start(dana, update)
    conversation = Conversation.objects.get()
    assert started.is_new
    assert (conversation.state, conversation.agent, conversation.queue) == ("active", dana, Queue.objects.default())
    assert (conversation.window_closes_at, conversation.last_inbound_at) == (None, None)
    assert conversation.last_message == started.message
    assert conversation.contact.address == AMARA
    said = [str(line) for line in conversation.events.values_list("said", flat=True)]
    assert said == [f"Dana started the conversation on {conversation.number.name}."]
    [lease] = claim_lanes(["send"], 1)
    deliver_messages(lease)
    assert (twilio.outbox[0].to, twilio.outbox[0].content_sid) == (AMARA, update.content_sid)


def test_it_comes_into_the_queue_of_the_numbers_work_stream(dana: Agent, update: MessageTemplate) -> None:
    orders = builders.queue("Orders")
    builders.work_stream(fallback_queue=orders)
    orders.memberships.create(agent=dana)
    assert start(dana, update).conversation.queue == orders


def test_it_counts_against_the_agents_capacity(dana: Agent, update: MessageTemplate) -> None:
    start(dana, update)
    assert used_capacity([dana.pk])[dana.pk] == builders.work_stream().capacity


def test_no_routing_and_no_greeting_follow(dana: Agent, update: MessageTemplate) -> None:
    conversation = start(dana, update).conversation
    assert not Lane.objects.filter(kind="route").exists()
    Conversation.objects.update(window_closes_at=timezone.now() + triggers.LIMIT_PERIOD)
    conversation.refresh_from_db()
    assert list(triggers._due_triggers(conversation, timezone.now())) == []


def test_a_customer_who_is_known_stays_one_contact(dana: Agent, update: MessageTemplate) -> None:
    known = builders.contact(address="whatsapp:+5511987654321")
    started = start(dana, update, "whatsapp:+551187654321")
    assert started.conversation.contact == known
    assert Contact.objects.count() == 1


def test_a_customer_who_is_known_by_another_number_stays_one_contact(dana: Agent, update: MessageTemplate) -> None:
    contact = Contact.objects.create(address="whatsapp:+4930111222", identity=identity("whatsapp:+4930111222"))
    ContactAddress.objects.create(contact=contact, address=AMARA, identity=identity(AMARA))
    assert start(dana, update).conversation.contact == contact
    assert Contact.objects.count() == 1


def test_the_answer_comes_into_the_same_conversation(
    dana: Agent, update: MessageTemplate, number: WhatsAppNumber
) -> None:
    started = start(dana, update)
    form = builders.inbound_form(number, AMARA, Body="Thanks", ButtonText="Thanks", ButtonPayload="thanks")
    assert deliver(number.account.inbound_url, form).status_code == 200
    conversation = Conversation.objects.get()
    assert conversation == started.conversation
    assert conversation.window_is_open
    assert conversation.agent == dana


def test_the_same_form_twice_begins_one_conversation_with_one_message(dana: Agent, update: MessageTemplate) -> None:
    form = uuid.uuid4()
    first, second = (start(dana, update, public_id=form) for _ in range(2))
    assert (first.message, first.conversation) == (second.message, second.conversation)
    assert Message.objects.count() == 1


# -- One that is open already -----------------------------------------------------------------------------------------


def test_the_agents_own_open_conversation_gets_the_template(
    dana: Agent, update: MessageTemplate, number: WhatsAppNumber
) -> None:
    mine = builders.conversation(with_agent=dana, on=number, of=builders.contact(address=AMARA))
    started = start(dana, update)
    assert (started.conversation, started.is_new) == (mine, False)
    assert mine.messages.get().kind == "template"


def test_one_that_waits_for_the_customer_is_resumed(
    dana: Agent, update: MessageTemplate, number: WhatsAppNumber
) -> None:
    waiting = builders.conversation(on=number, of=builders.contact(address=AMARA), agent=dana, state=State.WAITING)
    assert start(dana, update).conversation == waiting
    waiting.refresh_from_db()
    assert waiting.state == State.ACTIVE


@pytest.mark.parametrize("has_agent", [True, False])
def test_one_that_the_agent_does_not_have_is_told_and_nothing_is_sent(
    dana: Agent, update: MessageTemplate, number: WhatsAppNumber, has_agent: bool
) -> None:
    omar = builders.agent("Omar") if has_agent else None
    theirs = builders.conversation(with_agent=omar, on=number, of=builders.contact(address=AMARA))
    with pytest.raises(ConversationAlreadyOpenError) as refused:
        start(dana, update)
    assert refused.value.conversation == theirs
    assert not Message.objects.exists()


def test_after_the_last_one_was_closed_a_new_one_begins(dana: Agent, update: MessageTemplate) -> None:
    first = start(dana, update).conversation
    close.end_conversation(first, dana)
    close.close_conversation(first, dana)
    assert start(dana, update).is_new
    assert Conversation.objects.count() == 2


def test_another_number_has_a_conversation_of_its_own(
    dana: Agent, update: MessageTemplate, number: WhatsAppNumber
) -> None:
    start(dana, update)
    other = builders.number(number.account)
    assert start(dana, update, on=other).is_new


# -- What stands against it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("field", "code"), [("opted_out_at", "opted_out"), ("blocked_at", "blocked")])
def test_who_wants_nothing_is_not_written_to(dana: Agent, update: MessageTemplate, field: str, code: str) -> None:
    builders.contact(address=AMARA, **{field: timezone.now()})
    with pytest.raises(ReplyError) as refused:
        start(dana, update)
    assert refused.value.code == code
    assert not Conversation.objects.exists()


def test_what_is_refused_leaves_no_contact_behind(dana: Agent, update: MessageTemplate) -> None:
    update.approval = "paused"
    with pytest.raises(TemplateSendError):
        start(dana, update)
    assert not Contact.objects.exists()


def test_missing_variables_are_told_by_name(dana: Agent, update: MessageTemplate) -> None:
    with pytest.raises(TemplateSendError) as refused:
        start(dana, update, values={"1": "Amara"})
    assert refused.value.errors == {"2": "Fill this in."}


def test_our_own_number_is_nobodys(dana: Agent, update: MessageTemplate, number: WhatsAppNumber) -> None:
    with pytest.raises(ReplyError) as refused:
        start(dana, update, number.address)
    assert refused.value.field == "to"


def test_an_agent_writes_only_from_numbers_whose_conversations_they_would_see(
    dana: Agent, update: MessageTemplate
) -> None:
    builders.work_stream(fallback_queue=builders.queue("Orders"))
    assert not sender_numbers_for(dana.user).exists()
    assert sender_numbers_for(builders.agent("Sue", role="Supervisor").user).count() == 1
    assert not sender_numbers_for(builders.user("")).exists()
    with pytest.raises(ReplyError) as refused:
        start(dana, update)
    assert refused.value.field == "number"


def test_numbers_and_channels_that_are_switched_off_write_to_nobody(dana: Agent, number: WhatsAppNumber) -> None:
    number.account.is_active = False
    number.account.save()
    builders.number(is_active=False)
    assert not sender_numbers_for(dana.user).exists()


def test_a_contact_is_known_to_those_who_see_a_conversation_with_them(dana: Agent) -> None:
    elsewhere = builders.conversation(in_queue=builders.queue("Orders"))
    here = builders.conversation()
    assert get_contact_or_404(dana.user, here.contact_id) == here.contact
    with pytest.raises(Exception, match="No such contact"):
        get_contact_or_404(dana.user, elsewhere.contact_id)


# -- At once ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("known", [True, False])
def test_of_two_agents_who_begin_at_once_one_has_it_and_the_other_is_told(known: bool, settings: Any) -> None:
    settings.WHATSAPP_BACKEND = "memory"
    number = builders.number()
    update = template(number.account)
    agents = [builders.agent("Dana"), builders.agent("Omar")]
    if known:
        builders.contact(address=AMARA)
    outcomes = at_once(*(lambda by=by: start(by, update) for by in agents))
    assert sorted(type(one).__name__ for one in outcomes) == ["AlreadyOpen", "Started"], outcomes
    assert (Conversation.objects.count(), Message.objects.count(), Contact.objects.count()) == (1, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_customer_who_writes_at_the_same_moment_is_in_the_same_conversation(settings: Any) -> None:
    settings.WHATSAPP_BACKEND = "memory"
    number, dana = builders.number(), builders.agent("Dana")
    update = template(number.account)
    form = builders.inbound_form(number, AMARA)
    outcomes = at_once(lambda: start(dana, update), lambda: deliver(number.account.inbound_url, form))
    assert Conversation.objects.count() == 1
    assert Message.objects.filter(direction="inbound").count() == 1
    assert isinstance(outcomes[0], StartedConversation | ConversationAlreadyOpenError), outcomes
