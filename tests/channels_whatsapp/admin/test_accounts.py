"""The admin of WhatsApp accounts: fields, tokens, history and permissions."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from channels_whatsapp.models import WhatsAppAccount
from tests import builders
from tests.admin_client import UserClient, admin_url, create_signed_in_client, visible_text

pytestmark = pytest.mark.django_db

ACCOUNT_MODEL = "channels_whatsapp_whatsappaccount"
ACCOUNT_SID = "AC9a805fb460119c9baabb9b726ce8fc90"
TOKEN = builders.AUTH_TOKEN
NEW_TOKEN = "0123456789abcdef0123456789abcdef"


def account_form(**changed: Any) -> dict[str, Any]:
    return {"name": "WhatsApp channel", "account_sid": ACCOUNT_SID, "auth_token": TOKEN, "is_active": "on", **changed}


@pytest.fixture
def account() -> WhatsAppAccount:
    return builders.create_account(account_sid=ACCOUNT_SID, auth_token_set_at=timezone.now())


def post_account_change(client: Client, account: WhatsAppAccount, **changed: Any) -> Any:
    return client.post(
        admin_url(ACCOUNT_MODEL, "change", account.pk), account_form(auth_token="", **changed), follow=True
    )


def test_the_new_page_asks_for_name_account_sid_and_auth_token(admin_client: UserClient) -> None:
    shown = visible_text(admin_client.get(admin_url(ACCOUNT_MODEL, "add")))
    for label in ("New WhatsApp", "Twilio account details", "Name", "Account SID", "Auth Token"):
        assert label in shown


def test_the_later_sections_come_with_the_first_save(admin_client: UserClient) -> None:
    shown = visible_text(admin_client.get(admin_url(ACCOUNT_MODEL, "add")))
    assert "Callback information" not in shown
    assert "+ Add New WhatsApp Number" not in shown


def test_save_keeps_the_administrator_on_the_page(admin_client: UserClient) -> None:
    response = admin_client.post(admin_url(ACCOUNT_MODEL, "add"), account_form(), follow=True)
    account = WhatsAppAccount.objects.get()
    assert response.redirect_chain == [(admin_url(ACCOUNT_MODEL, "change", account.pk), 302)]
    for section in ("Callback information", "WhatsApp phone numbers", "Validation"):
        assert section in visible_text(response)


def test_the_page_shows_the_inbound_and_the_status_address(admin_client: UserClient, account: WhatsAppAccount) -> None:
    shown = admin_client.get(admin_url(ACCOUNT_MODEL, "change", account.pk)).content.decode()
    assert f'value="https://desk.example.com/webhooks/whatsapp/{account.key}/inbound/"' in shown
    assert f'value="https://desk.example.com/webhooks/whatsapp/{account.key}/status/"' in shown


@pytest.mark.parametrize("field", ["name", "account_sid", "auth_token"])
def test_name_account_sid_and_auth_token_are_required(admin_client: UserClient, field: str) -> None:
    response = admin_client.post(admin_url(ACCOUNT_MODEL, "add"), account_form(**{field: ""}))
    assert list(response.context["adminform"].form.errors) == [field]


@pytest.mark.parametrize("sid", ["AC123", "SK" + "0" * 32, ACCOUNT_SID + "0", ACCOUNT_SID[:-1] + "g", "ac" + "0" * 32])
def test_an_account_sid_of_another_form_is_refused_in_one_sentence(admin_client: UserClient, sid: str) -> None:
    response = admin_client.post(admin_url(ACCOUNT_MODEL, "add"), account_form(account_sid=sid))
    errors = response.context["adminform"].form.errors["account_sid"]
    assert len(errors) == 1
    assert errors[0].startswith("An Account SID is AC followed by 32 hexadecimal characters.")


MALFORMED_TOKENS = ["short", TOKEN[:-1], TOKEN + "0", TOKEN[:-1] + "g", ACCOUNT_SID, f"enc1:{TOKEN}", TOKEN[:-1] + "１"]


@pytest.mark.parametrize("field", ["auth_token", "secondary_auth_token"])
@pytest.mark.parametrize("token", MALFORMED_TOKENS)
def test_an_auth_token_of_another_form_is_refused_at_its_field(
    admin_client: UserClient, account: WhatsAppAccount, field: str, token: str
) -> None:
    response = admin_client.post(
        admin_url(ACCOUNT_MODEL, "change", account.pk), account_form(auth_token="") | {field: token}
    )
    assert response.context["adminform"].form.errors == {
        field: ["An Auth Token is 32 hexadecimal characters (0–9, a–f). Copy it from the Twilio Console."]
    }
    account.refresh_from_db()
    assert (account.auth_token, account.secondary_auth_token) == (TOKEN, "")


@pytest.mark.parametrize("sid", ["MG123", "SK" + "0" * 32, "MG" + "0" * 31 + "g"])
def test_a_messaging_service_sid_of_another_form_is_refused_at_its_field(admin_client: UserClient, sid: str) -> None:
    response = admin_client.post(admin_url(ACCOUNT_MODEL, "add"), account_form(messaging_service_sid=sid))
    assert response.context["adminform"].form.errors == {
        "messaging_service_sid": ["A Messaging Service SID is MG followed by 32 hexadecimal characters."]
    }


def test_spaces_around_a_pasted_account_sid_are_no_error(admin_client: UserClient) -> None:
    admin_client.post(
        admin_url(ACCOUNT_MODEL, "add"), account_form(account_sid=f"  {ACCOUNT_SID}\t", auth_token=f" {TOKEN} ")
    )
    account = WhatsAppAccount.objects.get()
    assert (account.account_sid, account.auth_token) == (ACCOUNT_SID, TOKEN)


@pytest.mark.parametrize("spelling", [ACCOUNT_SID, "AC" + ACCOUNT_SID[2:].upper()])
def test_an_account_sid_is_taken_once_whatever_its_case(
    admin_client: UserClient, account: WhatsAppAccount, spelling: str
) -> None:
    response = admin_client.post(admin_url(ACCOUNT_MODEL, "add"), account_form(account_sid=spelling))
    assert response.context["adminform"].form.errors["account_sid"] == [
        "Another WhatsApp channel already uses this Account SID: WhatsApp channel."
    ]


def test_a_blank_token_keeps_the_stored_one(admin_client: UserClient, account: WhatsAppAccount) -> None:
    set_at = account.auth_token_set_at
    post_account_change(admin_client, account, name="Renamed")
    account.refresh_from_db()
    assert (account.name, account.auth_token, account.auth_token_set_at) == ("Renamed", TOKEN, set_at)


def test_a_new_token_replaces_the_stored_one_and_says_when(admin_client: UserClient, account: WhatsAppAccount) -> None:
    WhatsAppAccount.objects.update(auth_token_set_at=timezone.now() - timedelta(days=9))
    response = admin_client.post(
        admin_url(ACCOUNT_MODEL, "change", account.pk), account_form(auth_token=NEW_TOKEN), follow=True
    )
    account.refresh_from_db()
    assert account.auth_token == NEW_TOKEN
    assert account.auth_token_set_at
    assert timezone.now() - account.auth_token_set_at < timedelta(minutes=1)
    assert f"Set on {timezone.now():%-d %B %Y}" in visible_text(response)


def test_no_page_ever_shows_a_token(admin_client: UserClient, account: WhatsAppAccount) -> None:
    account.secondary_auth_token = NEW_TOKEN
    account.save()
    refused = admin_client.post(
        admin_url(ACCOUNT_MODEL, "change", account.pk), account_form(auth_token="f" * 32, name="")
    )
    for response in (
        refused,
        admin_client.get(admin_url(ACCOUNT_MODEL, "change", account.pk)),
        admin_client.get(admin_url(ACCOUNT_MODEL, "changelist")),
    ):
        shown = response.content.decode()
        assert not [token for token in (TOKEN, NEW_TOKEN, "f" * 32) if token in shown]


def test_user_with_view_permission_sees_no_token(account: WhatsAppAccount) -> None:
    sam = create_signed_in_client("Supervisor", "Sam")
    sam.user.user_permissions.add(Permission.objects.get(codename="view_whatsappaccount"))
    response = sam.get(admin_url(ACCOUNT_MODEL, "change", account.pk))
    assert response.status_code == 200
    assert TOKEN not in response.content.decode()
    assert "Secondary Auth Token" not in visible_text(response)


def test_the_history_names_the_changed_fields_and_no_token(admin_client: UserClient, account: WhatsAppAccount) -> None:
    admin_client.post(
        admin_url(ACCOUNT_MODEL, "change", account.pk), account_form(auth_token=NEW_TOKEN, name="Renamed")
    )
    entry = LogEntry.objects.get()
    assert entry.get_change_message() == "Changed Name and Auth Token."
    assert NEW_TOKEN not in entry.change_message + entry.object_repr


def test_a_save_without_a_token_is_not_written_down_as_a_change_of_it(
    admin_client: UserClient, account: WhatsAppAccount
) -> None:
    post_account_change(admin_client, account, name="Renamed")
    assert LogEntry.objects.get().get_change_message() == "Changed Name."


def test_a_secondary_token_can_be_set_and_removed(admin_client: UserClient, account: WhatsAppAccount) -> None:
    post_account_change(admin_client, account, secondary_auth_token=NEW_TOKEN)
    account.refresh_from_db()
    assert account.accepted_tokens == [TOKEN, NEW_TOKEN]
    post_account_change(admin_client, account, remove_secondary_auth_token="on")
    account.refresh_from_db()
    assert account.accepted_tokens == [TOKEN]


def test_a_blank_secondary_token_keeps_the_stored_one(admin_client: UserClient, account: WhatsAppAccount) -> None:
    post_account_change(admin_client, account, secondary_auth_token=NEW_TOKEN)
    post_account_change(admin_client, account)
    account.refresh_from_db()
    assert account.secondary_auth_token == NEW_TOKEN


def test_rejected_credentials_show_on_the_page_and_in_the_list(
    admin_client: UserClient, account: WhatsAppAccount
) -> None:
    WhatsAppAccount.objects.update(credentials_rejected_at=timezone.now())
    for verb, args in (("change", [account.pk]), ("changelist", [])):
        assert "Credentials rejected" in visible_text(admin_client.get(admin_url(ACCOUNT_MODEL, verb, *args)))


def test_new_token_clears_the_rejection(admin_client: UserClient, account: WhatsAppAccount) -> None:
    WhatsAppAccount.objects.update(credentials_rejected_at=timezone.now())
    response = admin_client.post(
        admin_url(ACCOUNT_MODEL, "change", account.pk), account_form(auth_token=NEW_TOKEN), follow=True
    )
    assert "Credentials rejected" not in visible_text(response)


def test_the_numbers_of_the_channel_are_listed_with_a_way_to_add_one(
    admin_client: UserClient, account: WhatsAppAccount
) -> None:
    builders.create_number(account, name="Main line", number="+14155550100")
    builders.create_number(name="Of another channel")
    response = admin_client.get(admin_url(ACCOUNT_MODEL, "change", account.pk))
    assert "Main line +14155550100 WhatsApp channel work stream Active" in visible_text(response)
    assert "Of another channel" not in visible_text(response)
    assert f"/whatsappnumber/add/?account={account.pk}" in response.content.decode()


def test_a_name_with_markup_is_shown_as_it_was_typed(admin_client: UserClient, account: WhatsAppAccount) -> None:
    response = post_account_change(admin_client, account, name="<b>Shop</b> & co")
    assert "<b>Shop</b>" not in response.content.decode()


def test_supervisors_and_agents_cannot_open_channels(account: WhatsAppAccount) -> None:
    for role in ("Supervisor", "Agent"):
        assert create_signed_in_client(role).get(admin_url(ACCOUNT_MODEL, "change", account.pk)).status_code in {
            302,
            403,
        }
