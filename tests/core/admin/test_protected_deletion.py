"""Records in use are deactivated instead of deleted."""

from typing import Any

import pytest

from channels_whatsapp.admin.accounts import WhatsAppAccountAdmin
from channels_whatsapp.models import DeliveryState, WebhookDelivery, WhatsAppAccount, WhatsAppNumber
from omnichannel.core.admin import pages
from tests import builders
from tests.admin_client import UserClient, admin_url, create_signed_in_client, message_texts, visible_text

pytestmark = pytest.mark.django_db

ACCOUNT_MODEL, NUMBER_MODEL = "channels_whatsapp_whatsappaccount", "channels_whatsapp_whatsappnumber"


def test_deleting_a_channel_with_conversations_is_refused_with_a_reason(admin_client: UserClient) -> None:
    account = builders.create_account(name="Shop")
    builders.create_conversation(number=builders.create_number(account))
    response = admin_client.get(admin_url(ACCOUNT_MODEL, "delete", account.pk))
    assert "“Shop” can’t be deleted because it is in use: 1 conversation." in visible_text(response)


def test_deleting_a_channel_with_conversations_is_refused_even_when_confirmed(admin_client: UserClient) -> None:
    account = builders.create_account()
    builders.create_conversation(number=builders.create_number(account))
    admin_client.post(admin_url(ACCOUNT_MODEL, "delete", account.pk), {"post": "yes"})
    assert WhatsAppAccount.objects.filter(pk=account.pk).exists()


def test_a_channel_without_conversations_is_deleted_with_its_numbers_and_deliveries(admin_client: UserClient) -> None:
    account = builders.create_account()
    builders.create_number(account)
    builders.create_delivery(account, state=DeliveryState.IGNORED)
    builders.create_delivery(account, state=DeliveryState.FAILED)
    url = admin_url(ACCOUNT_MODEL, "delete", account.pk)
    shown = visible_text(admin_client.get(url))
    for text in ("1 WhatsApp phone number", "2 webhook deliveries", "1 of them not filed in a conversation"):
        assert text in shown
    assert WebhookDelivery.objects.count() == 2
    admin_client.post(url, {"post": "yes"})
    assert not WhatsAppAccount.objects.exists()
    assert not WebhookDelivery.objects.exists()


def test_a_conversation_that_starts_before_the_confirmation_keeps_the_channel(
    admin_client: UserClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = builders.create_account()
    number = builders.create_number(account)
    builders.create_delivery(account)

    def start_conversation_after_check(*args: Any) -> Any:
        builders.create_conversation(number=number)
        return [], {}, set(), []

    monkeypatch.setattr(WhatsAppAccountAdmin, "get_deleted_objects", start_conversation_after_check)
    response = admin_client.post(admin_url(ACCOUNT_MODEL, "delete", account.pk), {"post": "yes"}, follow=True)
    assert message_texts(response) == ["Not deleted: a conversation has started on this channel in the meantime."]
    assert WhatsAppAccount.objects.filter(pk=account.pk).exists()
    assert WebhookDelivery.objects.count() == 1


@pytest.mark.parametrize("role", ["Supervisor", "Agent", ""])
def test_only_administrators_delete_a_channel(role: str) -> None:
    account = builders.create_account()
    create_signed_in_client(role).post(admin_url(ACCOUNT_MODEL, "delete", account.pk), {"post": "yes"})
    assert WhatsAppAccount.objects.filter(pk=account.pk).exists()


def test_counting_what_prevents_a_deletion_stops_at_the_limit(
    admin_client: UserClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "COUNT_LIMIT", 1)
    number = builders.create_number()
    builders.create_conversation(number=number)
    builders.create_conversation(number=number)
    assert "more than 1 conversations" in visible_text(admin_client.get(admin_url(NUMBER_MODEL, "delete", number.pk)))


def test_deleting_a_number_with_conversations_counts_them(admin_client: UserClient) -> None:
    number = builders.create_number()
    builders.create_conversation(number=number)
    builders.create_conversation(number=number)
    assert "2 conversations" in visible_text(admin_client.get(admin_url(NUMBER_MODEL, "delete", number.pk)))


def test_a_refused_deletion_offers_to_deactivate(admin_client: UserClient) -> None:
    number = builders.create_number()
    builders.create_conversation(number=number)
    offered = admin_url(NUMBER_MODEL, "deactivate", number.pk)
    assert f'action="{offered}"' in admin_client.get(admin_url(NUMBER_MODEL, "delete", number.pk)).content.decode()
    response = admin_client.post(offered, follow=True)
    number.refresh_from_db()
    assert not number.is_active
    assert "was deactivated" in message_texts(response)[0]


def test_opening_the_deactivation_page_changes_nothing(admin_client: UserClient) -> None:
    number = builders.create_number()
    assert admin_client.get(admin_url(NUMBER_MODEL, "deactivate", number.pk)).status_code == 405
    number.refresh_from_db()
    assert number.is_active


def test_an_inactive_number_is_not_offered_deactivation_again(admin_client: UserClient) -> None:
    number = builders.create_number(is_active=False)
    builders.create_conversation(number=number)
    assert "It is already inactive." in visible_text(admin_client.get(admin_url(NUMBER_MODEL, "delete", number.pk)))


def test_a_supervisor_can_not_deactivate_a_channel() -> None:
    account = builders.create_account()
    response = create_signed_in_client("Supervisor").post(admin_url(ACCOUNT_MODEL, "deactivate", account.pk))
    account.refresh_from_db()
    assert response.status_code == 403
    assert account.is_active


def test_a_number_that_was_never_used_can_be_deleted(admin_client: UserClient) -> None:
    number = builders.create_number()
    admin_client.post(admin_url(NUMBER_MODEL, "delete", number.pk), {"post": "yes"})
    assert not WhatsAppNumber.objects.filter(pk=number.pk).exists()


def test_inactive_numbers_are_shown_as_inactive_in_the_list(admin_client: UserClient) -> None:
    builders.create_number(is_active=False)
    assert "Inactive" in visible_text(admin_client.get(admin_url(NUMBER_MODEL, "changelist")))


def test_bulk_delete_action_is_absent(admin_client: UserClient) -> None:
    builders.create_account()
    assert "delete_selected" not in admin_client.get(admin_url(ACCOUNT_MODEL, "changelist")).content.decode()
