"""Approved templates are sent at most once, also after the 24-hour window, or refused with a reason."""

import datetime as dt
import json
import uuid
from typing import Any

import pytest
from django.utils import timezone

from channels_whatsapp.backends.base import SentMessage, TwilioRejectedError, UnknownOutcomeError
from channels_whatsapp.backends.memory import MemoryBackend
from channels_whatsapp.models import MessageTemplate
from omnichannel.conversations.models import Contact, Conversation, Message, MessageKind
from omnichannel.conversations.outbound.compose import ReplyError, ReplyErrorCode, send_reply
from omnichannel.conversations.outbound.templates import TemplateSendError, resend_message, send_template
from omnichannel.jobs.models import Lane
from routing.models import State
from tests import builders
from tests.conftest import NOON
from tests.conversations.outbound.send_lane import run_send_lane
from tests.conversations.outbound.template_fixtures import create_template
from tests.webhook_client import post_webhook

pytestmark = pytest.mark.django_db

VALUES = {"1": "Amara", "2": "2231"}


@pytest.fixture
def conversation(memory_backend: MemoryBackend, clock: Any) -> Conversation:
    """Return a conversation whose customer wrote two days ago."""
    return builders.create_conversation(
        agent=builders.create_agent("Dana"), last_inbound_at=NOON - dt.timedelta(hours=48)
    )


@pytest.fixture
def delivery_template(conversation: Conversation) -> MessageTemplate:
    return create_template(conversation.number.account)


def send_to_customer(conversation: Conversation, of: MessageTemplate, values: Any = VALUES, **fields: Any) -> Message:
    assert conversation.agent is not None
    return send_template(conversation, of, values, author=conversation.agent.user, **fields)


def template_refusal(conversation: Conversation, of: MessageTemplate, values: Any = VALUES) -> ReplyError:
    with pytest.raises(ReplyError) as refused:
        send_to_customer(conversation, of, values)
    assert not Message.objects.exists()
    return refused.value


def test_a_template_goes_out_after_the_24_hours(
    conversation: Conversation, delivery_template: MessageTemplate, memory_backend: MemoryBackend
) -> None:
    message = send_to_customer(conversation, delivery_template)
    assert (message.kind, message.status, message.body) == (
        "template",
        "queued",
        "Hi Amara, your order 2231 is on its way.",
    )
    assert run_send_lane() is None
    [sent] = memory_backend.outbox
    assert (sent.body, sent.media_url, sent.content_sid) == ("", "", delivery_template.content_sid)
    assert json.loads(sent.content_variables) == VALUES
    assert sent.status_callback == f"{conversation.number.account.status_url}{message.public_id}/"
    message.refresh_from_db()
    assert (message.status, message.twilio_sid[:2]) == ("sending", "SM")


def test_sent_template_is_stored_with_the_message(
    conversation: Conversation, delivery_template: MessageTemplate
) -> None:
    template_content = send_to_customer(conversation, delivery_template).content["template"]
    assert (template_content["sid"], template_content["name"], template_content["variables"]) == (
        delivery_template.content_sid,
        "delivery_update",
        VALUES,
    )
    assert [button["title"] for button in template_content["buttons"]] == ["Thanks", "Where?"]


def test_only_the_templates_own_variables_are_sent(
    conversation: Conversation, delivery_template: MessageTemplate, memory_backend: MemoryBackend
) -> None:
    send_to_customer(conversation, delivery_template, {**VALUES, "9": "not asked for"})
    plain = create_template(conversation.number.account, "plain", "No variables here.", variables={})
    send_to_customer(conversation, plain, {"1": "x"})
    run_send_lane()
    assert [message.content_variables for message in memory_backend.outbox] == [json.dumps(VALUES), ""]


def test_quotes_and_letters_of_every_kind_arrive_as_they_were_typed(
    conversation: Conversation, delivery_template: MessageTemplate, memory_backend: MemoryBackend
) -> None:
    values = {"1": 'O\'Neil "Jo" \\ مرحبا', "2": "№ 1 🏮"}
    send_to_customer(conversation, delivery_template, values)
    run_send_lane()
    assert json.loads(memory_backend.outbox[0].content_variables) == values


