"""Message templates in the administration: looked up, synced by a button, and nothing for strangers."""

from typing import Any

import pytest

from channels_whatsapp.backends import memory
from channels_whatsapp.backends.base import OutcomeUnknown, Sender, Template, TwilioRefused
from channels_whatsapp.models import MessageTemplate
from omnichannel.jobs.models import Lane
from tests import builders
from tests.administration.people import page, signed_in, toasts, words

pytestmark = pytest.mark.django_db

ACCOUNT, TEMPLATE = "channels_whatsapp_whatsappaccount", "channels_whatsapp_messagetemplate"
CARD = {
    "header_text": "Invoice {{1}}",
    "body": "It is ready.",
    "footer": "Lumen Lamps",
    "actions": [{"type": "URL", "title": "Open", "url": "https://lumen.example/{{1}}"}],
}


@pytest.fixture(autouse=True)
def twilio(settings: Any) -> memory.MemoryBackend:
    settings.WHATSAPP_BACKEND = "memory"
    memory.backend.reset()
    said = {"status": "approved", "category": "UTILITY", "content_type": "whatsapp/card"}
    memory.backend.templates = [
        Template(builders.sid("HX"), "invoice", "en", {"whatsapp/card": CARD}, {"1": "2231"}, said)
    ]
    return memory.backend


@pytest.fixture
def ada() -> Any:
    return signed_in("Administrator", "Ada")


def sync_all(client: Any) -> Any:
    return client.post("/admin/channels_whatsapp/messagetemplate/sync/", follow=True)


def test_the_button_on_the_channels_page_tells_how_many_there_are(ada: Any) -> None:
    account = builders.account()
    shown = words(ada.get(page(ACCOUNT, "change", account.pk)))
    assert "Sync templates" in shown
    assert "Not synced yet." in shown
    answer = ada.post(f"/admin/channels_whatsapp/messagetemplate/sync/{account.pk}/", follow=True)
    assert toasts(answer) == ["1 message template synced: 1 approved."]
    assert "1 template, 1 approved" in words(answer)


def test_the_button_on_the_list_syncs_every_active_channel_and_names_each(
    ada: Any, twilio: memory.MemoryBackend
) -> None:
    builders.account(name="East")
    builders.account(name="West")
    builders.account(name="Off", is_active=False)
    twilio.answers = [OutcomeUnknown("HTTP 500")]
    told = toasts(sync_all(ada))
    assert len(told) == 2
    assert told[0].startswith("East: The templates were not synced. Twilio could not be reached")
    assert told[1] == "West: 1 message template synced: 1 approved."


def test_the_channels_chosen_in_their_list_are_synced(ada: Any) -> None:
    account = builders.account()
    form = {"action": "sync_templates", "_selected_action": [account.pk]}
    answer = ada.post(page(ACCOUNT, "changelist"), form, follow=True)
    assert toasts(answer) == ["1 message template synced: 1 approved."]


def test_a_sync_that_failed_is_told_on_the_channels_page(ada: Any, twilio: memory.MemoryBackend) -> None:
    account = builders.account()
    twilio.answers = [TwilioRefused(20003, "Authenticate", 401)]
    sync_all(ada)
    shown = words(ada.get(page(ACCOUNT, "change", account.pk)))
    assert "The last sync did not come through" in shown
    assert "Twilio rejected the Account SID or the Auth Token." in shown


def test_after_a_validation_the_templates_are_synced_by_a_worker(ada: Any, twilio: memory.MemoryBackend) -> None:
    number = builders.number()
    twilio.senders = [Sender("XE1", number.address, "ONLINE", number.account.inbound_url)]
    twilio.answers = [TwilioRefused(20003, "Authenticate", 401)] * 2
    validate = f"/admin/channels_whatsapp/whatsappaccount/{number.account.pk}/validate/"
    ada.post(validate)
    assert not Lane.objects.filter(kind="templates").exists()
    ada.post(validate)
    assert Lane.objects.filter(kind="templates", key=number.account.pk).exists()


def test_templates_are_found_by_text_and_filtered_by_state(ada: Any) -> None:
    builders.account()
    sync_all(ada)
    listing = page(TEMPLATE, "changelist")
    assert "invoice" in words(ada.get(listing, {"q": "is ready"}))
    assert "Nothing matches." in words(ada.get(listing, {"q": "nowhere"}))
    assert "Nothing matches." in words(ada.get(listing, {"approval__exact": "rejected"}))
    assert "Nothing matches." in words(ada.get(listing, {"gone": "yes"}))


def test_a_templates_page_shows_what_the_customer_sees(ada: Any) -> None:
    builders.account()
    sync_all(ada)
    shown = words(ada.get(page(TEMPLATE, "change", MessageTemplate.objects.get().pk)))
    for part in ("Invoice 2231", "It is ready.", "Lumen Lamps", "Open", "https://lumen.example/ 2231", "Approved"):
        assert part in shown


def test_templates_are_only_looked_at(ada: Any) -> None:
    builders.account()
    sync_all(ada)
    pk = MessageTemplate.objects.get().pk
    assert ada.post(page(TEMPLATE, "change", pk), {"name": "x"}).status_code == 403
    assert ada.get(page(TEMPLATE, "add")).status_code == 403
    assert ada.get(page(TEMPLATE, "delete", pk)).status_code == 403


@pytest.mark.parametrize("role", ["Supervisor", "Agent", ""])
def test_only_administrators_see_templates_there_and_sync_them(role: str) -> None:
    account = builders.account()
    client = signed_in(role)
    for answer in (
        client.get(page(TEMPLATE, "changelist")),
        client.post("/admin/channels_whatsapp/messagetemplate/sync/"),
        client.post(f"/admin/channels_whatsapp/messagetemplate/sync/{account.pk}/"),
    ):
        assert answer.status_code in {302, 403}
    assert not MessageTemplate.objects.exists()


def test_syncing_is_never_a_link(ada: Any) -> None:
    assert ada.get("/admin/channels_whatsapp/messagetemplate/sync/").status_code == 405


def test_no_token_is_on_the_page(ada: Any) -> None:
    account = builders.account()
    sync_all(ada)
    assert builders.TOKEN not in ada.get(page(ACCOUNT, "change", account.pk)).content.decode()
