"""Webhook deliveries as an administrator looks at them and tries them again."""

import itertools

import pytest
from django.utils import timezone

from channels_whatsapp.models import DeliveryState, WebhookDelivery
from tests import builders
from tests.administration.people import page, signed_in, toasts, words

pytestmark = pytest.mark.django_db

DELIVERY = "channels_whatsapp_webhookdelivery"
counter = itertools.count()


@pytest.fixture
def ada():
    return signed_in("Administrator", "Ada")


def delivery(state, **fields):
    values = {
        "payload": {"Body": ["<b>Hello</b>"], "MediaUrl0": ["https://a", "https://b"]},
        "kind": "inbound",
        **fields,
    }
    return WebhookDelivery.objects.create(
        account=builders.account(), fingerprint=f"1:in:SM{next(counter)}", state=state, **values
    )


def test_the_list_says_what_became_of_each(ada):
    delivery("failed", error="The database was locked.")
    shown = words(ada.get(page(DELIVERY, "changelist")))
    assert "Failed" in shown
    assert "The database was locked." in shown


def test_a_delivery_shows_all_that_twilio_sent_as_text(ada):
    shown = ada.get(page(DELIVERY, "change", delivery("applied").pk)).content.decode()
    assert "&lt;b&gt;Hello&lt;/b&gt;" in shown
    assert "https://a" in shown
    assert "https://b" in shown


@pytest.mark.parametrize("state", ["failed", "ignored"])
def test_what_was_not_applied_can_be_tried_again(ada, state):
    waiting = delivery(state)
    offered = f"/admin/channels_whatsapp/webhookdelivery/{waiting.pk}/retry/"
    assert f'action="{offered}"' in ada.get(page(DELIVERY, "change", waiting.pk)).content.decode()
    response = ada.post(offered, follow=True)
    waiting.refresh_from_db()
    assert waiting.state == DeliveryState.FAILED
    assert waiting.next_attempt_at <= timezone.now()
    assert toasts(response) == ["1 delivery is tried again within seconds."]


def test_what_was_applied_has_no_retry(ada):
    assert "Retry" not in words(ada.get(page(DELIVERY, "change", delivery("applied").pk)))


def test_several_are_tried_again_from_the_list(ada):
    several = [delivery("failed"), delivery("ignored"), delivery("applied")]
    chosen = {"action": "retry", "_selected_action": [one.pk for one in several]}
    response = ada.post(page(DELIVERY, "changelist"), chosen, follow=True)
    assert toasts(response) == ["2 deliveries are tried again within seconds."]


def test_a_delivery_is_neither_changed_nor_deleted_by_hand(ada):
    kept = delivery("applied")
    ada.post(page(DELIVERY, "change", kept.pk), {"state": "failed"})
    assert ada.get(page(DELIVERY, "delete", kept.pk)).status_code == 403
    kept.refresh_from_db()
    assert kept.state == DeliveryState.APPLIED


def test_a_supervisor_and_an_agent_see_no_deliveries():
    kept = delivery("failed")
    for role in ("Supervisor", "Agent"):
        client = signed_in(role)
        assert client.get(page(DELIVERY, "change", kept.pk)).status_code in {302, 403}
        assert client.post(f"/admin/channels_whatsapp/webhookdelivery/{kept.pk}/retry/").status_code in {302, 403}