def test_missing_variables_are_listed_by_name(conversation: Conversation, delivery_template: MessageTemplate) -> None:
    refused = template_refusal(conversation, delivery_template, {"1": " "})
    assert isinstance(refused, TemplateSendError)
    assert refused.errors == {"1": "Enter a value.", "2": "Enter a value."}


@pytest.mark.parametrize("state", ["unsubmitted", "pending", "rejected", "paused", "disabled", "in_appeal"])
def test_unapproved_template_is_refused_with_the_reason(
    conversation: Conversation, delivery_template: MessageTemplate, state: str
) -> None:
    delivery_template.approval, delivery_template.rejection_reason = state, "Because."
    refused = template_refusal(conversation, delivery_template)
    assert refused.message.startswith("This template can't be sent. ")
    assert refused.message.endswith("Because.")


def test_template_removed_at_twilio_is_refused(conversation: Conversation, delivery_template: MessageTemplate) -> None:
    delivery_template.removed_at = timezone.now()
    assert "It was removed from Twilio." in template_refusal(conversation, delivery_template).message


def test_a_template_of_another_channel_is_refused(conversation: Conversation) -> None:
    assert (
        template_refusal(conversation, create_template(builders.create_account())).code
        == ReplyErrorCode.TEMPLATE_OF_OTHER_ACCOUNT
    )


@pytest.mark.parametrize(
    ("field", "code"), [("opted_out_at", ReplyErrorCode.OPTED_OUT), ("blocked_at", ReplyErrorCode.BLOCKED)]
)
def test_opted_out_or_blocked_customer_gets_no_template(
    conversation: Conversation, delivery_template: MessageTemplate, field: str, code: ReplyErrorCode
) -> None:
    setattr(conversation.contact, field, timezone.now())
    conversation.contact.save()
    assert template_refusal(conversation, delivery_template).code == code


def test_only_the_agent_who_has_the_conversation_sends_in_it(
    conversation: Conversation, delivery_template: MessageTemplate
) -> None:
    with pytest.raises(ReplyError) as refused:
        send_template(conversation, delivery_template, VALUES, author=builders.create_agent("Omar").user)
    assert refused.value.code == ReplyErrorCode.NOT_ASSIGNED


@pytest.mark.parametrize("state", [State.WAITING, State.CLOSED])
def test_template_is_refused_where_replies_are_refused(
    conversation: Conversation, delivery_template: MessageTemplate, state: str
) -> None:
    conversation.state = state
    conversation.closed_at = timezone.now() if state == State.CLOSED else None
    conversation.save()
    assert template_refusal(conversation, delivery_template).code == ReplyErrorCode.NOT_ASSIGNED


def test_resubmitted_form_sends_one_template(
    conversation: Conversation, delivery_template: MessageTemplate, memory_backend: MemoryBackend
) -> None:
    form = uuid.uuid4()
    assert send_to_customer(conversation, delivery_template, public_id=form) == send_to_customer(
        conversation, delivery_template, public_id=form
    )
    run_send_lane()
    assert len(memory_backend.outbox) == 1


def test_a_list_goes_out_inside_the_window_only(conversation: Conversation, memory_backend: MemoryBackend) -> None:
    content = {"body": "What about?", "button": "Choose", "items": [{"id": "a", "item": "My order"}]}
    fields: dict[str, Any] = {"content_type": "twilio/list-picker", "content": content, "approval": "unsubmitted"}
    picker = create_template(conversation.number.account, "list", **fields)
    assert "only be sent within 24 hours" in template_refusal(conversation, picker, {}).message
    Conversation.objects.update(window_closes_at=NOON + dt.timedelta(seconds=5))
    message = send_to_customer(conversation, picker, {})
    assert message.content["template"]["list_items"][0]["title"] == "My order"
    run_send_lane()
    assert memory_backend.outbox[0].content_sid == picker.content_sid


