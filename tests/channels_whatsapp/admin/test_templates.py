"""The admin of message templates: search, filters, sync and permissions."""

from typing import Any

import pytest

from channels_whatsapp.backends import memory
from channels_whatsapp.backends.base import TwilioRejectedError, TwilioSender, TwilioTemplate, UnknownOutcomeError
from channels_whatsapp.models import MessageTemplate
from omnichannel.jobs.models import Lane
from tests import builders
from tests.admin_client import UserClient, admin_url, create_signed_in_client, message_texts, visible_text

pytestmark = pytest.mark.django_db

ACCOUNT_MODEL, TEMPLATE_MODEL = "channels_whatsapp_whatsappaccount", "channels_whatsapp_messagetemplate"
CARD_CONTENT = {
    "header_text": "Invoice {{1}}",
    "body": "It is ready.",
    "footer": "Lumen Lamps",
    "actions": [{"type": "URL", "title": "Open", "url": "https://lumen.example/{{1}}"}],
}


@pytest.fixture(autouse=True)
def _listed_template(memory_backend: memory.MemoryBackend) -> None:
    """Let Twilio list one approved template."""
    approval = {"status": "approved", "category": "UTILITY", "content_type": "whatsapp/card"}
    memory_backend.templates = [
        TwilioTemplate(
            builders.new_sid("HX"), "invoice", "en", {"whatsapp/card": CARD_CONTENT}, {"1": "2231"}, approval
        )
    ]


def post_sync_all(client: Any) -> Any:
    return client.post("/admin/channels_whatsapp/messagetemplate/sync/", follow=True)


def test_sync_button_reports_the_number_of_templates(admin_client: UserClient) -> None:
    account = builders.create_account()
    shown = visible_text(admin_client.get(admin_url(ACCOUNT_MODEL, "change", account.pk)))
    assert "Sync templates" in shown
    assert "Not synced yet." in shown
    answer = admin_client.post(f"/admin/channels_whatsapp/messagetemplate/sync/{account.pk}/", follow=True)
    assert message_texts(answer) == ["1 message template synced, 1 approved."]
    assert "1 template, 1 approved" in visible_text(answer)


def test_the_button_on_the_list_syncs_every_active_channel_and_names_each(
    admin_client: UserClient, memory_backend: memory.MemoryBackend
) -> None:
    builders.create_account(name="East")
    builders.create_account(name="West")
    builders.create_account(name="Off", is_active=False)
    memory_backend.errors_to_raise = [UnknownOutcomeError("HTTP 500")]
    texts = message_texts(post_sync_all(admin_client))
    assert len(texts) == 2
    assert texts[0].startswith("East: Templates could not be synced. Twilio could not be reached")
    assert texts[1] == "West: 1 message template synced, 1 approved."


def test_sync_action_syncs_the_selected_accounts(admin_client: UserClient) -> None:
    account = builders.create_account()
    form = {"action": "sync_templates", "_selected_action": [account.pk]}
    answer = admin_client.post(admin_url(ACCOUNT_MODEL, "changelist"), form, follow=True)
    assert message_texts(answer) == ["1 message template synced, 1 approved."]


def test_failed_sync_is_shown_on_the_account_page(
    admin_client: UserClient, memory_backend: memory.MemoryBackend
) -> None:
    account = builders.create_account()
    memory_backend.errors_to_raise = [TwilioRejectedError(20003, "Authenticate", 401)]
    post_sync_all(admin_client)
    shown = visible_text(admin_client.get(admin_url(ACCOUNT_MODEL, "change", account.pk)))
    assert "Last sync failed" in shown
    assert "Twilio rejected the Account SID or Auth Token." in shown


def test_after_a_validation_the_templates_are_synced_by_a_worker(
    admin_client: UserClient, memory_backend: memory.MemoryBackend
) -> None:
    number = builders.create_number()
    memory_backend.senders = [TwilioSender("XE1", number.address, "ONLINE", number.account.inbound_url)]
    memory_backend.errors_to_raise = [TwilioRejectedError(20003, "Authenticate", 401)] * 2
    validate = f"/admin/channels_whatsapp/whatsappaccount/{number.account.pk}/validate/"
    admin_client.post(validate)
    assert not Lane.objects.filter(kind="templates").exists()
    admin_client.post(validate)
    assert Lane.objects.filter(kind="templates", key=number.account.pk).exists()


