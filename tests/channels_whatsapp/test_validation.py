"""Findings and remedies of the account validation."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from channels_whatsapp.account_validation import validate_account
from channels_whatsapp.backends.base import TwilioRateLimitError, TwilioRejectedError, TwilioSender, UnknownOutcomeError
from channels_whatsapp.backends.memory import MemoryBackend
from channels_whatsapp.models import SANDBOX_NUMBER, WhatsAppAccount, WhatsAppNumber
from tests import builders

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("memory_backend")]


@pytest.fixture
def number() -> WhatsAppNumber:
    return builders.create_number(name="Main line", number="+14155550100")


def build_sender(number: WhatsAppNumber, **changed: Any) -> TwilioSender:
    values = {
        "sid": "XE1",
        "address": number.address,
        "status": "ONLINE",
        "callback_url": number.account.inbound_url,
        **changed,
    }
    return TwilioSender(**values)


def find_problems(account: WhatsAppAccount) -> list[str]:
    return [finding.result for finding in validate_account(account).failed_findings]


def test_valid_account_has_no_findings(memory_backend: MemoryBackend, number: WhatsAppNumber) -> None:
    memory_backend.senders = [build_sender(number)]
    report = validate_account(number.account)
    assert report.ok
    assert report.credentials == "accepted"


@pytest.mark.parametrize(
    "refusal", [TwilioRejectedError(20003, "Authenticate", 401), TwilioRejectedError(20003, "Denied", 403)]
)
def test_wrong_token_is_the_only_finding(memory_backend: MemoryBackend, number: WhatsAppNumber, refusal: Any) -> None:
    memory_backend.errors_to_raise = [refusal, refusal]
    report = validate_account(number.account)
    assert report.credentials == "rejected"
    assert [finding.result for finding in report.findings] == ["Twilio rejected the Account SID or Auth Token."]
    assert "Twilio Console" in report.findings[0].advice


def test_unknown_account_is_reported(memory_backend: MemoryBackend, number: WhatsAppNumber) -> None:
    memory_backend.errors_to_raise = [TwilioRejectedError(20404, "Not found", 404)] * 2
    assert find_problems(number.account) == ["Twilio has no account with this Account SID."]


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_inactive_account_is_reported(memory_backend: MemoryBackend, number: WhatsAppNumber, status: str) -> None:
    memory_backend.account_status = status
    memory_backend.senders = [build_sender(number)]
    assert find_problems(number.account) == [f"The Twilio account is {status}. It can't send or receive messages."]


def test_number_that_is_not_a_sender_is_reported(memory_backend: MemoryBackend, number: WhatsAppNumber) -> None:
    assert find_problems(number.account) == [
        "Main line (+14155550100) is not a WhatsApp sender of this Twilio account.",
    ]


def test_offline_sender_is_reported_with_twilios_reasons(memory_backend: MemoryBackend, number: WhatsAppNumber) -> None:
    memory_backend.senders = [build_sender(number, status="OFFLINE", offline_reasons=("Display name was rejected",))]
    assert find_problems(number.account) == [
        "Main line (+14155550100) is not online in Twilio. Status: offline (Display name was rejected)."
    ]


@pytest.mark.parametrize("status", ["ONLINE", "ONLINE:UPDATING"])
def test_updating_sender_counts_as_online(memory_backend: MemoryBackend, number: WhatsAppNumber, status: str) -> None:
    memory_backend.senders = [build_sender(number, status=status)]
    assert validate_account(number.account).ok


def test_webhook_with_another_url_is_reported_with_that_url(
    memory_backend: MemoryBackend, number: WhatsAppNumber
) -> None:
    memory_backend.senders = [build_sender(number, callback_url="https://old.example.com/hook")]
    finding = validate_account(number.account).failed_findings[0]
    assert "https://old.example.com/hook" in finding.result
    assert number.account.inbound_url in finding.advice


def test_missing_webhook_is_reported(memory_backend: MemoryBackend, number: WhatsAppNumber) -> None:
    memory_backend.senders = [build_sender(number, callback_url="")]
    assert find_problems(number.account) == ["Messages to Main line (+14155550100) are not sent to any webhook."]


def test_connection_overrides_in_the_url_are_ignored(memory_backend: MemoryBackend, number: WhatsAppNumber) -> None:
    memory_backend.senders = [build_sender(number, callback_url=number.account.inbound_url + "#rc=3&rp=5xx,ct,rt")]
    assert validate_account(number.account).ok


def test_address_without_the_last_slash_is_fine(memory_backend: MemoryBackend, number: WhatsAppNumber) -> None:
    memory_backend.senders = [build_sender(number, callback_url=number.account.inbound_url.removesuffix("/"))]
    assert validate_account(number.account).ok


def test_malformed_webhook_address_is_a_finding(memory_backend: MemoryBackend, number: WhatsAppNumber) -> None:
    memory_backend.senders = [build_sender(number, callback_url="http://[")]
    assert find_problems(number.account) == ["Messages to Main line (+14155550100) are sent to http://[."]


def test_sandbox_is_recognized_and_its_settings_are_not_checked(memory_backend: MemoryBackend) -> None:
    sandbox = builders.create_number(name="Sandbox", number=SANDBOX_NUMBER)
    report = validate_account(sandbox.account)
    assert report.ok
    assert "sandbox" in report.findings[1].result
    assert sandbox.account.inbound_url in report.findings[1].advice


def test_every_active_number_is_checked_and_no_other(memory_backend: MemoryBackend, number: WhatsAppNumber) -> None:
    builders.create_number(number.account, name="Second")
    builders.create_number(number.account, name="Switched off", is_active=False)
    problems = " ".join(find_problems(number.account))
    assert "Main line" in problems
    assert "Second" in problems
    assert "Switched off" not in problems


def test_account_without_numbers_is_reported(memory_backend: MemoryBackend) -> None:
    assert find_problems(builders.create_account()) == ["No active phone numbers."]


def test_messaging_service_is_reported(memory_backend: MemoryBackend, number: WhatsAppNumber) -> None:
    account = number.account
    account.messaging_service_sid = "MG" + "0" * 32
    account.save()
    memory_backend.senders = [build_sender(number)]
    report = validate_account(account)
    assert report.ok
    assert "may override" in report.findings[-1].advice


def test_unreachable_twilio_says_nothing_about_the_token(memory_backend: MemoryBackend, number: WhatsAppNumber) -> None:
    memory_backend.errors_to_raise = [UnknownOutcomeError("timed out")] * 2
    report = validate_account(number.account)
    assert report.credentials == "unknown"
    assert "Twilio could not be reached." in report.findings[0].result


def test_rate_limited_validation_asks_to_retry_later(memory_backend: MemoryBackend, number: WhatsAppNumber) -> None:
    memory_backend.errors_to_raise = [TwilioRateLimitError("429")] * 2
    assert validate_account(number.account).findings[0].advice == "Validate again in a minute."


def test_a_twilio_that_never_answers_does_not_hang_the_page(
    memory_backend: MemoryBackend, number: WhatsAppNumber, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    monkeypatch.setattr(memory_backend, "fetch_account", lambda account: released.wait(20))
    began = time.monotonic()
    report = validate_account(number.account, timeout=timedelta(seconds=0.2))
    released.set()
    assert time.monotonic() - began < 5
    assert "Twilio could not be reached." in report.findings[0].result


def test_an_address_of_this_machine_is_pointed_out_where_twilio_is_the_real_one(
    memory_backend: MemoryBackend, number: WhatsAppNumber, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels_whatsapp.account_validation.get_backend", lambda: memory_backend)
    settings.WHATSAPP_BACKEND, settings.PUBLIC_URL = "twilio", "http://127.0.0.1:8000"
    memory_backend.senders = [build_sender(number)]
    assert find_problems(number.account) == ["Twilio can't reach http://127.0.0.1:8000 because it is a local address."]


def test_report_is_stored_as_findings_and_advice(memory_backend: MemoryBackend, number: WhatsAppNumber) -> None:
    assert set(validate_account(number.account).as_json()[0]) == {"ok", "result", "advice"}