HIDDEN_ID = "US.13491208655302741918"


def hide_number(conversation: Conversation) -> None:
    Contact.objects.update(address=f"whatsapp:{HIDDEN_ID}")
    account = conversation.number.account
    conversation.contact.business_scoped_ids.create(account=account, business_scoped_id=HIDDEN_ID)


def test_an_authentication_template_to_a_hidden_number_is_refused(conversation: Conversation) -> None:
    hide_number(conversation)
    code_template = create_template(conversation.number.account, "code", "{{1}}", category="AUTHENTICATION")
    assert "can only be sent to a phone number" in template_refusal(conversation, code_template, {"1": "12"}).message


def test_an_authentication_template_is_not_sent_after_the_number_was_lost(
    conversation: Conversation, memory_backend: MemoryBackend
) -> None:
    code_template = create_template(conversation.number.account, "code", "{{1}}", category="AUTHENTICATION")
    message = send_to_customer(conversation, code_template, {"1": "12"})
    hide_number(conversation)
    run_send_lane()
    message.refresh_from_db()
    assert (message.status, memory_backend.outbox) == ("failed", [])
    assert "can only be sent to a phone number" in message.error_message


# -- Between queueing and sending --------------------------------------------------------------------------------------


def test_a_template_paused_meanwhile_is_not_sent(
    conversation: Conversation, delivery_template: MessageTemplate, memory_backend: MemoryBackend
) -> None:
    message = send_to_customer(conversation, delivery_template)
    MessageTemplate.objects.update(approval="paused")
    assert run_send_lane() is None
    message.refresh_from_db()
    assert (message.status, memory_backend.outbox) == ("failed", [])
    assert "WhatsApp paused it" in message.error_message


def test_a_list_whose_window_closed_meanwhile_is_not_sent(
    conversation: Conversation, clock: Any, memory_backend: MemoryBackend
) -> None:
    Conversation.objects.update(window_closes_at=NOON)
    content = {"body": "What about?", "button": "Choose", "items": []}
    picker = create_template(
        conversation.number.account, "list", content_type="twilio/list-picker", content=content, approval="unsubmitted"
    )
    send_to_customer(conversation, picker, {})
    clock.shift(1)
    run_send_lane()
    assert (memory_backend.outbox, Message.objects.get().status) == ([], "failed")


def test_replies_and_templates_go_out_in_their_order(
    conversation: Conversation, delivery_template: MessageTemplate, memory_backend: MemoryBackend
) -> None:
    assert conversation.agent is not None
    Conversation.objects.update(window_closes_at=NOON)
    send_reply(conversation, author=conversation.agent.user, text="one")
    send_to_customer(conversation, delivery_template)
    send_reply(conversation, author=conversation.agent.user, text="three")
    run_send_lane()
    assert [(message.body, bool(message.content_sid)) for message in memory_backend.outbox] == [
        ("one", False),
        ("", True),
        ("three", False),
    ]


# -- Interrupted calls -------------------------------------------------------------------------------------------------


@pytest.fixture
def interrupted_message(
    conversation: Conversation, delivery_template: MessageTemplate, memory_backend: MemoryBackend
) -> Message:
    message = send_to_customer(conversation, delivery_template)
    memory_backend.errors_to_raise = [UnknownOutcomeError("ReadTimeout")]
    assert run_send_lane() is not None
    message.refresh_from_db()
    assert (message.status, message.twilio_sid, memory_backend.outbox) == ("sending", "", [])
    return message


def twilio_copy(message: Message, body: str, **fields: Any) -> SentMessage:
    to = message.conversation.contact.address
    return SentMessage(builders.new_sid("MM"), "sent", to, body, timezone.now(), **fields)


