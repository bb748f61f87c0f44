"""The phone at /simulator/, with and without JavaScript."""

import base64
import html
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.test import Client as Browser
from django.utils import timezone

from channels_whatsapp.simulator import factories
from channels_whatsapp.simulator.business_scoped_ids import get_user_id
from channels_whatsapp.simulator.console.sample_templates import SAMPLE_TEMPLATES, create_samples
from channels_whatsapp.simulator.messages import inbound
from channels_whatsapp.simulator.messages.outbound import MessageRequest, accept_message
from channels_whatsapp.simulator.models import (
    Account,
    Chat,
    Customer,
    Direction,
    Fault,
    FaultKind,
    Message,
    Sender,
)
from channels_whatsapp.simulator.phone.forms import MESSAGE_FORMS
from channels_whatsapp.simulator.scheduler import run_due_tasks
from tests.channels_whatsapp.simulator.urls import skipped_day_addresses
from tests.channels_whatsapp.simulator.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.django_db

LATER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def chat_path(omar: Customer, sender: Sender) -> str:
    return f"/simulator/chats/{omar.pk}/{sender.pk}/"


def get_page(browser: Browser, address: str) -> str:
    response = browser.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_an_empty_simulator_says_what_to_do(db: None) -> None:
    assert "No customers yet" in get_page(Browser(), "/simulator/")
    assert "Create an account" in get_page(Browser(), "/simulator/console/")


def test_simulator_is_public_and_has_no_inline_code(chat_path: str, omar: Customer, sender: Sender) -> None:
    inbound.receive_customer_message(
        omar, sender, "<script>alert(1)</script>", location=inbound.SharedLocation("1", "2")
    )
    for shown in (
        get_page(Browser(), "/simulator/"),
        get_page(Browser(), chat_path),
        get_page(Browser(), "/simulator/console/"),
    ):
        assert " style=" not in shown
        assert "<style" not in shown
        assert "<script>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in get_page(Browser(), chat_path)


def test_every_field_has_a_label_of_its_own(chat_path: str) -> None:
    shown = get_page(Browser(), chat_path)
    ids = [part.split('"')[0] for part in shown.split(' id="')[1:]]
    assert len(ids) == len(set(ids))
    in_sections = [
        f"{name}_{field}" for name, form in MESSAGE_FORMS.items() if form.title for field in form.base_fields
    ]
    for name in ("text_text", *in_sections, "settings_name", "new_address"):
        assert re.search(rf'<label[^>]*for="{name}"', shown)


def test_a_plain_form_post_writes_and_comes_back(chat_path: str) -> None:
    response = Browser().post(f"{chat_path}text/", {"text": "hello?"})
    assert (response.status_code, response.headers["Location"]) == (302, chat_path)
    assert Message.objects.get().body == "hello?"


def test_forms_are_protected_against_other_sites(chat_path: str) -> None:
    assert Browser(enforce_csrf_checks=True).post(f"{chat_path}text/", {"text": "hello?"}).status_code == 403


def test_script_request_returns_only_the_messages(chat_path: str) -> None:
    response = Browser().post(f"{chat_path}text/", {"text": "hello?"}, headers={"HX-Request": "true"})
    assert re.match(r'<section\s+class="thread"\s+id="thread"', response.content.decode().lstrip())
    assert "hello?" in response.content.decode()


def test_files_and_message_flags_are_sent(chat_path: str) -> None:
    files = [SimpleUploadedFile(name, b"x", kind) for name, kind in (("a.png", "image/png"), ("b", "<bad>"))]
    form = {"text": "look", "attachments": files, "forwarded": "on", "ad": "Lamps"}
    Browser().post(f"{chat_path}text/", form)
    message = Message.objects.get()
    assert [media.content_type for media in message.media.all()] == ["image/png", "application/octet-stream"]
    assert (message.extra["Forwarded"], message.extra["ReferralHeadline"]) == ("true", "Lamps")


def test_an_ad_may_have_a_picture_that_is_not_shown_as_a_file(chat_path: str) -> None:
    picture = SimpleUploadedFile("ad.jpg", b"x", "image/jpeg")
    form = {"text": "look", "ad": "Lamps", "ad_picture": picture, "frequently_forwarded": "on"}
    Browser().post(f"{chat_path}text/", form)
    message = Message.objects.get()
    assert (message.media.get().is_from_ad, message.num_media) == (True, 0)
    shown = get_page(Browser(), chat_path)
    assert "Forwarded many times" in shown
    assert "ad.jpg" not in shown


