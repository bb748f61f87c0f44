"""The button Validate on the admin page of a WhatsApp account."""

from typing import Any

import pytest
from django.test import Client

from channels_whatsapp.admin import accounts
from channels_whatsapp.backends.base import (
    InvalidResponseError,
    TwilioRejectedError,
    TwilioSender,
    TwilioServerError,
    UnknownOutcomeError,
)
from channels_whatsapp.backends.memory import MemoryBackend
from channels_whatsapp.models import WhatsAppAccount, WhatsAppNumber
from tests import builders
from tests.admin_client import UserClient, admin_url, create_signed_in_client, message_texts, visible_text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("memory_backend")]

ACCOUNT_MODEL = "channels_whatsapp_whatsappaccount"
AUTHENTICATION_ERROR = TwilioRejectedError(20003, "Authenticate", 401)


@pytest.fixture
def number(memory_backend: MemoryBackend) -> WhatsAppNumber:
    number = builders.create_number(name="Main line")
    memory_backend.senders = [TwilioSender("XE1", number.address, "ONLINE", number.account.inbound_url)]
    return number


def post_validate(client: Client, account: WhatsAppAccount, **headers: Any) -> Any:
    return client.post(f"/admin/channels_whatsapp/whatsappaccount/{account.pk}/validate/", headers=headers, follow=True)


def test_successful_validation_is_shown_and_saved_with_its_time(
    admin_client: UserClient, number: WhatsAppNumber
) -> None:
    response = post_validate(admin_client, number.account)
    assert message_texts(response) == ["Validation succeeded. The Account SID, Auth Token and phone numbers are valid."]
    shown = visible_text(admin_client.get(admin_url(ACCOUNT_MODEL, "change", number.account.pk)))
    assert "Last checked" in shown
    assert "is online and its messages arrive here." in shown


def test_each_problem_is_shown_with_its_remedy(
    admin_client: UserClient, number: WhatsAppNumber, memory_backend: MemoryBackend
) -> None:
    memory_backend.account_status = "suspended"
    memory_backend.senders = []
    texts = message_texts(post_validate(admin_client, number.account))
    assert len(texts) == 2
    assert "suspended" in texts[0]
    assert "is not a WhatsApp sender of this Twilio account." in texts[1]
    assert "Senders" in texts[1]


def test_rejected_credentials_are_flagged_until_the_next_success(
    admin_client: UserClient, number: WhatsAppNumber, memory_backend: MemoryBackend
) -> None:
    memory_backend.errors_to_raise = [AUTHENTICATION_ERROR, AUTHENTICATION_ERROR]
    assert "Credentials rejected" in visible_text(post_validate(admin_client, number.account))
    assert "Credentials rejected" not in visible_text(post_validate(admin_client, number.account))


def test_unreachable_twilio_leaves_the_flag_unchanged(
    admin_client: UserClient, number: WhatsAppNumber, memory_backend: MemoryBackend
) -> None:
    memory_backend.errors_to_raise = [AUTHENTICATION_ERROR, AUTHENTICATION_ERROR]
    post_validate(admin_client, number.account)
    memory_backend.errors_to_raise = [UnknownOutcomeError("timed out"), UnknownOutcomeError("timed out")]
    assert "Credentials rejected" in visible_text(post_validate(admin_client, number.account))


def test_a_script_gets_the_result_without_leaving_the_page(admin_client: UserClient, number: WhatsAppNumber) -> None:
    answer = post_validate(admin_client, number.account, accept="application/json").json()
    assert answer["ok"]
    assert answer["messages"] == ["Validation succeeded. The Account SID, Auth Token and phone numbers are valid."]
    assert "Last checked" in answer["html"]


def test_get_request_does_not_validate(admin_client: UserClient, number: WhatsAppNumber) -> None:
    assert (
        admin_client.get(f"/admin/channels_whatsapp/whatsappaccount/{number.account.pk}/validate/").status_code == 405
    )
    number.account.refresh_from_db()
    assert number.account.validated_at is None


