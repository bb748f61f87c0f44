"""Demonstration data: a small shop, its simulated Twilio account, and customers who have written.

Customers' messages take the same path as Twilio's: some are delivered while seeding, the simulator posts the rest when
the server starts.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from channels_whatsapp.models import DeliveryState, WebhookDelivery, WebhookKind, WhatsAppAccount, WhatsAppNumber
from channels_whatsapp.simulator import factories
from channels_whatsapp.simulator.console.sample_templates import create_samples
from channels_whatsapp.simulator.messages import inbound
from channels_whatsapp.simulator.models import Account, Customer, Sender, TaskState
from channels_whatsapp.simulator.models import Message as SimulatedMessage
from channels_whatsapp.webhooks.deliveries import clean_payload, compute_fingerprint
from omnichannel.conversations.assignment import pick
from omnichannel.conversations.inbound.apply import apply_delivery
from omnichannel.conversations.lifecycle import close
from omnichannel.conversations.models import AutomatedMessage, Conversation, Message, MessageTrigger
from omnichannel.conversations.outbound.compose import send_reply
from omnichannel.conversations.outbound.read_status import mark_read
from omnichannel.demo.labels import create_labels_and_codes, label_history
from omnichannel.demo.quick_replies import create_quick_replies
from omnichannel.demo.users import create_custom_fields, create_returns_work_stream, create_users
from routing.models import Agent, WorkStream

FILES_DIR = Path(__file__).parent / "files"
AUTOMATED_MESSAGES = [
    (MessageTrigger.GREETING, "", "Hello, and thanks for writing to Lumen Lamps. Somebody will be with you soon."),
    (MessageTrigger.GREETING, "de", "Hallo und danke für die Nachricht an Lumen Lamps. Wir melden uns gleich."),
    (MessageTrigger.OUT_OF_HOURS, "", "Thanks for writing to Lumen Lamps. We are closed now and open again {OpensAt}."),
    (MessageTrigger.OUT_OF_HOURS, "de", "Danke für die Nachricht an Lumen Lamps. Gerade ist zu; wir öffnen {OpensAt}."),
]


def is_database_empty() -> bool:
    """Return whether no WhatsApp account has been set up."""
    return not WhatsAppAccount.objects.exists()


@transaction.atomic
def seed_database() -> None:
    """Fill an empty database, in one transaction."""
    agents = create_users()
    _create_automated_messages()
    create_labels_and_codes()
    returns_stream = create_returns_work_stream(agents)
    create_custom_fields()
    create_quick_replies(returns_stream, agents["dana"])
    shop, returns = _create_channel(returns_stream)
    _create_history(shop, agents)
    label_history()
    _queue_new_messages(shop, returns)


def _create_automated_messages() -> None:
    """Create automated messages for any language and for German."""
    for trigger, language, text in AUTOMATED_MESSAGES:
        AutomatedMessage.objects.create(trigger=trigger, language=language, text=text)


def _create_channel(returns_stream: WorkStream) -> tuple[Sender, Sender]:
    twilio = factories.create_account("Lumen Lamps")
    create_samples(twilio)
    account = WhatsAppAccount.objects.create(
        name="WhatsApp channel",
        account_sid=twilio.sid,
        auth_token=twilio.auth_token,
        auth_token_set_at=timezone.now(),
    )
    stream = WorkStream.objects.get(name="WhatsApp channel work stream")
    shop = _create_number(account, twilio, "Lumen Lamps", "+12025550143", stream)
    returns = _create_number(account, twilio, "Lumen Lamps Returns", "+12025550177", returns_stream)
    return shop, returns


def _create_number(account: WhatsAppAccount, twilio: Account, name: str, number: str, stream: WorkStream) -> Sender:
    WhatsAppNumber.objects.create(name=name, account=account, number=number, work_stream=stream)
    return factories.create_sender(twilio, number, name, account.inbound_url, account.status_url)


def _create_history(shop: Sender, agents: dict[str, Agent]) -> None:
    now = timezone.now()
    tomas = factories.create_customer("Tomás Becker", "+4917139200014")
    first = _receive_past_message(
        tomas, shop, now - timedelta(hours=3), "Hi! Do you have the Orla floor lamp in brass?"
    )
    conversation = _pick_conversation(first, agents["omar"])
    mark_read(conversation, agents["omar"].user)
    send_reply(conversation, author=agents["omar"].user, text="We do: 129 €, and it ships today.")
    close.end_conversation(conversation, agents["omar"])
    close.close_conversation(conversation, agents["omar"])

    amara = factories.create_customer("Amara Diallo", "+4917139200021", username="amara.diallo")
    _receive_past_message(
        amara, shop, now - timedelta(minutes=14), "Hi! I ordered lamp 2231 last week, it arrived broken"
    )
    picture = inbound.Attachment("lamp.png", "image/png", (FILES_DIR / "broken-lamp.png").read_bytes())
    last = _receive_past_message(amara, shop, now - timedelta(minutes=12), "Look", attachments=[picture])
    conversation = _pick_conversation(last, agents["dana"])
    mark_read(conversation, agents["dana"].user)
    send_reply(
        conversation,
        author=agents["dana"].user,
        text="So sorry, Amara. I can send a new one today. Which color would you like?",
    )

    jonas = factories.create_customer("Jonas Weber", "+4917139200035")
    closing_soon = _receive_past_message(
        jonas, shop, now - timedelta(hours=23, minutes=13), "Could I get an invoice for order 2190?"
    )
    _pick_conversation(closing_soon, agents["dana"])

    mei = factories.create_customer("Mei Tanaka", "+447700900118", username="mei.tanaka")
    _receive_past_message(mei, shop, now - timedelta(hours=30), "Is the store in Camden open on Sundays?")


def _queue_new_messages(shop: Sender, returns: Sender) -> None:
    """Queue messages that the simulator posts as soon as the server runs."""
    amara = Customer.objects.get(name="Amara Diallo")
    inbound.receive_customer_message(amara, shop, "The blue one, please. Can it come on Friday?")
    anonymous = factories.create_customer("", "US.13491208655302741918", username="nora_writes")
    inbound.receive_customer_message(anonymous, shop, "Do you deliver to Canada?")
    layla = factories.create_customer("ليلى حسن", "+447700900142")
    inbound.receive_customer_message(layla, shop, "مرحبا، متى يصل طلبي؟")
    pedro = factories.create_customer("Pedro Almeida", "+5511998765432")
    location = inbound.SharedLocation("52.5200", "13.4050", "Hauptstraße 12", "10178 Berlin")
    inbound.receive_customer_message(pedro, returns, location=location)
    inbound.receive_customer_message(pedro, returns, "Can you pick the parcel up here?")


def _receive_past_message(
    customer: Customer,
    sender: Sender,
    at: datetime,
    text: str,
    attachments: Iterable[inbound.Attachment] = (),
) -> Message:
    """Deliver a customer's message as Twilio would have, at a time in the past."""
    sent = inbound.receive_customer_message(customer, sender, text, attachments=list(attachments), now=at)
    delivery = _build_delivery(sent, at)
    delivery.save()
    apply_delivery(delivery)
    sent.tasks.update(state=TaskState.DONE, http_status=200)
    message = Message.objects.get(twilio_sid=sent.sid)
    Conversation.objects.filter(pk=message.conversation_id).update(last_activity_at=at)
    return message


def _build_delivery(sent: SimulatedMessage, at: datetime) -> WebhookDelivery:
    task = sent.tasks.get()
    account = WhatsAppAccount.objects.get(account_sid=sent.sender.account.sid)
    payload = clean_payload({name: [value] for name, value in task.params.items()})
    return WebhookDelivery(
        account=account,
        kind=WebhookKind.INBOUND,
        fingerprint=compute_fingerprint(account, payload),
        payload=payload,
        received_at=at,
        state=DeliveryState.APPLIED,
        attempts=1,
    )


def _pick_conversation(message: Message, agent: Agent) -> Conversation:
    conversation = Conversation.objects.get(pk=message.conversation_id)
    pick.take_conversation(conversation, agent)
    return conversation