def test_a_picture_without_an_ad_is_refused(chat_path: str) -> None:
    picture = SimpleUploadedFile("ad.jpg", b"x", "image/jpeg")
    response = Browser().post(f"{chat_path}text/", {"text": "look", "ad_picture": picture})
    assert (response.status_code, Message.objects.count()) == (422, 0)


def test_the_name_of_a_document_is_shown_once(chat_path: str, omar: Customer, sender: Sender) -> None:
    inbound.receive_customer_message(
        omar, sender, attachments=[inbound.Attachment("invoice.pdf", "application/pdf", b"%PDF")]
    )
    bubble = get_page(Browser(), f"{chat_path}thread/").split("<article")[1]
    assert '<p class="bubble-text">' not in bubble
    assert "invoice.pdf" in bubble


def test_answers_of_a_form_are_shown(chat_path: str) -> None:
    Browser().post(f"{chat_path}flow/", {"answers": "size: Large\n\n note: a: b"})
    bubble = get_page(Browser(), f"{chat_path}thread/").split("<article")[1]
    for part in ("<strong>size</strong> <span>Large</span>", "<strong>note</strong> <span>a: b</span>"):
        assert part in bubble
    assert "flow_token" not in bubble


@pytest.mark.parametrize(
    ("form_name", "form", "kind"),
    [
        ("location", {"latitude": "52.5", "longitude": "13.4"}, "location"),
        ("contact", {"name": "Amara", "number": "+1 555"}, "contacts"),
        ("button-press", {"kind": "list", "text": "Blue", "payload": "7"}, "interactive"),
        ("button-press", {"kind": "button", "text": "Blue"}, "button"),
        ("flow", {"answers": "size: Large\n\n note: a: b"}, "interactive"),
    ],
)
def test_locations_contacts_and_other_kinds_can_be_sent(
    chat_path: str, form_name: str, form: dict[str, str], kind: str
) -> None:
    assert Browser().post(f"{chat_path}{form_name}/", form).status_code == 302
    assert Message.objects.get().extra["MessageType"] == kind


@pytest.mark.parametrize(
    ("form_name", "form"),
    [
        ("text", {"text": " "}),
        ("location", {"latitude": "91", "longitude": "x"}),
        ("flow", {"answers": "size: Large\nno name"}),
    ],
)
def test_invalid_message_is_not_sent(chat_path: str, form_name: str, form: dict[str, str]) -> None:
    plain = Browser().post(f"{chat_path}{form_name}/", form)
    scripted = Browser().post(f"{chat_path}{form_name}/", form, headers={"HX-Request": "true"})
    assert (plain.status_code, scripted.status_code) == (422, 200)
    assert 'class="error"' in plain.content.decode()
    assert not Message.objects.exists()


def test_a_message_can_be_answered_by_quoting_it(chat_path: str, omar: Customer, sender: Sender) -> None:
    quoted = inbound.receive_customer_message(omar, sender, "the lamp")
    assert "Replying to: the lamp" in get_page(Browser(), f"{chat_path}?quote={quoted.pk}")
    Browser().post(f"{chat_path}text/", {"text": "that one", "reply_to": quoted.pk})
    assert Message.objects.order_by("-pk")[0].extra["OriginalRepliedMessageSid"] == quoted.sid


def test_a_button_of_a_received_message_can_be_pressed(chat_path: str, omar: Customer, sender: Sender) -> None:
    message = inbound.receive_customer_message(omar, sender, "which?")
    offer = [{"kind": "button", "text": "Blue", "payload": "b"}]
    Message.objects.update(direction=Direction.OUTBOUND, buttons=offer)
    assert "Blue" in get_page(Browser(), chat_path)
    Browser().post(f"{chat_path}messages/{message.pk}/buttons/0/")
    assert Message.objects.order_by("-pk")[0].extra["ButtonPayload"] == "b"


