"""The webhook views accept what Twilio posts and answer as Twilio expects."""

import contextlib
import uuid
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.exceptions import TooManyFieldsSent
from django.http import QueryDict
from django.test import Client

from channels_whatsapp.models import DeliveryState, WebhookDelivery, WebhookKind, WhatsAppAccount, WhatsAppNumber
from channels_whatsapp.webhooks import account_cache
from omnichannel.conversations.models import Conversation, Message
from tests import builders
from tests.concurrency import run_concurrently
from tests.webhook_client import FORM_CONTENT_TYPE, post_webhook

pytestmark = pytest.mark.django_db


def inbound_path(number: WhatsAppNumber) -> str:
    return f"/webhooks/whatsapp/{number.account.key}/inbound/"


def post_raw(number: WhatsAppNumber, body: bytes, content_type: str = FORM_CONTENT_TYPE) -> Any:
    """Post a raw body, signed as a form if it is one."""
    with contextlib.suppress(TooManyFieldsSent):
        signed = builders.compute_signature(number.account.inbound_url, QueryDict(body))
        headers = {"X-Twilio-Signature": signed}
        return Client(raise_request_exception=False).generic(
            "POST", inbound_path(number), body, content_type, headers=headers
        )
    return Client(raise_request_exception=False).generic("POST", inbound_path(number), body, content_type)


def test_a_customers_message_is_filed_and_answered_with_empty_twiml(number: WhatsAppNumber) -> None:
    answer = post_webhook(number.account.inbound_url, builders.build_inbound_form(number))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/xml")
    assert answer.content == b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
    assert Message.objects.get().body == "Hello"
    assert Conversation.objects.get().contact.display_name == "Amara Diallo"
    assert WebhookDelivery.objects.get().state == DeliveryState.APPLIED


@pytest.mark.parametrize("key", ["nobodys", "%00", "%ff", "a" * 500, "%F0%9F%93%A6"])
def test_unknown_webhook_key_is_not_found(key: str) -> None:
    client = Client(raise_request_exception=False)
    assert client.post(f"/webhooks/whatsapp/{key}/inbound/", "Body=x", FORM_CONTENT_TYPE).status_code == 404


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options", "head"])
def test_only_post_is_accepted(number: WhatsAppNumber, method: str) -> None:
    assert getattr(Client(), method)(inbound_path(number)).status_code == 405
    assert not WebhookDelivery.objects.exists()


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
def test_anything_but_a_form_is_refused(number: WhatsAppNumber, content_type: str) -> None:
    assert post_raw(number, b'{"Body": "x"}', content_type).status_code == 415
    assert not WebhookDelivery.objects.exists()


@pytest.mark.parametrize("charset", ["utf-8", "hex", "rot13", "utf-16", "idna", "nonsense"])
def test_unusual_charset_causes_no_server_error(number: WhatsAppNumber, charset: str) -> None:
    assert post_raw(number, b"MessageSid=SM1", f"{FORM_CONTENT_TYPE}; charset={charset}").status_code < 500


def test_a_form_with_too_many_fields_is_refused(number: WhatsAppNumber) -> None:
    assert post_raw(number, "&".join(f"f{n}=1" for n in range(1500)).encode()).status_code in {400, 413}
    assert not WebhookDelivery.objects.exists()


def test_a_huge_form_is_refused_before_it_is_read(number: WhatsAppNumber) -> None:
    assert post_raw(number, b"Body=" + b"x" * 3_000_000).status_code in {400, 413}
    assert not WebhookDelivery.objects.exists()


@pytest.mark.parametrize("body", [b"Body=%ff%fe&MessageSid=SM1", b"Body=\xff\xfe", b"&&&=;=&", b"%00=%00", b"\x00"])
def test_undecodable_bytes_cause_no_server_error(number: WhatsAppNumber, body: bytes) -> None:
    assert post_raw(number, body).status_code in {200, 400, 403}


@pytest.mark.parametrize("accept", ["*/*", "text/xml", "text/html", "nonsense", ""])
def test_response_ignores_the_accept_header(number: WhatsAppNumber, accept: str) -> None:
    answer = post_webhook(
        number.account.inbound_url + "?format=pdf", builders.build_inbound_form(number), headers={"Accept": accept}
    )
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/xml")


def test_webhook_needs_no_session_and_no_csrf_token(number: WhatsAppNumber) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = post_webhook(number.account.inbound_url, builders.build_inbound_form(number), client=client)
    assert answer.status_code == 200
    assert not answer.cookies


