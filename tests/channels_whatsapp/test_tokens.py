"""Auth tokens are encrypted at rest, with keys that can be rotated."""

import json
import logging
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core import serializers
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import connection

from channels_whatsapp.backends.base import OutgoingMessage, TwilioRejectedError, UnknownOutcomeError
from channels_whatsapp.backends.twilio import TwilioBackend
from channels_whatsapp.models import WhatsAppAccount
from tests import builders
from tests.media_server import FileResponse, run_file_server

pytestmark = pytest.mark.django_db


def read_database_value(field: str = "auth_token") -> str:
    """Return the encrypted value from the database."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {field} FROM channels_whatsapp_whatsappaccount")
        return str(cursor.fetchone()[0])


def test_both_tokens_are_encrypted_in_the_database() -> None:
    account = builders.create_account(secondary_auth_token="0f" * 16)
    for field in ("auth_token", "secondary_auth_token"):
        assert getattr(account, field) not in read_database_value(field)
        assert read_database_value(field).startswith("enc1:")
    account.refresh_from_db()
    assert account.accepted_tokens == [builders.AUTH_TOKEN, "0f" * 16]


def test_an_empty_token_stays_empty() -> None:
    account = builders.create_account()
    account.refresh_from_db()
    assert (read_database_value("secondary_auth_token"), account.secondary_auth_token) == ("", "")


def test_encrypting_a_token_twice_gives_different_values() -> None:
    account = builders.create_account()
    before = read_database_value()
    account.save()
    assert read_database_value() != before


def test_keys_can_be_rotated(settings: Any) -> None:
    account, old = builders.create_account(), settings.ENCRYPTION_KEYS
    new = Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [new, *old]
    account.refresh_from_db()
    assert account.auth_token == builders.AUTH_TOKEN
    account.save()
    settings.ENCRYPTION_KEYS = [new]
    account.refresh_from_db()
    assert account.auth_token == builders.AUTH_TOKEN


def test_wrong_encryption_key_raises_an_error(settings: Any) -> None:
    builders.create_account()
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(ImproperlyConfigured, match="ENCRYPTION_KEYS"):
        WhatsAppAccount.objects.get()


def test_a_token_somebody_wrote_into_the_database_in_plain_is_not_accepted() -> None:
    builders.create_account()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE channels_whatsapp_whatsappaccount SET auth_token = 'plain'")
    with pytest.raises(ImproperlyConfigured):
        WhatsAppAccount.objects.get()


@pytest.mark.parametrize("lookup", ["auth_token", "auth_token__startswith", "auth_token__in", "auth_token__regex"])
def test_tokens_cannot_be_searched_for(lookup: str) -> None:
    with pytest.raises(FieldError):
        WhatsAppAccount.objects.filter(**{lookup: "d"}).exists()


def test_str_and_repr_of_an_account_contain_no_token() -> None:
    account = builders.create_account()
    assert builders.AUTH_TOKEN not in repr(account) + str(account)


@pytest.mark.parametrize("format", ["json", "xml", "python"])
def test_an_export_holds_the_token_encrypted_and_can_be_read_back(format: str) -> None:
    builders.create_account()
    exported = serializers.serialize(format, WhatsAppAccount.objects.all())
    assert builders.AUTH_TOKEN not in (exported if isinstance(exported, str) else json.dumps(exported, default=str))
    WhatsAppAccount.objects.all().delete()
    [read] = serializers.deserialize(format, exported)
    read.save()
    assert WhatsAppAccount.objects.get().auth_token == builders.AUTH_TOKEN
    assert builders.AUTH_TOKEN not in read_database_value()


@pytest.mark.parametrize(
    "answer", [FileResponse(401, b"{}"), FileResponse(500, b"<html>"), FileResponse(200, b"nonsense")]
)
def test_a_call_that_fails_logs_and_says_nothing_of_the_token(
    settings: Any, caplog: pytest.LogCaptureFixture, answer: FileResponse
) -> None:
    settings.WHATSAPP_BACKEND = "simulator"
    account = builders.create_account()
    with run_file_server() as twilio, caplog.at_level(logging.DEBUG):
        settings.PUBLIC_URL = twilio.url
        path = f"/simulator/twilio/api/2010-04-01/Accounts/{account.account_sid}.json"
        twilio.responses[path] = [answer]
        with pytest.raises(Exception) as raised:  # noqa: PT011 (whichever it is, it must not tell)
            TwilioBackend().fetch_account(account)
    assert builders.AUTH_TOKEN not in caplog.text + str(raised.value) + repr(raised.value)
    assert account.account_sid not in str(raised.value)


def test_a_message_that_cannot_be_sent_is_logged_without_number_text_or_token(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.PUBLIC_URL, settings.WHATSAPP_BACKEND = "http://127.0.0.1:9", "simulator"
    message = OutgoingMessage("whatsapp:+4915112345678", "whatsapp:+1415", "a private matter", "https://x.example/")
    with caplog.at_level(logging.INFO), pytest.raises(UnknownOutcomeError) as raised:
        TwilioBackend().send(builders.create_account(), message)
    for secret in (builders.AUTH_TOKEN, "4915112345678", "a private matter"):
        assert secret not in caplog.text + str(raised.value)


@pytest.mark.parametrize("answer", [FileResponse(200, b"nonsense"), FileResponse(200, b"[]"), FileResponse(200, b"")])
def test_malformed_response_is_an_unknown_outcome(settings: Any, answer: FileResponse) -> None:
    settings.WHATSAPP_BACKEND = "simulator"
    account = builders.create_account()
    with run_file_server() as twilio:
        settings.PUBLIC_URL = twilio.url
        path = f"/simulator/twilio/api/2010-04-01/Accounts/{account.account_sid}/Messages/SM1.json"
        twilio.responses[path] = [answer]
        with pytest.raises(UnknownOutcomeError):
            TwilioBackend().fetch(account, "SM1")


def test_reason_of_a_refused_call_is_twilios_own(settings: Any) -> None:
    settings.WHATSAPP_BACKEND = "simulator"
    account = builders.create_account()
    refusal = b'{"code": 99999, "message": "The words of Twilio.", "status": 400}'
    with run_file_server() as twilio:
        settings.PUBLIC_URL = twilio.url
        twilio.responses[f"/simulator/twilio/api/2010-04-01/Accounts/{account.account_sid}.json"] = [
            FileResponse(400, refusal)
        ]
        with pytest.raises(TwilioRejectedError) as raised:
            TwilioBackend().fetch_account(account)
    assert (raised.value.code, raised.value.message) == (99999, "The words of Twilio.")
