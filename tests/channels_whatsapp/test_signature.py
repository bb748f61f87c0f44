"""Webhooks need Twilio's signature over our public URL and every parameter."""

import logging
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from channels_whatsapp.models import WebhookDelivery, WhatsAppNumber
from tests import builders
from tests.webhook_client import FORM_CONTENT_TYPE, post_webhook

pytestmark = pytest.mark.django_db

OTHER_TOKEN = "0f" * 16


def post_raw(number: WhatsAppNumber, body: str, signed_url: str, *, path: str = "", **headers: str) -> Any:
    """Post a raw body, signed over `signed_url`."""
    all_headers = {"X-Twilio-Signature": builders.compute_signature(signed_url, QueryDict(body)), **headers}
    return Client().post(
        path or f"/webhooks/whatsapp/{number.account.key}/inbound/", body, FORM_CONTENT_TYPE, headers=all_headers
    )


def test_a_wrong_signature_is_refused_and_nothing_is_stored(number: WhatsAppNumber) -> None:
    answer = post_webhook(number.account.inbound_url, builders.build_inbound_form(number), token=OTHER_TOKEN)
    assert answer.status_code == 403
    assert not WebhookDelivery.objects.exists()


def test_a_missing_signature_is_refused_and_nothing_is_stored(number: WhatsAppNumber) -> None:
    answer = Client().post(f"/webhooks/whatsapp/{number.account.key}/inbound/", "Body=x", FORM_CONTENT_TYPE)
    assert answer.status_code == 403
    assert not WebhookDelivery.objects.exists()


@pytest.mark.parametrize("signature", ["", "=", "é" * 28, "A" * 28, "A" * 5000])
def test_malformed_signature_is_refused(number: WhatsAppNumber, signature: str) -> None:
    url = f"/webhooks/whatsapp/{number.account.key}/inbound/"
    assert Client().post(url, "Body=x", FORM_CONTENT_TYPE, headers={"X-Twilio-Signature": signature}).status_code == 403


def test_refusals_are_counted_in_the_log_without_what_was_posted(
    number: WhatsAppNumber, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="channels_whatsapp"):
        for _ in range(2):
            post_webhook(
                number.account.inbound_url, builders.build_inbound_form(number, Body="secret words"), token=OTHER_TOKEN
            )
    lines = [
        record.getMessage() for record in caplog.records if record.name == "channels_whatsapp.webhooks.permissions"
    ]
    counts = [int(line.partition("(")[2].split()[0]) for line in lines]
    assert counts[1] == counts[0] + 1
    assert not any("secret words" in line for line in lines)


def test_the_secondary_token_is_accepted_while_rotating(number: WhatsAppNumber) -> None:
    number.account.secondary_auth_token = OTHER_TOKEN
    number.account.save()
    for token in (builders.AUTH_TOKEN, OTHER_TOKEN):
        assert (
            post_webhook(number.account.inbound_url, builders.build_inbound_form(number), token=token).status_code
            == 200
        )


def test_the_secondary_token_is_refused_once_it_is_gone(number: WhatsAppNumber) -> None:
    assert number.account.secondary_auth_token == ""
    assert post_webhook(number.account.inbound_url, builders.build_inbound_form(number), token="").status_code == 403


def test_token_of_another_account_is_refused(number: WhatsAppNumber) -> None:
    builders.create_account(auth_token=OTHER_TOKEN)
    assert (
        post_webhook(number.account.inbound_url, builders.build_inbound_form(number), token=OTHER_TOKEN).status_code
        == 403
    )


def test_repeated_fields_are_kept_and_count_for_the_signature(number: WhatsAppNumber) -> None:
    form = {**builders.build_inbound_form(number), "Tag": ["b", "a", "b"]}
    assert post_webhook(number.account.inbound_url, form).status_code == 200
    assert WebhookDelivery.objects.get().payload["Tag"] == ["b", "a", "b"]


def test_one_value_changed_on_the_way_is_refused(number: WhatsAppNumber) -> None:
    form = builders.build_inbound_form(number)
    signed = builders.compute_signature(number.account.inbound_url, form)
    changed = {**form, "Body": "something else"}
    answer = post_webhook(number.account.inbound_url, changed, headers={"X-Twilio-Signature": signed})
    assert answer.status_code == 403


def test_signature_uses_public_url_and_not_the_host_header(number: WhatsAppNumber) -> None:
    form = builders.build_inbound_form(number)
    answer = post_webhook(number.account.inbound_url, form, headers={"Host": "localhost:9", "X-Forwarded-Host": "evil"})
    assert answer.status_code == 200
    signed_for_the_host = number.account.inbound_url.replace("https://desk.example.com", "http://localhost:9")
    forged = builders.compute_signature(signed_for_the_host, form)
    answer = post_webhook(
        number.account.inbound_url, form, headers={"Host": "localhost:9", "X-Twilio-Signature": forged}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("query", ["?b=2&a=1", "?a=x+y%20z%27&a=", "?%7Btag%7D=1", "?x=[", "?;=%ff"])
def test_signature_uses_the_url_as_received(number: WhatsAppNumber, query: str) -> None:
    path = f"/webhooks/whatsapp/{number.account.key}/inbound/{query}"
    url = number.account.inbound_url + query
    assert post_raw(number, "MessageSid=SM1", url, path=path).status_code == 200
    assert post_raw(number, "MessageSid=SM1", number.account.inbound_url, path=path).status_code == 403


def test_emoji_plus_signs_and_blank_values_are_signed_as_they_are(number: WhatsAppNumber) -> None:
    form = builders.build_inbound_form(number, Body="1 + 1 = 2 📦", Blank="")
    assert post_webhook(number.account.inbound_url, form).status_code == 200
    assert WebhookDelivery.objects.get().payload["Blank"] == [""]


def test_both_addresses_check_the_signature(number: WhatsAppNumber) -> None:
    message = builders.create_outbound_message(builders.create_conversation(number=number))
    urls = [number.account.status_url, f"{number.account.status_url}{message.public_id}/"]
    for url in urls:
        assert post_webhook(url, {"MessageSid": "SM1"}, token=OTHER_TOKEN).status_code == 403
        assert post_webhook(url, {"MessageSid": "SM1"}).status_code == 200


def test_a_signature_for_one_address_does_not_open_another(number: WhatsAppNumber) -> None:
    form = builders.build_inbound_form(number)
    for_inbound = builders.compute_signature(number.account.inbound_url, form)
    answer = post_webhook(number.account.status_url, form, headers={"X-Twilio-Signature": for_inbound})
    assert answer.status_code == 403
