"""The simulator posts inbound messages exactly as Twilio does."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client as Browser

from channels_whatsapp.simulator import factories
from channels_whatsapp.simulator.messages import inbound
from channels_whatsapp.simulator.models import Account, Customer, FaultKind, Message, ScheduledTask, Sender
from channels_whatsapp.simulator.scheduler import run_due_tasks
from channels_whatsapp.simulator.statuses import ButtonKind
from tests.channels_whatsapp.simulator.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.django_db

LATER = datetime(2100, 1, 1, tzinfo=UTC)


def send_and_get_params(
    receiver: WebhookReceiver, customer: Customer, sender: Sender, **writing: Any
) -> dict[str, str]:
    inbound.receive_customer_message(customer, sender, **writing)
    run_due_tasks(LATER)
    return receiver.webhooks[-1].form


def test_a_text_carries_what_twilio_sends_with_it(receiver: WebhookReceiver, omar: Customer, sender: Sender) -> None:
    form = send_and_get_params(receiver, omar, sender, text="hello? & + ü 🙂")
    message = Message.objects.get()
    assert {form[name] for name in ("MessageSid", "SmsSid", "SmsMessageSid")} == {message.sid}
    assert form["Body"] == "hello? & + ü 🙂"
    expected = {
        "AccountSid": sender.account.sid,
        "From": "whatsapp:+491511234567",
        "To": "whatsapp:+4930111111",
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
        "ProfileName": "Omar",
        "WaId": "491511234567",
        "MessageType": "text",
        "ReferralNumMedia": "0",
    }
    assert expected.items() <= form.items()
    assert {"Forwarded", "ProfileUsername", "ParentExternalUserId"}.isdisjoint(form)


def test_channel_metadata_has_the_context_without_spaces(
    receiver: WebhookReceiver, omar: Customer, sender: Sender
) -> None:
    location = inbound.SharedLocation("52.52", "13.405", label="Café", address="Hauptstraße 12")
    form = send_and_get_params(receiver, omar, sender, location=location)
    assert form["ChannelMetadata"] == (
        '{"type":"whatsapp","data":{"context":{"Address":"Hauptstraße 12","Label":"Café","Latitude":"52.52",'
        '"Longitude":"13.405","ProfileName":"Omar","WaId":"491511234567"}}}'
    )


def test_each_account_sees_an_id_of_its_own(receiver: WebhookReceiver, omar: Customer, sender: Sender) -> None:
    other = factories.create_sender(factories.create_account("Other"), "+4930444444", "Other", receiver.url)
    ids = [
        send_and_get_params(receiver, omar, number, text="hello?")["ExternalUserId"]
        for number in (sender, sender, other)
    ]
    assert ids[0] == ids[1] != ids[2]
    assert all(re.fullmatch(r"whatsapp:DE\.[A-Za-z0-9]{1,128}", user_id) for user_id in ids)


def test_accounts_of_linked_portfolios_see_the_same_parent_id(
    receiver: WebhookReceiver, omar: Customer, sender: Sender
) -> None:
    Account.objects.update(linked_portfolios="Group")
    sender.account.refresh_from_db()
    linked, single = factories.create_account("Linked", linked_portfolios="Group"), factories.create_account("Single")
    other = factories.create_sender(linked, "+4930444444", "Other", receiver.url)
    unlinked = factories.create_sender(single, "+4930555555", "Single", receiver.url)
    first, second, third = (
        send_and_get_params(receiver, omar, number, text="hello?") for number in (sender, other, unlinked)
    )
    assert re.fullmatch(r"whatsapp:DE\.ENT\.[A-Za-z0-9]{1,128}", first["ParentExternalUserId"])
    assert first["ParentExternalUserId"] == second["ParentExternalUserId"]
    assert first["ExternalUserId"] != second["ExternalUserId"]
    assert "ParentExternalUserId" not in third


def test_a_hidden_number_has_another_address_at_each_account(receiver: WebhookReceiver, sender: Sender) -> None:
    amara = factories.create_customer("Amara", "US.1349")
    other = factories.create_sender(factories.create_account("Other"), "+4930444444", "Other", receiver.url)
    first, second = (send_and_get_params(receiver, amara, number, text="hello?") for number in (sender, other))
    assert first["From"] == first["ExternalUserId"] == "whatsapp:US.1349"
    assert second["From"] == second["ExternalUserId"] != "whatsapp:US.1349"


def test_a_username_is_posted_with_and_without_a_number(
    receiver: WebhookReceiver, omar: Customer, sender: Sender
) -> None:
    omar.username = "omar.b"
    nour = factories.create_customer("", "US.1349", username="nour.shop")
    with_number, without_number = (
        send_and_get_params(receiver, customer, sender, text="hello?") for customer in (omar, nour)
    )
    assert (with_number["ProfileUsername"], with_number["WaId"]) == ("omar.b", "491511234567")
    assert (without_number["ProfileName"], without_number["ProfileUsername"]) == ("", "nour.shop")


@pytest.mark.parametrize(
    ("text", "name", "content_type", "body"),
    [
        ("", "invoice 12.pdf", "application/pdf", "invoice 12.pdf"),
        ("", "prices.csv", "text/csv", "prices.csv"),
        ("please pay", "invoice.pdf", "application/pdf", "please pay"),
        ("", "lamp.jpg", "image/jpeg", ""),
    ],
)
def test_a_document_carries_its_name_in_the_body(
    receiver: WebhookReceiver, omar: Customer, sender: Sender, text: str, name: str, content_type: str, body: str
) -> None:
    file = inbound.Attachment(name, content_type, b"content")
    assert send_and_get_params(receiver, omar, sender, text=text, attachments=[file])["Body"] == body


@pytest.mark.parametrize(
    ("is_forwarded", "is_frequently_forwarded", "marks"),
    [(True, False, ("true", "false")), (False, True, ("false", "true")), (True, True, ("false", "true"))],
)
def test_a_message_is_forwarded_or_frequently_forwarded(
    receiver: WebhookReceiver,
    omar: Customer,
    sender: Sender,
    is_forwarded: bool,
    is_frequently_forwarded: bool,
    marks: tuple[str, str],
) -> None:
    form = send_and_get_params(
        receiver,
        omar,
        sender,
        text="look",
        is_forwarded=is_forwarded,
        is_frequently_forwarded=is_frequently_forwarded,
    )
    assert (form["Forwarded"], form["FrequentlyForwarded"]) == marks


def test_answers_of_a_form_are_posted_as_json(receiver: WebhookReceiver, omar: Customer, sender: Sender) -> None:
    form = send_and_get_params(receiver, omar, sender, flow_answers=inbound.FlowAnswers({"size": "große"}, "abcd1234"))
    assert form["FlowData"] == '{"size":"große","flow_token":"abcd1234"}'
    assert form["InteractiveData"] == '{"flowResponse":{"size":"große","flow_token":"abcd1234"}}'
    assert (form["MessageType"], form["Body"]) == ("interactive", "")


def test_the_picture_of_an_ad_is_no_file_of_the_message(
    receiver: WebhookReceiver, omar: Customer, sender: Sender
) -> None:
    picture = inbound.Attachment("ad.jpg", "image/jpeg", b"lamp")
    form = send_and_get_params(receiver, omar, sender, text="still there?", ad=inbound.Ad("Lamps", picture=picture))
    message = Message.objects.get()
    path = f"/2010-04-01/Accounts/{sender.account.sid}/Messages/{message.sid}/Media/{message.media.get().sid}"
    assert form["ReferralMediaUrl"] == f"https://api.twilio.com{path}"
    assert (form["ReferralNumMedia"], form["ReferralMediaContentType"]) == ("1", "image/jpeg")
    assert re.fullmatch(r"[0-9a-f-]{36}", form["ReferralMediaId"])
    assert (form["NumMedia"], form["MessageType"]) == ("0", "text")
    assert "MediaUrl0" not in form


def test_a_webhook_is_signed_with_the_accounts_token(receiver: WebhookReceiver, omar: Customer, sender: Sender) -> None:
    send_and_get_params(receiver, omar, sender, text="hello? ü")
    (webhook,) = receiver.webhooks
    assert webhook.is_signed_with(sender.account.auth_token)
    assert not webhook.is_signed_with("another token")
    assert webhook.headers["User-Agent"] == "TwilioProxy/1.1"
    assert len(webhook.headers["I-Twilio-Idempotency-Token"]) == 36


def test_the_fragment_of_an_address_is_not_signed(receiver: WebhookReceiver, omar: Customer, sender: Sender) -> None:
    Sender.objects.update(callback_url=f"{receiver.url}/inbound/#rc=3&rp=5xx")
    sender.refresh_from_db()
    send_and_get_params(receiver, omar, sender, text="hello?")
    assert receiver.webhooks[0].is_signed_with(sender.account.auth_token)


def test_somebody_without_a_number_is_known_by_their_business_scoped_id(
    receiver: WebhookReceiver, sender: Sender
) -> None:
    form = send_and_get_params(receiver, factories.create_customer("Amara", "US.1349"), sender, text="hello?")
    assert (form["From"], form["ExternalUserId"]) == ("whatsapp:US.1349", "whatsapp:US.1349")
    assert "WaId" not in form
    assert "ProfileUsername" not in form


def test_a_username_is_posted(receiver: WebhookReceiver, sender: Sender) -> None:
    customer = factories.create_customer("", "US.1349")
    customer.username = "nour.shop"
    form = send_and_get_params(receiver, customer, sender, text="hello?")
    assert (form["ProfileName"], form["ProfileUsername"]) == ("", "nour.shop")


def test_a_picture_is_posted_by_its_address_at_twilio(
    receiver: WebhookReceiver, omar: Customer, sender: Sender
) -> None:
    picture = inbound.Attachment("lamp.jpg", "image/jpeg", b"lamp")
    form = send_and_get_params(receiver, omar, sender, text="broken", attachments=[picture])
    message = Message.objects.get()
    place = f"https://api.twilio.com/2010-04-01/Accounts/{sender.account.sid}/Messages/{message.sid}/Media/"
    assert form["MediaUrl0"] == place + message.media.get().sid
    assert (form["NumMedia"], form["MediaContentType0"], form["MessageType"]) == ("1", "image/jpeg", "image")
    assert message.sid.startswith("MM")


def test_a_location_is_posted_with_its_label(receiver: WebhookReceiver, omar: Customer, sender: Sender) -> None:
    form = send_and_get_params(
        receiver, omar, sender, location=inbound.SharedLocation("52.52", "13.405", label="Hauptstraße 12")
    )
    shown = [form[name] for name in ("Latitude", "Longitude", "Label", "MessageType", "Body")]
    assert shown == ["52.52", "13.405", "Hauptstraße 12", "location", ""]
    assert "Address" not in form


def test_a_contact_is_posted_as_a_vcard(receiver: WebhookReceiver, omar: Customer, sender: Sender) -> None:
    form = send_and_get_params(receiver, omar, sender, contact=inbound.ContactCard("Amara; Diallo", ("+491511111111",)))
    assert (form["MessageType"], form["MediaContentType0"]) == ("contacts", "text/vcard")
    card = Message.objects.get().media.get().file.read().decode()
    assert "FN:Amara\\; Diallo\r\n" in card
    assert "TEL;type=CELL;type=VOICE:+491511111111\r\n" in card


def test_a_pressed_button_quotes_the_message_that_offered_it(
    receiver: WebhookReceiver, omar: Customer, sender: Sender
) -> None:
    question = inbound.receive_customer_message(omar, sender, "which colors?")
    offer = {"kind": "button", "text": "Blue", "payload": "color-blue"}
    Message.objects.filter(pk=question.pk).update(direction="outbound-api", buttons=[offer])
    form = send_and_get_params(receiver, omar, sender, button_press=inbound.ButtonPress("Blue", "color-blue"))
    assert (form["ButtonText"], form["ButtonPayload"], form["Body"]) == ("Blue", "color-blue", "Blue")
    assert (form["MessageType"], form["OriginalRepliedMessageSid"]) == ("button", question.sid)
    assert form["ButtonType"] == "REPLY"


def test_a_list_entry_and_a_quoted_reply_say_what_they_are(
    receiver: WebhookReceiver, omar: Customer, sender: Sender
) -> None:
    button_press = inbound.ButtonPress("Blue", "7", kind=ButtonKind.LIST_ITEM)
    form = send_and_get_params(receiver, omar, sender, button_press=button_press)
    assert (form["MessageType"], form["ListTitle"], form["ListId"]) == ("interactive", "Blue", "7")
    form = send_and_get_params(receiver, omar, sender, text="that one", quoted=Message.objects.get())
    assert form["OriginalRepliedMessageSender"] == omar.address
    assert (form["Forwarded"], form["FrequentlyForwarded"]) == ("false", "false")


def test_ad_and_forwarded_messages_carry_their_fields(
    receiver: WebhookReceiver, omar: Customer, sender: Sender
) -> None:
    form = send_and_get_params(
        receiver, omar, sender, text="is it still there?", ad=inbound.Ad("Lamps"), is_forwarded=True
    )
    assert (form["ReferralHeadline"], form["ReferralSourceType"], form["Forwarded"]) == ("Lamps", "ad", "true")
    assert form["ReferralCtwaClid"]


def test_unknown_parameters_are_sent(receiver: WebhookReceiver, omar: Customer, sender: Sender) -> None:
    form = send_and_get_params(receiver, omar, sender, extra={"MessageType": "hologram", "Depth": "3"})
    assert (form["MessageType"], form["Depth"]) == ("hologram", "3")


def test_webhook_is_sent_twice_under_the_duplicate_fault(
    receiver: WebhookReceiver, omar: Customer, sender: Sender
) -> None:
    inbound.set_fault(FaultKind.TWICE, customer=omar)
    send_and_get_params(receiver, omar, sender, text="hello?")
    first, second = receiver.webhooks
    assert first.form == second.form
    assert first.headers["I-Twilio-Idempotency-Token"] != second.headers["I-Twilio-Idempotency-Token"]


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ((403, "text/plain", b"no"), "The desk returned 403: no"),
        ((200, "text/plain", b"OK"), "12300: the response's Content-Type is text/plain, not text/xml."),
        ((200, "text/xml", b"\n<Response/>"), "12200: the response is not TwiML: \n<Response/>"),
        ((200, "text/xml", b"<Response/>"), ""),
        ((204, "text/plain", b""), ""),
    ],
)
def test_error_in_the_webhook_response_is_recorded(
    receiver: WebhookReceiver, omar: Customer, sender: Sender, answer: tuple[int, str, bytes], complaint: str
) -> None:
    receiver.response = answer
    send_and_get_params(receiver, omar, sender, text="hello?")
    errand = ScheduledTask.objects.get()
    assert (errand.http_status, errand.error, errand.state) == (answer[0], complaint, "done")


def test_unreachable_webhook_url_is_recorded(omar: Customer, sender: Sender) -> None:
    Sender.objects.update(callback_url="http://127.0.0.1:9/")
    sender.refresh_from_db()
    inbound.receive_customer_message(omar, sender, "hello?")
    run_due_tasks(LATER)
    assert ScheduledTask.objects.get().error == "The desk could not be reached."


def test_number_without_a_webhook_url_is_recorded(omar: Customer, sender: Sender) -> None:
    sender.callback_url = ""
    inbound.receive_customer_message(omar, sender, "hello?")
    assert run_due_tasks(LATER) == 1
    assert ScheduledTask.objects.get().error == "No webhook URL is set for this number."


def test_media_cdn_needs_no_credentials(omar: Customer, sender: Sender) -> None:
    page = inbound.Attachment("page.html", "text/html", b"<script>alert(1)</script>")
    message = inbound.receive_customer_message(omar, sender, attachments=[page])
    media = message.media.get()
    address = f"/simulator/twilio/cdn/{sender.account.sid}/{media.sid}/{media.key}"
    assert Browser().get(address, headers={"Authorization": "Basic x"}).status_code == 404
    assert Browser().get(f"{address}0").status_code == 404
    response = Browser().get(address)
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize(
    ("name", "content_type", "header"),
    [
        (
            "Rechnung März.pdf",
            "application/pdf",
            "attachment; filename=\"Rechnung M_rz.pdf\"; filename*=UTF-8''Rechnung%20M%C3%A4rz.pdf",
        ),
        ('a"b\\.csv', "text/csv", "attachment; filename=\"a_b_.csv\"; filename*=UTF-8''a%22b%5C.csv"),
        ("lamp.png", "image/png", "inline; filename=\"{sid}.png\"; filename*=UTF-8''{sid}.png"),
    ],
)
def test_media_answers_with_the_name_of_a_document(
    omar: Customer, sender: Sender, name: str, content_type: str, header: str
) -> None:
    file = inbound.Attachment(name, content_type, b"content")
    media = inbound.receive_customer_message(omar, sender, attachments=[file]).media.get()
    response = Browser().get(f"/simulator/twilio/cdn/{sender.account.sid}/{media.sid}/{media.key}")
    assert response.headers["Content-Disposition"] == header.format(sid=media.sid)