def test_chat_is_returned_only_when_it_changed(chat_path: str, omar: Customer, sender: Sender) -> None:
    inbound.receive_customer_message(omar, sender, "hello?")
    version = get_page(Browser(), chat_path).split('data-version="')[1].split('"')[0]
    assert Browser().get(f"{chat_path}thread/", {"version": version}).status_code == 204
    run_due_tasks(LATER)
    response = Browser().get(f"{chat_path}thread/", {"version": version})
    assert "delivered to the desk" in response.content.decode()


def get_live_url(page: str, element_id: str) -> str:
    """Return the URL by which an element of the page refreshes itself."""
    match = re.search(rf'id="{element_id}"[^>]*?hx-get="([^"]+)"', page)
    assert match
    return html.unescape(match[1])


def test_customer_list_is_returned_only_when_it_changed(chat_path: str, omar: Customer, sender: Sender) -> None:
    url = get_live_url(get_page(Browser(), chat_path), "customer-list")
    assert Browser().get(url).status_code == 204
    inbound.receive_customer_message(omar, sender, "good morning")
    updated = get_page(Browser(), url)
    assert "good morning" in updated
    assert re.search(rf'href="/simulator/chats/{omar.pk}/{sender.pk}/"\s+aria-current="true"', updated)
    url = get_live_url(updated, "customer-list")
    assert Browser().get(url).status_code == 204
    Customer.objects.update(name="Omar B.")
    assert "Omar B." in get_page(Browser(), url)


@pytest.mark.parametrize("query", ["", "?customer=x&sender=9&version=", "?customer=" + "9" * 30])
def test_customer_list_is_returned_for_any_query(chat_path: str, query: str) -> None:
    assert "Omar" in get_page(Browser(), f"/simulator/customers/list/{query}")


def test_window_state_is_returned_only_when_it_changed(chat_path: str, omar: Customer, sender: Sender) -> None:
    url = get_live_url(get_page(Browser(), chat_path), "window-state")
    assert Browser().get(url).status_code == 204
    inbound.receive_customer_message(omar, sender, "hello?")
    assert "can reply freely" in get_page(Browser(), url)


def test_console_is_returned_only_when_it_changed(sender: Sender) -> None:
    url = get_live_url(get_page(Browser(), "/simulator/console/"), "accounts")
    assert Browser().get(url).status_code == 204
    create_samples(sender.account)
    updated = get_page(Browser(), url)
    assert "back_to_you" in updated
    url = get_live_url(updated, "accounts")
    assert Browser().get(url).status_code == 204
    Sender.objects.update(status="OFFLINE")
    assert Browser().get(url).status_code == 200


def test_pages_link_to_the_desk(chat_path: str) -> None:
    for path in ("/simulator/", chat_path, "/simulator/console/"):
        assert '<a href="/">Desk</a>' in get_page(Browser(), path)


def test_a_refusal_of_the_desk_is_shown(
    chat_path: str, omar: Customer, sender: Sender, receiver: WebhookReceiver
) -> None:
    receiver.response = (403, "text/plain", b"wrong signature")
    inbound.receive_customer_message(omar, sender, "hello?")
    run_due_tasks(LATER)
    assert "The desk returned 403: wrong signature" in get_page(Browser(), chat_path)


def test_faults_are_switched_for_one_or_for_all(chat_path: str, omar: Customer) -> None:
    Browser().post(f"{chat_path}faults/", {"kinds": [FaultKind.SLOW, FaultKind.TWICE]})
    Browser().post(f"{chat_path}faults/", {"kinds": [FaultKind.TWICE]})
    Browser().post(f"{chat_path}faults/all/", {"kinds": [FaultKind.HANG]})
    assert Fault.objects.kinds_for(omar) == {FaultKind.TWICE, FaultKind.HANG}
    assert Fault.objects.kinds_for(None) == {FaultKind.HANG}


def test_skipping_a_day_notifies_other_clocks(chat_path: str, omar: Customer, sender: Sender) -> None:
    inbound.receive_customer_message(omar, sender, "hello?")
    skipped_day_addresses.clear()
    Browser().post(f"{chat_path}skip-day/")
    assert skipped_day_addresses == [omar.address]
    assert not Chat.objects.get().is_window_open(datetime.now(UTC))
    assert "only templates are delivered" in get_page(Browser(), chat_path)


