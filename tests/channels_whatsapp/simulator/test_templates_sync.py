"""The template sync works with the simulator: page by page, and never from another host."""

from collections.abc import Iterator
from typing import Any

import pytest

from channels_whatsapp.backends import twilio
from channels_whatsapp.backends.base import UnknownOutcomeError
from channels_whatsapp.backends.hosts import resolve_url
from channels_whatsapp.message_templates.sync import sync_templates
from channels_whatsapp.models import MessageTemplate, WhatsAppAccount
from channels_whatsapp.simulator import factories
from channels_whatsapp.simulator.api import serializers
from channels_whatsapp.simulator.console.sample_templates import SAMPLE_TEMPLATES, create_samples
from channels_whatsapp.simulator.messages import inbound
from channels_whatsapp.simulator.models import Account, FaultKind
from tests import builders

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def channel(account: Account, live_server: Any, settings: Any) -> Iterator[WhatsAppAccount]:
    settings.WHATSAPP_BACKEND = "simulator"
    settings.PUBLIC_URL = live_server.url
    yield builders.create_account(account_sid=account.sid, auth_token=account.auth_token)
    # An open connection keeps a thread of the server and its database connection.
    twilio._thread_local.http.session.close()
    del twilio._thread_local.http


def test_every_page_is_read(channel: WhatsAppAccount, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twilio, "TEMPLATE_PAGE_SIZE", 5)
    create_samples(account)
    synced = sync_templates(channel)
    assert (synced.template_count, synced.error) == (len(SAMPLE_TEMPLATES), "")
    states = set(MessageTemplate.objects.values_list("approval", flat=True))
    assert states == {"approved", "unsubmitted", "pending", "rejected", "paused"}
    card = MessageTemplate.objects.get(name="invoice_ready")
    assert (card.content_type, card.category, card.variables["order"]) == ("whatsapp/card", "UTILITY", "2231")


def test_next_page_on_another_host_is_not_requested(
    channel: WhatsAppAccount, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_samples(account)
    monkeypatch.setattr(twilio, "TEMPLATE_PAGE_SIZE", 5)
    monkeypatch.setattr(serializers, "CONTENT_HOST", "https://content.twilio.com.example.org")
    with pytest.raises(UnknownOutcomeError, match="not at Twilio"):
        twilio.TwilioBackend().list_templates(channel)
    assert "could not be reached" in sync_templates(channel).error
    assert not MessageTemplate.objects.exists()


def test_approvals_are_fetched_one_by_one_when_twilio_has_no_list(
    channel: WhatsAppAccount, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.create_content(account, "paused", {"twilio/text": {"body": "Hi"}}, approval="paused")
    monkeypatch.setattr(
        twilio, "resolve_url", lambda url: resolve_url(url.replace("/v1/ContentAndApprovals", "/v1/ContentAndNothing"))
    )
    assert sync_templates(channel).template_count == 1
    assert MessageTemplate.objects.get().approval == "paused"


@pytest.mark.parametrize("fault", [FaultKind.WRONG_TOKEN, FaultKind.TOO_MANY, FaultKind.ERROR_BEFORE])
def test_twilio_error_is_reported_and_not_raised(channel: WhatsAppAccount, fault: FaultKind) -> None:
    inbound.set_fault(fault)
    assert sync_templates(channel).error.startswith("Templates could not be synced.")