def test_a_delivery_that_comes_twice_makes_one_message_and_is_no_error(
    number: WhatsAppNumber, caplog: pytest.LogCaptureFixture
) -> None:
    form = builders.build_inbound_form(number)
    answers = [post_webhook(number.account.inbound_url, form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert (WebhookDelivery.objects.count(), Message.objects.count()) == (1, 1)
    assert Conversation.objects.get().unread_count == 1
    assert not caplog.records


@pytest.mark.django_db(transaction=True)
def test_a_delivery_that_comes_twenty_times_at_once_makes_one_message(number: WhatsAppNumber) -> None:
    form, url = builders.build_inbound_form(number), number.account.inbound_url
    answers = run_concurrently(*[lambda: post_webhook(url, form)] * 20)
    assert [getattr(answer, "status_code", answer) for answer in answers] == [200] * 20
    assert (WebhookDelivery.objects.count(), Message.objects.count()) == (1, 1)
    assert Conversation.objects.get().unread_count == 1


@pytest.mark.parametrize("name", ["inbound_url", "status_url"])
def test_webhook_address_pasted_without_its_last_slash_works(number: WhatsAppNumber, name: str) -> None:
    url = getattr(number.account, name).removesuffix("/")
    assert post_webhook(url, builders.build_inbound_form(number)).status_code == 200
    assert Message.objects.get().body == "Hello"


@pytest.mark.parametrize("end", ["", "/"])
@pytest.mark.parametrize("with_public_id", [False, True])
def test_status_callback_is_applied_with_and_without_last_slash(
    number: WhatsAppNumber, end: str, with_public_id: bool
) -> None:
    conversation = builders.create_conversation(number=number)
    message = builders.create_outbound_message(conversation, status="sent")
    url = number.account.status_url.removesuffix("/") + (f"/{message.public_id}" if with_public_id else "") + end
    form = {"MessageSid": message.twilio_sid, "MessageStatus": "read", "AccountSid": number.account.account_sid}
    assert post_webhook(url, form).status_code == 200
    message.refresh_from_db()
    assert message.status == "read"


def test_signature_covers_the_address_as_it_was_called(number: WhatsAppNumber) -> None:
    form = builders.build_inbound_form(number)
    headers = {"X-Twilio-Signature": builders.compute_signature(number.account.inbound_url, form)}
    path = inbound_path(number).removesuffix("/")
    answer = Client().post(path, urlencode(form), FORM_CONTENT_TYPE, headers=headers)
    assert answer.status_code == 403


OTHER_ACCOUNT_SID = "AC" + "f" * 32


def test_message_of_another_account_is_ignored_but_kept(number: WhatsAppNumber) -> None:
    form = builders.build_inbound_form(number, AccountSid=OTHER_ACCOUNT_SID)
    assert post_webhook(number.account.inbound_url, form).status_code == 200
    assert not Message.objects.exists()
    assert not Conversation.objects.exists()
    delivery = WebhookDelivery.objects.get()
    assert delivery.state == DeliveryState.IGNORED
    assert OTHER_ACCOUNT_SID in delivery.error
    assert delivery.payload["AccountSid"] == [OTHER_ACCOUNT_SID]


def test_status_callback_of_another_account_changes_nothing(number: WhatsAppNumber) -> None:
    message = builders.create_outbound_message(builders.create_conversation(number=number), status="sent")
    form = {"MessageSid": message.twilio_sid, "MessageStatus": "failed", "AccountSid": OTHER_ACCOUNT_SID}
    for url in (number.account.status_url, f"{number.account.status_url}{message.public_id}/"):
        assert post_webhook(url, {**form, "To": url}).status_code == 200
    message.refresh_from_db()
    assert message.status == "sent"
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {DeliveryState.IGNORED}


def test_form_of_another_account_does_not_hide_ours_with_the_same_sid(number: WhatsAppNumber) -> None:
    form = builders.build_inbound_form(number)
    post_webhook(number.account.inbound_url, {**form, "AccountSid": OTHER_ACCOUNT_SID})
    post_webhook(number.account.inbound_url, form)
    assert Message.objects.get().twilio_sid == form["MessageSid"]


@pytest.mark.parametrize("account_sid", [None, "", "lower"])
def test_message_is_filed_when_its_account_is_ours_or_missing(number: WhatsAppNumber, account_sid: str | None) -> None:
    sid = number.account.account_sid.lower() if account_sid == "lower" else account_sid
    form = builders.build_inbound_form(number, AccountSid=sid)
    post_webhook(number.account.inbound_url, form)
    assert Message.objects.exists()


def test_two_accounts_may_use_the_same_sid(number: WhatsAppNumber) -> None:
    other = builders.create_number()
    form = builders.build_inbound_form(number)
    post_webhook(number.account.inbound_url, form)
    post_webhook(other.account.inbound_url, {**form, "To": other.address})
    assert WebhookDelivery.objects.count() == 2


def test_a_status_at_the_inbound_address_is_taken_as_a_status(number: WhatsAppNumber) -> None:
    message = builders.create_outbound_message(builders.create_conversation(number=number))
    form = {"MessageSid": message.twilio_sid, "MessageStatus": "delivered", "SmsStatus": "delivered"}
    assert post_webhook(number.account.inbound_url, form).status_code == 200
    message.refresh_from_db()
    assert (message.status, WebhookDelivery.objects.get().kind) == ("delivered", WebhookKind.STATUS)


def test_a_message_at_the_status_address_is_taken_as_a_message(number: WhatsAppNumber) -> None:
    assert post_webhook(number.account.status_url, builders.build_inbound_form(number)).status_code == 200
    assert (Message.objects.get().body, WebhookDelivery.objects.get().kind) == ("Hello", WebhookKind.INBOUND)


def test_each_status_of_one_message_is_applied(number: WhatsAppNumber) -> None:
    message = builders.create_outbound_message(builders.create_conversation(number=number))
    for word in ("sent", "delivered", "delivered", "read"):
        form = {"MessageSid": message.twilio_sid, "MessageStatus": word}
        post_webhook(f"{number.account.status_url}{message.public_id}/", form)
    message.refresh_from_db()
    assert (message.status, WebhookDelivery.objects.count()) == ("read", 3)


def test_statuses_in_the_legacy_format_are_applied(number: WhatsAppNumber) -> None:
    message = builders.create_outbound_message(builders.create_conversation(number=number))
    for word in ("delivered", "read"):
        post_webhook(number.account.status_url, {"SmsSid": message.twilio_sid, "SmsStatus": word})
    message.refresh_from_db()
    assert message.status == "read"


def test_a_status_for_an_id_nobody_knows_is_answered_and_kept(number: WhatsAppNumber) -> None:
    form = {"MessageSid": builders.new_sid(), "MessageStatus": "sent"}
    assert post_webhook(f"{number.account.status_url}{uuid.uuid4()}/", form).status_code == 200
    assert WebhookDelivery.objects.get().state == DeliveryState.IGNORED


def test_a_webhook_for_a_known_account_takes_one_statement(
    number: WhatsAppNumber, django_assert_num_queries: Any
) -> None:
    post_webhook(number.account.inbound_url, builders.build_inbound_form(number))
    form = builders.build_inbound_form(number, Body="And another thing")
    with django_assert_num_queries(1) as queries:
        post_webhook(number.account.inbound_url, form, is_applied=False)
    assert queries.captured_queries[0]["sql"].startswith("INSERT INTO")
    assert WebhookDelivery.objects.latest("pk").state == DeliveryState.STORED


def test_a_repeated_webhook_takes_one_statement(number: WhatsAppNumber, django_assert_num_queries: Any) -> None:
    form = builders.build_inbound_form(number)
    post_webhook(number.account.inbound_url, form)
    with django_assert_num_queries(1):
        assert post_webhook(number.account.inbound_url, form, is_applied=False).status_code == 200
    assert WebhookDelivery.objects.get().state == DeliveryState.APPLIED


def change_token_in_another_process(number: WhatsAppNumber, token: str) -> None:
    """Change the token without the signal that clears the cache of this process."""
    account = WhatsAppAccount.objects.get(pk=number.account_id)
    account.auth_token = token
    WhatsAppAccount.objects.bulk_update([account], ["auth_token"])


def test_a_token_changed_in_another_process_is_accepted_at_once(number: WhatsAppNumber) -> None:
    post_webhook(number.account.inbound_url, builders.build_inbound_form(number))
    change_token_in_another_process(number, "0e" * 16)
    answer = post_webhook(number.account.inbound_url, builders.build_inbound_form(number), token="0e" * 16)
    assert answer.status_code == 200


def test_a_token_removed_in_another_process_is_refused_after_five_seconds(
    number: WhatsAppNumber, monkeypatch: pytest.MonkeyPatch
) -> None:
    post_webhook(number.account.inbound_url, builders.build_inbound_form(number))
    change_token_in_another_process(number, "0e" * 16)
    monkeypatch.setattr(account_cache, "ACCOUNT_CACHE_SECONDS", 0.0)
    assert post_webhook(number.account.inbound_url, builders.build_inbound_form(number)).status_code == 403