def test_customer_settings_are_saved(chat_path: str) -> None:
    settings = {"name": "Omar B.", "username": "omar", "external_user_id": "US.1", "sends_read_receipts": "on"}
    Browser().post(f"{chat_path}settings/", settings)
    omar = Customer.objects.get()
    assert (omar.name, omar.reads_immediately, omar.sends_read_receipts) == ("Omar B.", False, True)
    assert (omar.username, omar.external_user_id) == ("omar", "whatsapp:US.1")


def test_panel_shows_the_id_that_the_account_sees(chat_path: str, omar: Customer, sender: Sender) -> None:
    shown = get_page(Browser(), chat_path)
    assert get_user_id(omar, sender.account).removeprefix("whatsapp:") in shown


@pytest.mark.parametrize(("username", "shown"), [("", "WhatsApp user"), ("nour.shop", "nour.shop")])
def test_no_list_shows_a_business_scoped_id_as_a_name(chat_path: str, username: str, shown: str) -> None:
    Customer.objects.create(address="whatsapp:EG.5550001", username=username)
    page = get_page(Browser(), chat_path)
    assert f'<span class="avatar" aria-hidden="true">{shown[0].upper()}</span>' in page
    assert f'<span class="customer-name">{shown}</span>' in page
    assert "EG.5550001" not in page


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("+49 (151) 765-43 21", "whatsapp:+491517654321"),
        ("whatsapp:US.1349", "whatsapp:US.1349"),
        (" US.ENT.1349 ", "whatsapp:US.ENT.1349"),
    ],
)
def test_customer_can_be_created_once(sender: Sender, typed: str, address: str) -> None:
    for _ in range(2):
        response = Browser().post("/simulator/customers/", {"name": "Eve", "address": typed})
    eve = Customer.objects.get(address=address)
    assert response.headers["Location"] == f"/simulator/chats/{eve.pk}/{sender.pk}/"


def test_invalid_number_is_refused(sender: Sender) -> None:
    response = Browser().post("/simulator/customers/", {"address": "12"})
    assert (response.status_code, Customer.objects.count()) == (422, 0)
    assert "country code" in response.content.decode()


def test_console_saves_the_webhook_urls(sender: Sender) -> None:
    form = {
        f"{sender.pk}-callback_url": "https://desk.example.com/in/",
        f"{sender.pk}-status_callback_url": "",
        f"{sender.pk}-status": "OFFLINE",
    }
    Browser().post(f"/simulator/console/numbers/{sender.pk}/", form)
    sender.refresh_from_db()
    assert (sender.callback_url, sender.status) == ("https://desk.example.com/in/", "OFFLINE")
    shown = get_page(Browser(), "/simulator/console/")
    assert sender.account.sid in shown
    assert sender.account.auth_token in shown


def test_accounts_and_numbers_can_be_created_in_the_console(db: None) -> None:
    Browser().post("/simulator/console/accounts/", {"friendly_name": "New shop"})
    account = Account.objects.get()
    form: dict[str, Any] = {"account": account.pk, "number": "+49 30 555 555", "name": "New"}
    Browser().post("/simulator/console/numbers/", form)
    assert Sender.objects.get().number == "+4930555555"
    assert Browser().post("/simulator/console/numbers/", {**form, "number": "x"}).status_code == 422
    assert Browser().post("/simulator/console/accounts/", {}).status_code == 422


EXAMPLE_SID, EXAMPLE_TOKEN = "AC9a805fb460119c9baabb9b726ce8fc90", "dd40ed7df8376b1fa959be99c45fbfce"


def test_an_account_can_be_given_sid_and_token(db: None) -> None:
    form = {"friendly_name": "Example", "sid": EXAMPLE_SID, "auth_token": EXAMPLE_TOKEN, "linked_portfolios": "Group"}
    assert Browser().post("/simulator/console/accounts/", form).status_code == 302
    pair = base64.b64encode(f"{EXAMPLE_SID}:{EXAMPLE_TOKEN}".encode()).decode()
    path = f"/simulator/twilio/api/2010-04-01/Accounts/{EXAMPLE_SID}.json"
    assert Browser().get(path, headers={"Authorization": f"Basic {pair}"}).json()["friendly_name"] == "Example"
    again = Browser().post("/simulator/console/accounts/", {**form, "sid": EXAMPLE_SID.replace("a", "A")})
    assert again.status_code == 422
    assert "There is an account with this SID." in again.content.decode()


