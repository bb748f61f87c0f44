"""Deliveries that an administrator can do something about show in the sidebar and on the start page."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from channels_whatsapp.models import DeliveryState, WebhookDelivery
from channels_whatsapp.webhooks import deliveries
from channels_whatsapp.webhooks.deliveries import (
    DeliveryNotReadyError,
    IgnoredDeliveryError,
    NumberNotSetUpError,
)
from omnichannel.core.admin.site import MAX_BADGE_COUNT
from tests import builders
from tests.admin_client import UserClient, admin_url, create_signed_in_client, visible_text
from tests.webhook_client import apply_deliveries, receive_delivery

pytestmark = pytest.mark.django_db

NOTICE = "could not be applied, or were sent to a number that is not set up"


def raise_error(error: Exception) -> Any:
    def apply(delivery: WebhookDelivery) -> None:
        raise error

    return apply


def create_failed(count: int = 1, **fields: Any) -> None:
    account = builders.create_account()
    for _ in range(count):
        builders.create_delivery(account, state=DeliveryState.FAILED, needs_attention=True, **fields)


@pytest.mark.parametrize(
    ("error", "attempts", "needs_attention"),
    [
        (ValueError("broken"), 1, False),  # the next attempt follows in seconds
        (ValueError("broken"), deliveries.ATTENTION_AFTER_ATTEMPTS, True),
        (ValueError("broken"), deliveries.MAX_ATTEMPTS, True),
        (DeliveryNotReadyError("waits"), deliveries.ATTENTION_AFTER_ATTEMPTS, False),
        (IgnoredDeliveryError("blocked"), 1, False),
        (NumberNotSetUpError("no number"), 1, True),
    ],
)
def test_only_failures_that_somebody_can_act_on_need_attention(
    error: Exception, attempts: int, needs_attention: bool
) -> None:
    delivery = builders.create_delivery(
        builders.create_account(),
        state=DeliveryState.FAILED,
        attempts=attempts - 1,
        next_attempt_at=timezone.now() - timedelta(seconds=1),
    )
    apply_deliveries(raise_error(error))
    delivery.refresh_from_db()
    assert delivery.attempts == attempts
    assert delivery.needs_attention == needs_attention


def test_message_to_a_number_that_is_not_set_up_needs_attention_until_it_is_applied() -> None:
    account = builders.create_account()
    form = builders.build_inbound_form(builders.create_number(account), To="whatsapp:+14155550123")
    receive_delivery(account, {name: [value] for name, value in form.items()})
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.needs_attention) == (DeliveryState.IGNORED, True)
    builders.create_number(account, number="+14155550123")
    deliveries.retry_deliveries([delivery.pk])
    apply_deliveries()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.needs_attention) == (DeliveryState.APPLIED, False)


@pytest.mark.parametrize(("count", "badge"), [(1, "1"), (MAX_BADGE_COUNT + 2, "99+")])
def test_administrators_see_badge_and_notice(admin_client: UserClient, count: int, badge: str) -> None:
    create_failed(count)
    shown = visible_text(admin_client.get("/admin/"))
    assert f"Webhook deliveries : {badge} to check" in shown
    assert NOTICE in shown


def test_nothing_is_shown_without_a_reason(admin_client: UserClient) -> None:
    builders.create_delivery(builders.create_account(), state=DeliveryState.IGNORED)
    shown = visible_text(admin_client.get("/admin/"))
    assert "to check" not in shown
    assert NOTICE not in shown


def test_supervisors_see_neither_badge_nor_notice() -> None:
    create_failed()
    shown = visible_text(create_signed_in_client("Supervisor").get("/admin/"))
    assert "to check" not in shown
    assert NOTICE not in shown


def test_ignored_deliveries_no_longer_need_attention(admin_client: UserClient) -> None:
    create_failed()
    delivery = WebhookDelivery.objects.get()
    url = admin_url("channels_whatsapp_webhookdelivery", "changelist")
    admin_client.post(url, {"action": "ignore", "_selected_action": [delivery.pk]})
    delivery.refresh_from_db()
    assert (delivery.state, delivery.needs_attention) == (DeliveryState.IGNORED, False)


@pytest.mark.parametrize("role", ["Supervisor", "Agent", ""])
def test_others_can_not_ignore_deliveries(role: str) -> None:
    create_failed()
    delivery = WebhookDelivery.objects.get()
    url = admin_url("channels_whatsapp_webhookdelivery", "changelist")
    response = create_signed_in_client(role).post(url, {"action": "ignore", "_selected_action": [delivery.pk]})
    assert response.status_code in {302, 403}
    delivery.refresh_from_db()
    assert delivery.needs_attention
