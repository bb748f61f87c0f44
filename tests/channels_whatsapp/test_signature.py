"""Only Twilio gets in: the signature over our own address and every parameter."""

import logging
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from channels_whatsapp.models import WebhookDelivery, WhatsAppNumber
from tests import builders
from tests.webhook_client import FORM, deliver

pytestmark = pytest.mark.django_db

OTHER_TOKEN = "0f" * 16


@pytest.fixture
def number() -> WhatsAppNumber:
    return builders.number()


def post(number: WhatsAppNumber, body: str, signed_url: str, *, path: str = "", **headers: str) -> Any:
    """Post a raw body, signed over `signed_url`."""
    given = {"X-Twilio-Signature": builders.signature(signed_url, QueryDict(body)), **headers}
    return Client().post(path or f"/webhooks/whatsapp/{number.account.key}/inbound/", body, FORM, headers=given)


def test_a_wrong_signature_is_refused_and_nothing_is_stored(number: WhatsAppNumber) -> None:
    answer = deliver(number.account.inbound_url, builders.inbound_form(number), token=OTHER_TOKEN)
    assert answer.status_code == 403
    assert not WebhookDelivery.objects.exists()


def test_a_missing_signature_is_refused_and_nothing_is_stored(number: WhatsAppNumber) -> None:
    answer = Client().post(f"/webhooks/whatsapp/{number.account.key}/inbound/", "Body=x", FORM)
    assert answer.status_code == 403
    assert not WebhookDelivery.objects.exists()


@pytest.mark.parametrize("signature", ["", "=", "é" * 28, "A" * 28, "A" * 5000])
def test_nonsense_for_a_signature_is_refused(number: WhatsAppNumber, signature: str) -> None:
    url = f"/webhooks/whatsapp/{number.account.key}/inbound/"
    assert Client().post(url, "Body=x", FORM, headers={"X-Twilio-Signature": signature}).status_code == 403


def test_refusals_are_counted_in_the_log_without_what_was_posted(
    number: WhatsAppNumber, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="channels_whatsapp"):
        for _ in range(2):
            deliver(number.account.inbound_url, builders.inbound_form(number, Body="secret words"), token=OTHER_TOKEN)
    lines = [record.getMessage() for record in caplog.records if record.name == "channels_whatsapp.permissions"]
    counts = [int(line.partition("(")[2].split()[0]) for line in lines]
    assert counts[1] == counts[0] + 1
    assert not any("secret words" in line for line in lines)


def test_the_secondary_token_is_accepted_while_rotating(number: WhatsAppNumber) -> None:
    number.account.secondary_auth_token = OTHER_TOKEN
    number.account.save()
    for token in (builders.TOKEN, OTHER_TOKEN):
        assert deliver(number.account.inbound_url, builders.inbound_form(number), token=token).status_code == 200


def test_the_secondary_token_is_refused_once_it_is_gone(number: WhatsAppNumber) -> None:
    assert number.account.secondary_auth_token == ""
    assert deliver(number.account.inbound_url, builders.inbound_form(number), token="").status_code == 403


def test_another_accounts_token_opens_nothing(number: WhatsAppNumber) -> None:
    builders.account(auth_token=OTHER_TOKEN)
    assert deliver(number.account.inbound_url, builders.inbound_form(number), token=OTHER_TOKEN).status_code == 403


def test_repeated_fields_are_kept_and_count_for_the_signature(number: WhatsAppNumber) -> None:
    form = {**builders.inbound_form(number), "Tag": ["b", "a", "b"]}
    assert deliver(number.account.inbound_url, form).status_code == 200
    assert WebhookDelivery.objects.get().payload["Tag"] == ["b", "a", "b"]


def test_one_value_changed_on_the_way_is_refused(number: WhatsAppNumber) -> None:
    form = builders.inbound_form(number)
    signed = builders.signature(number.account.inbound_url, form)
    changed = {**form, "Body": "something else"}
    answer = deliver(number.account.inbound_url, changed, headers={"X-Twilio-Signature": signed})
    assert answer.status_code == 403


def test_public_url_decides_and_the_host_header_does_not(number: WhatsAppNumber) -> None:
    form = builders.inbound_form(number)
    answer = deliver(number.account.inbound_url, form, headers={"Host": "localhost:9", "X-Forwarded-Host": "evil"})
    assert answer.status_code == 200
    signed_for_the_host = number.account.inbound_url.replace("https://desk.example.com", "http://localhost:9")
    forged = builders.signature(signed_for_the_host, form)
    answer = deliver(number.account.inbound_url, form, headers={"Host": "localhost:9", "X-Twilio-Signature": forged})
    assert answer.status_code == 403


@pytest.mark.parametrize("query", ["?b=2&a=1", "?a=x+y%20z%27&a=", "?%7Btag%7D=1", "?x=[", "?;=%ff"])
def test_the_address_counts_as_it_was_received(number: WhatsAppNumber, query: str) -> None:
    path = f"/webhooks/whatsapp/{number.account.key}/inbound/{query}"
    url = number.account.inbound_url + query
    assert post(number, "MessageSid=SM1", url, path=path).status_code == 200
    assert post(number, "MessageSid=SM1", number.account.inbound_url, path=path).status_code == 403


def test_emoji_plus_signs_and_blank_values_are_signed_as_they_are(number: WhatsAppNumber) -> None:
    form = builders.inbound_form(number, Body="1 + 1 = 2 📦", Blank="")
    assert deliver(number.account.inbound_url, form).status_code == 200
    assert WebhookDelivery.objects.get().payload["Blank"] == [""]


def test_both_addresses_check_the_signature(number: WhatsAppNumber) -> None:
    message = builders.outbound(builders.conversation(on=number))
    urls = [number.account.status_url, f"{number.account.status_url}{message.public_id}/"]
    for url in urls:
        assert deliver(url, {"MessageSid": "SM1"}, token=OTHER_TOKEN).status_code == 403
        assert deliver(url, {"MessageSid": "SM1"}).status_code == 200


def test_a_signature_for_one_address_does_not_open_another(number: WhatsAppNumber) -> None:
    form = builders.inbound_form(number)
    for_inbound = builders.signature(number.account.inbound_url, form)
    answer = deliver(number.account.status_url, form, headers={"X-Twilio-Signature": for_inbound})
    assert answer.status_code == 403
