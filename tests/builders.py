"""The people and things most tests begin with, by the names the desk knows them by."""

import itertools
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.utils import timezone
from twilio.request_validator import RequestValidator

from channels_whatsapp.identity import identity
from channels_whatsapp.models import WhatsAppAccount, WhatsAppNumber
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

TOKEN = "dd40ed7df8376b1fa959be99c45fbfce"
counter = itertools.count(1)


def sid(prefix: str = "SM") -> str:
    """A SID of Twilio's form, a new one each time."""
    return f"{prefix}{uuid.uuid4().hex}"


def user(role: str, name: str = "", **fields: Any) -> User:
    """Somebody who signs in, in the group `role`; without a role a stranger."""
    person = User.objects.create_user(
        username=name.lower() or f"person{next(counter)}", password="correct horse", first_name=name, **fields
    )
    if role:
        person.groups.add(Group.objects.get(name=role))
    return person


def agent(name: str = "", *, role: str = "Agent", queue: Queue | None = None, presence: str = "available") -> Agent:
    """Somebody who answers customers, available, and a member of `queue` where one is given."""
    shown = Presence.objects.get(base_status=BasePresence(presence), is_built_in=True)
    made = Agent.objects.create(user=user(role, name), presence=shown)
    if queue is not None:
        QueueMembership.objects.create(queue=queue, agent=made)
    return made


def queue(name: str = "Orders") -> Queue:
    return Queue.objects.create(name=name)


def work_stream(**fields: Any) -> WorkStream:
    """The work stream that is there out of the box, with `fields` changed."""
    stream = WorkStream.objects.get(name="WhatsApp channel work stream")
    for name, value in fields.items():
        setattr(stream, name, value)
    stream.save()
    return stream


def account(**fields: Any) -> WhatsAppAccount:
    values = {"name": "WhatsApp channel", "account_sid": sid("AC"), "auth_token": TOKEN, **fields}
    return WhatsAppAccount.objects.create(**values)


def number(of: WhatsAppAccount | None = None, *, digits: str = "", **fields: Any) -> WhatsAppNumber:
    values = {
        "name": "Shop",
        "account": of or account(),
        "number": digits or f"+1415523{next(counter):04d}",
        "work_stream": WorkStream.objects.get(name="WhatsApp channel work stream"),
        **fields,
    }
    return WhatsAppNumber.objects.create(**values)


def contact(name: str = "Amara Diallo", *, address: str = "", **fields: Any) -> Contact:
    where = address or f"whatsapp:+4915112{next(counter):06d}"
    return Contact.objects.create(address=where, identity=identity(where), profile_name=name, **fields)


def conversation(
    *,
    with_agent: Agent | None = None,
    on: WhatsAppNumber | None = None,
    in_queue: Queue | None = None,
    of: Contact | None = None,
    wrote: datetime | None = None,
    **fields: Any,
) -> Conversation:
    """A conversation whose customer wrote just now: active with an agent where one is given, else open."""
    at = wrote or timezone.now()
    where = on or number()
    values = {
        "number": where,
        "contact": of or contact(),
        "work_stream": where.work_stream,
        "queue": in_queue or Queue.objects.default(),
        "agent": with_agent,
        "state": State.ACTIVE if with_agent else State.OPEN,
        "last_inbound_at": at,
        "window_closes_at": at + timedelta(hours=24),
        "last_activity_at": at,
        **fields,
    }
    return Conversation.objects.create(**values)


def inbound(of: Conversation, body: str = "Hello", **fields: Any) -> Message:
    """A message from the customer, already filed."""
    values = {"kind": MessageKind.TEXT, "status": MessageStatus.RECEIVED, "twilio_sid": sid(), **fields}
    message = Message.objects.create(conversation=of, direction=MessageDirection.INBOUND, body=body, **values)
    Conversation.objects.filter(pk=of.pk).update(last_message=message)
    return message


def outbound(of: Conversation, body: str = "Hi", *, status: str = "sent", **fields: Any) -> Message:
    """A message of ours, with its SID once it has been sent."""
    values = {"status": MessageStatus(status), "twilio_sid": "" if status in {"queued", "sending"} else sid(), **fields}
    message = Message.objects.create(conversation=of, direction=MessageDirection.OUTBOUND, body=body, **values)
    Conversation.objects.filter(pk=of.pk).update(last_message=message)
    return message


def inbound_form(to: WhatsAppNumber, sender: str = "whatsapp:+4915112345678", **changed: str) -> dict[str, str]:
    """What Twilio posts for a text message; with `changed` parameters, those that are None left out."""
    message = sid()
    form = {
        "MessageSid": message,
        "SmsSid": message,
        "SmsMessageSid": message,
        "AccountSid": to.account.account_sid,
        "From": sender,
        "To": to.address,
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


def signature(url: str, form: Any, token: str = TOKEN) -> str:
    """What Twilio would send as X-Twilio-Signature."""
    signed: str = RequestValidator(token).compute_signature(url, form)
    return signed