@pytest.mark.parametrize(
    "values",
    [
        {"sid": "AC1"},
        {"sid": EXAMPLE_SID + "0"},
        {"sid": EXAMPLE_SID.replace("AC", "SK")},
        {"auth_token": "secret"},
        {"auth_token": EXAMPLE_TOKEN[:-1] + "g"},
        {"friendly_name": " "},
    ],
)
def test_an_account_with_malformed_credentials_is_refused(db: None, values: dict[str, str]) -> None:
    response = Browser().post("/simulator/console/accounts/", {"friendly_name": "Example", **values})
    assert (response.status_code, Account.objects.count()) == (422, 0)
    assert 'class="error"' in response.content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("callback_url", "ftp://desk.example.com/"),
        ("callback_url", "http://my_desk.example.com/"),
        ("status_callback_url", "http://[/"),
        ("status_callback_url", "http://desk.example.com:port/"),
        ("messaging_service_sid", "MG1"),
        ("status", "ASLEEP"),
    ],
)
def test_malformed_settings_of_a_number_are_refused(sender: Sender, field: str, value: str) -> None:
    form = {"callback_url": "http://127.0.0.1:8000/in/", "status": "ONLINE", field: value}
    prefixed = {f"{sender.pk}-{name}": typed for name, typed in form.items()}
    assert Browser().post(f"/simulator/console/numbers/{sender.pk}/", prefixed).status_code == 422
    before = (sender.callback_url, sender.status_callback_url, sender.messaging_service_sid, sender.status)
    sender.refresh_from_db()
    assert (sender.callback_url, sender.status_callback_url, sender.messaging_service_sid, sender.status) == before


def test_a_number_is_added_to_an_account_only_once(account: Account, sender: Sender) -> None:
    form: dict[str, Any] = {"account": account.pk, "number": sender.number, "name": "Again"}
    response = Browser().post("/simulator/console/numbers/", form)
    assert (response.status_code, Sender.objects.count()) == (422, 1)
    assert "This account has this number already." in response.content.decode()


def test_an_unknown_approval_is_not_saved(account: Account) -> None:
    content = factories.create_content(account, "hi", {"twilio/text": {"body": "Hi"}})
    Browser().post(f"/simulator/console/templates/{content.pk}/", {f"content-{content.pk}-approval": "loved"})
    content.refresh_from_db()
    assert content.approval == "approved"


def test_console_creates_sample_templates_once_and_changes_approvals(account: Account) -> None:
    for _ in range(2):
        Browser().post(f"/simulator/console/accounts/{account.pk}/templates/")
    assert account.contents.count() == len(SAMPLE_TEMPLATES)
    content = account.contents.get(friendly_name="back_to_you")
    Browser().post(f"/simulator/console/templates/{content.pk}/", {f"content-{content.pk}-approval": "paused"})
    content.refresh_from_db()
    assert content.approval == "paused"
    assert "back_to_you" in get_page(Browser(), "/simulator/console/")


def test_phone_shows_all_parts_of_a_template(omar: Customer, sender: Sender) -> None:
    create_samples(sender.account)
    for name in ("invoice_ready", "summer_sale", "sign_in_code", "what_is_it_about", "where_we_are"):
        content = sender.account.contents.get(friendly_name=name)
        form = QueryDict(mutable=True)
        form.update({"To": omar.address, "From": sender.address, "ContentSid": content.sid})
        accept_message(sender.account, MessageRequest.from_form(form), now=timezone.now())
    shown = get_page(Browser(), f"/simulator/chats/{omar.pk}/{sender.pk}/")
    for part in (
        "Your invoice 2231",
        "Lumen Lamps, Camden",
        "https://lumen.example/invoices/2231",
        "https://lumen.example/garden/lantern.jpg",
        "SUMMER20",
        "123456 is your verification code.",
        "Something is broken",
        "12 Camden High Street",
    ):
        assert part in shown


def test_a_template_that_is_too_long_fails(omar: Customer, sender: Sender) -> None:
    content = factories.create_content(
        sender.account, "long", {"twilio/text": {"body": "{{1}}"}}, variables={"1": "x" * 1025}
    )
    form = QueryDict(mutable=True)
    form.update({"To": omar.address, "From": sender.address, "ContentSid": content.sid})
    message = accept_message(sender.account, MessageRequest.from_form(form), now=timezone.now())
    assert message.tasks.get().error_code == 63021
