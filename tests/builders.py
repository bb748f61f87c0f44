"""Functions that create the records most tests need."""

import itertools
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.utils import timezone
from twilio.request_validator import RequestValidator

from channels_whatsapp.identity import get_number_identity
from channels_whatsapp.models import DeliveryState, WebhookDelivery, WebhookKind, WhatsAppAccount, WhatsAppNumber
from omnichannel.accounts.models import User
from omnichannel.conversations.models import (
    Contact,
    Conversation,
    Message,
    MessageDirection,
    MessageKind,
    MessageStatus,
)
from routing.models import Agent, BasePresence, Presence, Queue, QueueMembership, State, WorkStream

AUTH_TOKEN = "dd40ed7df8376b1fa959be99c45fbfce"
sequence = itertools.count(1)


def new_sid(prefix: str = "SM") -> str:
    """Return a new SID in Twilio's format."""
    return f"{prefix}{uuid.uuid4().hex}"


def create_user(role: str, name: str = "", **fields: Any) -> User:
    """Create a user in the group `role`, or a user without a role for ""."""
    user = User.objects.create_user(
        username=name.lower() or f"person{next(sequence)}", password="correct horse", first_name=name, **fields
    )
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def create_agent(
    name: str = "", *, role: str = "Agent", queue: Queue | None = None, presence: str = "available"
) -> Agent:
    """Create an agent, who is available by default, as a member of `queue` if given."""
    presence_row = Presence.objects.get(base_status=BasePresence(presence), is_built_in=True)
    agent = Agent.objects.create(user=create_user(role, name), presence=presence_row)
    if queue is not None:
        QueueMembership.objects.create(queue=queue, agent=agent)
    return agent


def create_queue(name: str = "Orders") -> Queue:
    return Queue.objects.create(name=name)


def update_work_stream(**fields: Any) -> WorkStream:
    """Set `fields` of the built-in work stream and return it."""
    stream = WorkStream.objects.get(name="WhatsApp channel work stream")
    for name, value in fields.items():
        setattr(stream, name, value)
    stream.save()
    return stream


def create_account(**fields: Any) -> WhatsAppAccount:
    values = {"name": "WhatsApp channel", "account_sid": new_sid("AC"), "auth_token": AUTH_TOKEN, **fields}
    return WhatsAppAccount.objects.create(**values)


def create_delivery(account: WhatsAppAccount, **fields: Any) -> WebhookDelivery:
    values = {
        "kind": WebhookKind.INBOUND,
        "fingerprint": f"delivery-{next(sequence)}",
        "payload": {},
        "state": DeliveryState.APPLIED,
        "attempts": 1,
        **fields,
    }
    return WebhookDelivery.objects.create(account=account, **values)


def create_number(account: WhatsAppAccount | None = None, *, number: str = "", **fields: Any) -> WhatsAppNumber:
    values = {
        "name": "Shop",
        "account": account or create_account(),
        "number": number or f"+1415523{next(sequence):04d}",
        "work_stream": WorkStream.objects.get(name="WhatsApp channel work stream"),
        **fields,
    }
    return WhatsAppNumber.objects.create(**values)


def create_contact(
    name: str = "Amara Diallo",
    *,
    address: str = "",
    account: WhatsAppAccount | None = None,
    business_scoped_id: str = "",
    **fields: Any,
) -> Contact:
    """Create a contact, with a business-scoped id for an account if given."""
    sender_address = address or f"whatsapp:+4915112{next(sequence):06d}"
    contact = Contact.objects.create(
        address=sender_address, identity=get_number_identity(sender_address), profile_name=name, **fields
    )
    if account is not None:
        contact.business_scoped_ids.create(account=account, business_scoped_id=business_scoped_id)
    return contact


def create_conversation(
    *,
    agent: Agent | None = None,
    number: WhatsAppNumber | None = None,
    queue: Queue | None = None,
    contact: Contact | None = None,
    last_inbound_at: datetime | None = None,
    **fields: Any,
) -> Conversation:
    """Create a conversation whose customer wrote just now.

    Args:
        agent: The assigned agent; with one the state is active, otherwise open, unless `fields` contains a state.
        last_inbound_at: Time of the customer's last message; the window closes 24 hours later.
        fields: Other fields of the conversation.
    """
    inbound_at = last_inbound_at or timezone.now()
    whatsapp_number = number or create_number()
    values = {
        "number": whatsapp_number,
        "contact": contact or create_contact(),
        "work_stream": whatsapp_number.work_stream,
        "queue": queue or Queue.objects.get_default(),
        "agent": agent,
        "state": State.ACTIVE if agent else State.OPEN,
        "last_inbound_at": inbound_at,
        "window_closes_at": inbound_at + timedelta(hours=24),
        "last_activity_at": inbound_at,
        **fields,
    }
    return Conversation.objects.create(**values)


def create_inbound_message(conversation: Conversation, body: str = "Hello", **fields: Any) -> Message:
    """Create a received message and make it the conversation's last one."""
    values = {"kind": MessageKind.TEXT, "status": MessageStatus.RECEIVED, "twilio_sid": new_sid(), **fields}
    message = Message.objects.create(conversation=conversation, direction=MessageDirection.INBOUND, body=body, **values)
    Conversation.objects.filter(pk=conversation.pk).update(last_message=message)
    return message


def create_outbound_message(
    conversation: Conversation, body: str = "Hi", *, status: str = "sent", **fields: Any
) -> Message:
    """Create an outbound message, with a SID unless it is queued or sending."""
    values = {
        "status": MessageStatus(status),
        "twilio_sid": "" if status in {"queued", "sending"} else new_sid(),
        **fields,
    }
    message = Message.objects.create(
        conversation=conversation, direction=MessageDirection.OUTBOUND, body=body, **values
    )
    Conversation.objects.filter(pk=conversation.pk).update(last_message=message)
    return message


def build_inbound_form(
    number: WhatsAppNumber, sender: str = "whatsapp:+4915112345678", **changed: str | None
) -> dict[str, str]:
    """Return the form that Twilio posts for a text message, without the parameters that `changed` sets to None."""
    message = new_sid()
    form: dict[str, str | None] = {
        "MessageSid": message,
        "SmsSid": message,
        "SmsMessageSid": message,
        "AccountSid": number.account.account_sid,
        "From": sender,
        "To": number.address,
        "Body": "Hello",
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
        "ProfileName": "Amara Diallo",
        "WaId": sender.removeprefix("whatsapp:+"),
        **changed,
    }
    return {name: value for name, value in form.items() if value is not None}


def compute_signature(url: str, form: Any, token: str = AUTH_TOKEN) -> str:
    """Return the value of the header X-Twilio-Signature for this URL and form."""
    signed: str = RequestValidator(token).compute_signature(url, form)
    return signed
