"""Twilio's own Python client works with the simulator."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

from channels_whatsapp.simulator import factories
from channels_whatsapp.simulator.messages import inbound
from channels_whatsapp.simulator.models import Account, Customer, Message, Sender
from channels_whatsapp.simulator.scheduler import run_due_tasks

pytestmark = pytest.mark.django_db(transaction=True)

OMAR_ADDRESS = "whatsapp:+491511234567"
PICTURE = inbound.Attachment("lamp.jpg", "image/jpeg", b"\xff\xd8\xff lamp")


def create_message(twilio: Client, sender: Sender, **fields: Any) -> Any:
    return twilio.messages.create(**{"to": OMAR_ADDRESS, "from_": sender.address, "body": "Hello", **fields})


def test_a_created_message_is_queued_and_can_be_fetched(twilio: Client, sender: Sender) -> None:
    sent = create_message(twilio, sender)
    message = twilio.messages(sent.sid).fetch()
    assert (sent.status, sent.num_media, sent.date_sent) == ("queued", "0", None)
    assert (message.body, message.to, message.from_, message.direction) == (
        "Hello",
        OMAR_ADDRESS,
        sender.address,
        "outbound-api",
    )


def test_a_list_ends_after_its_last_page(twilio: Client, sender: Sender) -> None:
    bodies = [f"number {index}" for index in range(7)]
    for body in bodies:
        create_message(twilio, sender, body=body)
    assert [message.body for message in twilio.messages.list(page_size=3)] == bodies[::-1]
    assert [message.body for message in twilio.messages.list(page_size=7)] == bodies[::-1]


def test_a_page_leads_back_to_the_one_before(twilio: Client, sender: Sender) -> None:
    for index in range(5):
        create_message(twilio, sender, body=str(index))
    first = twilio.messages.page(page_size=2)
    second = first.next_page()
    last = second.next_page()
    assert [[message.body for message in page] for page in (last, last.previous_page())] == [["0"], ["2", "1"]]
    assert [message.body for message in last.previous_page().previous_page()] == ["4", "3"]
    assert first.previous_page() is None


def test_a_list_is_filtered_by_addresses_and_by_time(twilio: Client, sender: Sender) -> None:
    create_message(twilio, sender)
    other = create_message(twilio, sender, to="whatsapp:US.13491208655302741918")
    Message.objects.filter(sid=other.sid).update(created_at=datetime(2026, 1, 2, 12, tzinfo=UTC))
    listed = twilio.messages.list
    assert [message.to for message in listed(to=OMAR_ADDRESS, from_=sender.address)] == [OMAR_ADDRESS]
    assert listed(to=OMAR_ADDRESS, from_="whatsapp:+1") == []
    assert [message.sid for message in listed(date_sent=datetime(2026, 1, 2, 12, tzinfo=UTC))] == [other.sid]
    assert [message.to for message in listed(date_sent_after=datetime.now(UTC) - timedelta(minutes=1))] == [
        OMAR_ADDRESS
    ]
    assert [message.sid for message in listed(date_sent_before=datetime(2026, 1, 2, 12, tzinfo=UTC))] == [other.sid]


def test_account_and_its_numbers_are_returned(twilio: Client, account: Account, sender: Sender) -> None:
    factories.create_sender(account, "+14155238886", "Sandbox")
    fetched_account = twilio.api.accounts(account.sid).fetch()
    assert (fetched_account.friendly_name, fetched_account.status, fetched_account.type) == (
        "Ada's shop",
        "active",
        "Full",
    )
    assert [listed_number.phone_number for listed_number in twilio.incoming_phone_numbers.list()] == ["+4930111111"]
    assert twilio.incoming_phone_numbers.list(phone_number="+1") == []


def test_senders_are_listed_with_their_webhooks_except_the_sandbox(
    twilio: Client, account: Account, sender: Sender
) -> None:
    factories.create_sender(account, "+14155238886", "Sandbox")
    senders = twilio.messaging.v2.channels_senders
    (listed_sender,) = senders.list(channel="whatsapp", page_size=1)
    assert (listed_sender.sender_id, listed_sender.status, listed_sender.webhook["callback_url"]) == (
        sender.address,
        "ONLINE",
        sender.callback_url,
    )
    assert senders(listed_sender.sid).fetch().sender_id == sender.address
    with pytest.raises(TwilioException):
        senders.list()


def test_templates_are_listed_with_their_approvals(twilio: Client, account: Account) -> None:
    types = {"twilio/text": {"body": "Hello {{1}}"}}
    content = factories.create_content(account, "greeting", types, variables={"1": "you"}, approval="rejected")
    contents = twilio.content.v1
    assert [template.types for template in contents.contents.list()] == [types]
    assert contents.content_and_approvals.list()[0].approval_requests["status"] == "rejected"
    assert contents.contents(content.sid).approval_fetch().fetch().whatsapp["status"] == "rejected"
    assert contents.contents(content.sid).fetch().friendly_name == "greeting"


def test_typing_marks_the_customers_messages_as_read(twilio: Client, sender: Sender, omar: Customer) -> None:
    message = inbound.receive_customer_message(omar, sender, "hello?")
    assert twilio.messaging.v2.typing_indicator.create(channel="whatsapp", message_id=message.sid).success
    message.refresh_from_db()
    assert message.is_read_by_business


def test_media_is_listed_and_its_bytes_are_at_the_cdn(
    twilio: Client, account: Account, sender: Sender, omar: Customer, live_server: Any
) -> None:
    message = inbound.receive_customer_message(omar, sender, attachments=[PICTURE])
    (listed,) = twilio.messages(message.sid).media.list()
    assert twilio.messages(message.sid).media(listed.sid).fetch().content_type == "image/jpeg"
    base = f"{live_server.url}/simulator/twilio"
    address = f"{base}/api/2010-04-01/Accounts/{account.sid}/Messages/{message.sid}/Media/{listed.sid}"
    assert requests.get(address, timeout=5, allow_redirects=False).status_code == 401
    response = requests.get(address, timeout=5, allow_redirects=False, auth=(account.sid, account.auth_token))
    place = response.headers["Location"].removeprefix("https://mms.twiliocdn.com")
    assert response.status_code == 307
    assert requests.get(f"{base}/cdn{place}", timeout=5).content == PICTURE.content


def test_a_file_is_fetched_before_it_is_delivered(
    twilio: Client, sender: Sender, omar: Customer, receiver: Any
) -> None:
    inbound.receive_customer_message(omar, sender, "a picture, please")
    receiver.files["/lamp.png"] = ("image/png", b"a lamp")
    sent = create_message(twilio, sender, body="", media_url=[f"{receiver.url}/lamp.png"])
    assert (sent.num_media, sent.sid[:2]) == ("1", "MM")
    for minutes in (1, 2):
        run_due_tasks(datetime.now(UTC) + timedelta(minutes=minutes))
    assert twilio.messages(sent.sid).fetch().status == "read"
    assert twilio.messages(sent.sid).media.list()[0].content_type == "image/png"
    assert Message.objects.get(sid=sent.sid).media.get().file.read() == b"a lamp"


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("", "1234"),
        ('inline; filename="lamp.png"', "lamp.png"),
        ("attachment; filename=\"K_se.png\"; filename*=UTF-8''K%C3%A4se.png", "Käse.png"),
        ("attachment; filename*=nonsense''%", "%"),
    ],
)
def test_the_phone_names_a_file_by_its_content_disposition(
    twilio: Client, sender: Sender, omar: Customer, receiver: Any, disposition: str, name: str
) -> None:
    receiver.files["/1234"] = ("image/png", b"a lamp")
    receiver.content_disposition = disposition
    sent = create_message(twilio, sender, body="", media_url=[f"{receiver.url}/1234"])
    run_due_tasks(datetime.now(UTC) + timedelta(minutes=1))
    assert Message.objects.get(sid=sent.sid).media.get().filename == name


@pytest.mark.parametrize(("path", "kind", "code"), [("/gone.png", "", 63019), ("/page.html", "text/html", 63021)])
def test_message_fails_when_its_file_cannot_be_fetched_or_sent(
    twilio: Client, sender: Sender, omar: Customer, receiver: Any, path: str, kind: str, code: int
) -> None:
    inbound.receive_customer_message(omar, sender, "a picture, please")
    receiver.files = {path: (kind, b"content")}
    sent = create_message(twilio, sender, body="", media_url=[receiver.url + path])
    for minutes in (1, 2):
        run_due_tasks(datetime.now(UTC) + timedelta(minutes=minutes))
    message = twilio.messages(sent.sid).fetch()
    assert (message.status, message.error_code) == ("failed", code)


def test_unknown_resource_returns_error_20404(twilio: Client) -> None:
    with pytest.raises(TwilioRestException) as refusal:
        twilio.messages("SM" + "0" * 32).fetch()
    assert (refusal.value.status, refusal.value.code) == (404, 20404)
