"""The admin of webhook deliveries: list, details and retry."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from channels_whatsapp.models import DeliveryState, WebhookDelivery
from tests import builders
from tests.admin_client import UserClient, admin_url, create_signed_in_client, message_texts, visible_text

pytestmark = pytest.mark.django_db

DELIVERY_MODEL = "channels_whatsapp_webhookdelivery"
sequence = itertools.count()


def create_delivery(state: str, **fields: Any) -> WebhookDelivery:
    values = {
        "payload": {"Body": ["<b>Hello</b>"], "MediaUrl0": ["https://a", "https://b"]},
        "kind": "inbound",
        **fields,
    }
    return WebhookDelivery.objects.create(
        account=builders.create_account(), fingerprint=f"1:in:SM{next(sequence)}", state=state, **values
    )


def test_list_shows_the_state_of_each_delivery(admin_client: UserClient) -> None:
    create_delivery("failed", error="The database was locked.")
    shown = visible_text(admin_client.get(admin_url(DELIVERY_MODEL, "changelist")))
    assert "Failed" in shown
    assert "The database was locked." in shown


def test_a_delivery_shows_all_that_twilio_sent_as_text(admin_client: UserClient) -> None:
    shown = admin_client.get(admin_url(DELIVERY_MODEL, "change", create_delivery("applied").pk)).content.decode()
    assert "&lt;b&gt;Hello&lt;/b&gt;" in shown
    assert "https://a" in shown
    assert "https://b" in shown


@pytest.mark.parametrize("state", ["failed", "ignored"])
def test_failed_delivery_can_be_retried(admin_client: UserClient, state: str) -> None:
    waiting = create_delivery(state)
    offered = f"/admin/channels_whatsapp/webhookdelivery/{waiting.pk}/retry/"
    assert f'action="{offered}"' in admin_client.get(admin_url(DELIVERY_MODEL, "change", waiting.pk)).content.decode()
    response = admin_client.post(offered, follow=True)
    waiting.refresh_from_db()
    assert waiting.state == DeliveryState.FAILED
    assert waiting.next_attempt_at
    assert waiting.next_attempt_at <= timezone.now()
    assert message_texts(response) == ["1 delivery will be retried in a few seconds."]


def test_applied_delivery_has_no_retry(admin_client: UserClient) -> None:
    assert "Retry" not in visible_text(
        admin_client.get(admin_url(DELIVERY_MODEL, "change", create_delivery("applied").pk))
    )


def test_several_deliveries_are_retried_from_the_list(admin_client: UserClient) -> None:
    deliveries = [create_delivery("failed"), create_delivery("ignored"), create_delivery("applied")]
    chosen = {"action": "retry", "_selected_action": [delivery.pk for delivery in deliveries]}
    response = admin_client.post(admin_url(DELIVERY_MODEL, "changelist"), chosen, follow=True)
    assert message_texts(response) == ["2 deliveries will be retried in a few seconds."]


def test_a_delivery_is_neither_changed_nor_deleted_by_hand(admin_client: UserClient) -> None:
    delivery = create_delivery("applied")
    admin_client.post(admin_url(DELIVERY_MODEL, "change", delivery.pk), {"state": "failed"})
    assert admin_client.get(admin_url(DELIVERY_MODEL, "delete", delivery.pk)).status_code == 403
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.APPLIED


def test_a_supervisor_and_an_agent_see_no_deliveries() -> None:
    delivery = create_delivery("failed")
    for role in ("Supervisor", "Agent"):
        client = create_signed_in_client(role)
        assert client.get(admin_url(DELIVERY_MODEL, "change", delivery.pk)).status_code in {302, 403}
        assert client.post(f"/admin/channels_whatsapp/webhookdelivery/{delivery.pk}/retry/").status_code in {302, 403}


@pytest.mark.parametrize(("seconds", "is_shown"), [(1, False), (6, True)])
def test_list_says_when_deliveries_are_not_applied_in_time(
    admin_client: UserClient, seconds: int, is_shown: bool
) -> None:
    create_delivery("stored", next_attempt_at=timezone.now() - timedelta(seconds=seconds))
    shown = visible_text(admin_client.get(admin_url(DELIVERY_MODEL, "changelist")))
    assert ("are not applied yet" in shown) == is_shown
