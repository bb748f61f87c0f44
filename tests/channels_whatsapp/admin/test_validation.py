"""The button Validate on the admin page of a WhatsApp account."""

from typing import Any

import pytest
from django.test import Client

from channels_whatsapp.backends.base import TwilioRejectedError, TwilioSender, UnknownOutcomeError
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