def test_templates_are_found_by_text_and_filtered_by_state(admin_client: UserClient) -> None:
    builders.create_account()
    post_sync_all(admin_client)
    listing = admin_url(TEMPLATE_MODEL, "changelist")
    assert "invoice" in visible_text(admin_client.get(listing, {"q": "is ready"}))
    assert "No results." in visible_text(admin_client.get(listing, {"q": "nowhere"}))
    assert "No results." in visible_text(admin_client.get(listing, {"approval__exact": "rejected"}))
    assert "No results." in visible_text(admin_client.get(listing, {"removed": "yes"}))


def test_a_templates_page_shows_what_the_customer_sees(admin_client: UserClient) -> None:
    builders.create_account()
    post_sync_all(admin_client)
    shown = visible_text(admin_client.get(admin_url(TEMPLATE_MODEL, "change", MessageTemplate.objects.get().pk)))
    for part in ("Invoice 2231", "It is ready.", "Lumen Lamps", "Open", "https://lumen.example/ 2231", "Approved"):
        assert part in shown


def test_templates_are_read_only(admin_client: UserClient) -> None:
    builders.create_account()
    post_sync_all(admin_client)
    pk = MessageTemplate.objects.get().pk
    assert admin_client.post(admin_url(TEMPLATE_MODEL, "change", pk), {"name": "x"}).status_code == 403
    assert admin_client.get(admin_url(TEMPLATE_MODEL, "add")).status_code == 403
    assert admin_client.get(admin_url(TEMPLATE_MODEL, "delete", pk)).status_code == 403


@pytest.mark.parametrize("role", ["Supervisor", "Agent", ""])
def test_only_administrators_see_templates_there_and_sync_them(role: str) -> None:
    account = builders.create_account()
    client = create_signed_in_client(role)
    for answer in (
        client.get(admin_url(TEMPLATE_MODEL, "changelist")),
        client.post("/admin/channels_whatsapp/messagetemplate/sync/"),
        client.post(f"/admin/channels_whatsapp/messagetemplate/sync/{account.pk}/"),
    ):
        assert answer.status_code in {302, 403}
    assert not MessageTemplate.objects.exists()


def test_sync_requires_post(admin_client: UserClient) -> None:
    assert admin_client.get("/admin/channels_whatsapp/messagetemplate/sync/").status_code == 405


def test_no_token_is_on_the_page(admin_client: UserClient) -> None:
    account = builders.create_account()
    post_sync_all(admin_client)
    assert builders.AUTH_TOKEN not in admin_client.get(admin_url(ACCOUNT_MODEL, "change", account.pk)).content.decode()


def test_names_are_shown_instead_of_codes(admin_client: UserClient) -> None:
    account = builders.create_account()
    for number, (category, kind, language) in enumerate(
        [("UTILITY", "twilio/list-picker", "de"), ("", "twilio/brand-new", "en"), ("SOME_NEW", "twilio/text", "en")]
    ):
        MessageTemplate.objects.create(
            account=account,
            content_sid=builders.new_sid("HX"),
            name=f"template {number}",
            category=category,
            content_type=kind,
            language=language,
        )
    for query in ("", "?_facets=True"):
        page = admin_client.get(admin_url(TEMPLATE_MODEL, "changelist") + query)
        shown = visible_text(page)
        for name in ("Utility", "Some new", "List picker", "Brand new", "German"):
            assert shown.count(name) >= 2  # in the list and in the filter
        assert "UTILITY" not in shown
        assert "twilio/" not in shown
    only_utility = visible_text(admin_client.get(admin_url(TEMPLATE_MODEL, "changelist") + "?category=UTILITY"))
    assert "template 0" in only_utility
    assert "template 1" not in only_utility
    change = visible_text(admin_client.get(admin_url(TEMPLATE_MODEL, "change", MessageTemplate.objects.first().pk)))  # type: ignore[union-attr]
    assert "Utility" in change
    assert "UTILITY" not in change