@pytest.mark.parametrize(
    ("body", "num_media"),
    [
        ("Hi Amara, your order 2231 is on its way.", 0),
        ("Lumen Lamps\n\nHi Amara, your order 2231 is on its way.\n\nReply STOP to opt out", 0),
        ("Hi Amara, your order 2231 is on its way.", 1),
        ("", 0),
    ],
)
def test_interrupted_template_is_matched_in_twilios_list(
    interrupted_message: Message, memory_backend: MemoryBackend, clock: Any, body: str, num_media: int
) -> None:
    memory_backend.sent = [twilio_copy(interrupted_message, body, num_media=num_media)]
    clock.shift(10)
    assert run_send_lane() is None
    interrupted_message.refresh_from_db()
    assert interrupted_message.twilio_sid == memory_backend.sent[0].sid
    assert memory_backend.outbox == []


def test_interrupted_template_is_matched_by_text(
    interrupted_message: Message, memory_backend: MemoryBackend, clock: Any
) -> None:
    memory_backend.sent = [
        twilio_copy(interrupted_message, ""),
        twilio_copy(interrupted_message, interrupted_message.body),
    ]
    clock.shift(10)
    run_send_lane()
    interrupted_message.refresh_from_db()
    assert interrupted_message.twilio_sid == memory_backend.sent[1].sid


def test_message_of_another_program_is_not_matched(
    interrupted_message: Message, memory_backend: MemoryBackend, clock: Any
) -> None:
    memory_backend.sent = [twilio_copy(interrupted_message, "Your appointment is tomorrow.")]
    clock.shift(61)
    assert run_send_lane() is None
    interrupted_message.refresh_from_db()
    assert (interrupted_message.status, interrupted_message.twilio_sid, memory_backend.outbox) == ("failed", "", [])


def test_callback_with_public_id_settles_the_outcome(
    interrupted_message: Message, memory_backend: MemoryBackend
) -> None:
    sid = builders.new_sid("MM")
    url = f"{interrupted_message.conversation.number.account.status_url}{interrupted_message.public_id}/"
    post_webhook(url, {"MessageSid": sid, "MessageStatus": "delivered"})
    interrupted_message.refresh_from_db()
    assert (interrupted_message.status, interrupted_message.twilio_sid) == ("delivered", sid)
    assert run_send_lane() is None
    assert memory_backend.outbox == []


def test_unsent_template_is_resent_as_a_template(
    interrupted_message: Message, delivery_template: MessageTemplate, memory_backend: MemoryBackend, clock: Any
) -> None:
    clock.shift(61)
    run_send_lane()
    assert interrupted_message.author is not None
    copy = resend_message(interrupted_message, author=interrupted_message.author)
    assert (copy.kind, copy.body) == (MessageKind.TEMPLATE, interrupted_message.body)
    with pytest.raises(ReplyError, match="already been sent again"):
        resend_message(interrupted_message, author=interrupted_message.author)
    run_send_lane()
    assert [message.content_sid for message in memory_backend.outbox] == [delivery_template.content_sid]
    assert not Lane.objects.filter(kind="send").exists()


# -- Status callbacks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "state"), [("63040", "rejected"), ("63041", "paused"), ("63042", "disabled")])
def test_template_failure_code_updates_the_template_state(
    conversation: Conversation, delivery_template: MessageTemplate, code: str, state: str
) -> None:
    message = send_to_customer(conversation, delivery_template)
    run_send_lane()
    url = f"{conversation.number.account.status_url}{message.public_id}/"
    message.refresh_from_db()
    post_webhook(url, {"MessageSid": message.twilio_sid, "MessageStatus": "failed", "ErrorCode": code})
    delivery_template.refresh_from_db()
    assert delivery_template.approval == state


def test_variables_rejected_by_twilio_are_reported(
    conversation: Conversation, delivery_template: MessageTemplate, memory_backend: MemoryBackend
) -> None:
    message = send_to_customer(conversation, delivery_template)
    memory_backend.errors_to_raise = [TwilioRejectedError(21656, "The ContentVariables parameter is invalid", 400)]
    run_send_lane()
    message.refresh_from_db()
    assert (message.status, message.error_code) == ("failed", 21656)