@pytest.mark.parametrize("role", ["Supervisor", "Agent"])
def test_only_administrators_validate(role: str, number: WhatsAppNumber) -> None:
    post_validate(create_signed_in_client(role), number.account)
    number.account.refresh_from_db()
    assert number.account.validated_at is None


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (TwilioServerError(502), "Twilio had a problem of its own (HTTP 502)."),
        (InvalidResponseError(), "The response did not come from Twilio or was incomplete."),
        (UnknownOutcomeError("ConnectTimeout"), "Twilio could not be reached."),
    ],
)
def test_a_failure_is_named_as_what_it_is(
    admin_client: UserClient,
    number: WhatsAppNumber,
    memory_backend: MemoryBackend,
    failure: UnknownOutcomeError,
    text: str,
) -> None:
    memory_backend.errors_to_raise = [failure, failure]
    assert text in message_texts(post_validate(admin_client, number.account))[0]


# -- Save and validate ------------------------------------------------------------------------------------------------


def test_save_and_validate_validates_the_values_that_were_typed(
    admin_client: UserClient, number: WhatsAppNumber
) -> None:
    account = number.account
    form = {
        "name": "Renamed",
        "account_sid": account.account_sid,
        "auth_token": "",
        "is_active": "on",
        "_validate": "1",
    }
    response = admin_client.post(admin_url(ACCOUNT_MODEL, "change", account.pk), form, follow=True)
    account.refresh_from_db()
    assert (account.name, account.validated_at is not None) == ("Renamed", True)
    assert message_texts(response)[1].startswith("Validation succeeded.")


def test_values_that_are_refused_are_not_validated(admin_client: UserClient, number: WhatsAppNumber) -> None:
    account = number.account
    form = {"name": "Renamed", "account_sid": "AC1", "auth_token": "", "is_active": "on", "_validate": "1"}
    response = admin_client.post(admin_url(ACCOUNT_MODEL, "change", account.pk), form)
    account.refresh_from_db()
    assert list(response.context["adminform"].form.errors) == ["account_sid"]
    assert account.validated_at is None


def test_a_script_gets_the_notices_after_the_validation(
    admin_client: UserClient, number: WhatsAppNumber, memory_backend: MemoryBackend
) -> None:
    memory_backend.errors_to_raise = [AUTHENTICATION_ERROR, AUTHENTICATION_ERROR]
    rejected, accepted = (
        post_validate(admin_client, number.account, accept="application/json").json()["notices"] for _ in range(2)
    )
    assert "Credentials rejected" in rejected
    assert "Credentials rejected" not in accepted


# -- Action in the list -----------------------------------------------------------------------------------------------


def post_list_action(client: Client, *accounts: WhatsAppAccount) -> Any:
    form = {"action": "validate_accounts", "_selected_action": [account.pk for account in accounts]}
    return client.post(admin_url(ACCOUNT_MODEL, "changelist"), form, follow=True)


def test_the_list_validates_each_selected_channel(admin_client: UserClient, number: WhatsAppNumber) -> None:
    other = builders.create_account(name="Other channel", account_sid="AC" + "b" * 32)
    unselected = builders.create_account(name="Unselected", account_sid="AC" + "c" * 32)
    texts = message_texts(post_list_action(admin_client, number.account, other))
    assert sorted(text.partition(": ")[0] for text in texts) == sorted([number.account.name, "Other channel"])
    assert any("Validation succeeded." in text for text in texts)
    assert any("No active phone numbers." in text for text in texts)
    unselected.refresh_from_db()
    assert unselected.validated_at is None


def test_the_list_validates_a_limited_number_of_channels_at_once(
    admin_client: UserClient, number: WhatsAppNumber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "MAX_ACCOUNTS", 1)
    other = builders.create_account(name="Other channel", account_sid="AC" + "b" * 32)
    texts = message_texts(post_list_action(admin_client, number.account, other))
    assert texts == ["Select at most 1 channels to validate at once."]


@pytest.mark.parametrize("role", ["Supervisor", "Agent", ""])
def test_only_administrators_validate_in_the_list(role: str, number: WhatsAppNumber) -> None:
    post_list_action(create_signed_in_client(role), number.account)
    number.account.refresh_from_db()
    assert number.account.validated_at is None
