"""Send messages as a customer: for the phone page, the demo data and tests."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from channels_whatsapp.simulator.messages.outbound import DUPLICATE_DELAY, schedule_read
from channels_whatsapp.simulator.models import (
    SERVICE_WINDOW,
    Chat,
    Customer,
    Direction,
    Fault,
    FaultKind,
    Media,
    Message,
    ScheduledTask,
    Sender,
    TaskKind,
    new_secret,
    new_sid,
)
from channels_whatsapp.simulator.statuses import ButtonKind, MessageStatus
from channels_whatsapp.simulator.webhooks import inbound_params

MEDIA_DELAY_SECONDS = 5.0


@dataclass(frozen=True)
class Attachment:
    """A file on the customer's phone."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class SharedLocation:
    """A location the customer shares."""

    latitude: str
    longitude: str
    label: str = ""
    address: str = ""


@dataclass(frozen=True)
class ContactCard:
    """A contact from the customer's address book."""

    name: str
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class ButtonPress:
    """A button the customer pressed."""

    text: str
    payload: str = ""
    kind: ButtonKind = ButtonKind.TEMPLATE


@dataclass(frozen=True)
class Ad:
    """The ad that brought the customer."""

    headline: str
    body: str = ""
    source_url: str = "https://fb.me/example"
    source_id: str = "120211234567890"
    click_id: str = field(default_factory=new_secret)


def set_fault(kind: FaultKind, *, customer: Customer | None = None, is_enabled: bool = True) -> None:
    """Switch a fault on or off, for one customer or for all."""
    if is_enabled:
        Fault.objects.get_or_create(kind=kind, customer=customer)
    else:
        Fault.objects.filter(kind=kind, customer=customer).delete()


def receive_customer_message(
    customer: Customer,
    sender: Sender,
    text: str = "",
    *,
    attachments: Sequence[Attachment] = (),
    location: SharedLocation | None = None,
    contact: ContactCard | None = None,
    button_press: ButtonPress | None = None,
    quoted: Message | None = None,
    ad: Ad | None = None,
    is_forwarded: bool = False,
    extra: dict[str, str] | None = None,
    now: datetime | None = None,
) -> Message:
    """Create a customer's message; the scheduler posts its webhook.

    Args:
        extra: Twilio parameters to add or replace.
    """
    now = now or timezone.now()
    files = [*attachments, _build_vcard_file(contact)] if contact else list(attachments)
    params = {
        "MessageType": _message_type(files, location, button_press),
        **_build_button_params(button_press),
        **_build_location_params(location),
        **_reply_params(quoted or (_find_button_message(customer, sender, button_press) if button_press else None)),
        **_ad_params(ad),
        "Forwarded": str(is_forwarded).lower(),
        "FrequentlyForwarded": "false",
        **(extra or {}),
    }
    with transaction.atomic():
        message = _create_message(customer, sender, button_press.text if button_press else text, params, now)
        if quoted:
            Message.objects.filter(pk=message.pk).update(quoted=quoted)
        _save_files(message, files, now)
        Chat.objects.update_or_create(customer=customer, sender=sender, defaults={"last_inbound_at": now})
        _schedule_webhook(message, now)
    return message


def mark_chat_read(customer: Customer, sender: Sender, now: datetime | None = None) -> int:
    """Mark delivered messages as read, unless the customer hides read receipts; return how many."""
    if not customer.sends_read_receipts:
        return 0
    delivered = Message.objects.filter(
        customer=customer, sender=sender, direction=Direction.OUTBOUND, status=MessageStatus.DELIVERED
    )
    unread = list(delivered.exclude(tasks__status=MessageStatus.READ).select_related("sender__account", "customer"))
    for message in unread:
        schedule_read(message, now or timezone.now())
    return len(unread)


def expire_service_window(customer: Customer) -> None:
    """End the customer's 24-hour windows: businesses may only send templates to them now."""
    expired_at = timezone.now() - SERVICE_WINDOW - timedelta(minutes=1)
    Chat.objects.filter(customer=customer).update(last_inbound_at=expired_at)


def _message_type(files: list[Attachment], location: SharedLocation | None, button_press: ButtonPress | None) -> str:
    if button_press:
        return ButtonKind.SESSION if button_press.kind == ButtonKind.LIST_ITEM else button_press.kind
    if location:
        return "location"
    if not files:
        return "text"
    if files[0].content_type == "text/vcard":
        return "contacts"
    media_type = files[0].content_type.partition("/")[0]
    return media_type if media_type in {"image", "audio", "video"} else "document"


def _build_button_params(button_press: ButtonPress | None) -> dict[str, str]:
    if button_press is None:
        return {}
    if button_press.kind == ButtonKind.LIST_ITEM:
        return {"ListTitle": button_press.text, "ListId": button_press.payload}
    return {"ButtonText": button_press.text, "ButtonPayload": button_press.payload or button_press.text}


def _build_location_params(location: SharedLocation | None) -> dict[str, str]:
    if location is None:
        return {}
    optional = {"Label": location.label, "Address": location.address}
    labels = {name: value for name, value in optional.items() if value}
    return {"Latitude": location.latitude, "Longitude": location.longitude, **labels}


def _reply_params(quoted: Message | None) -> dict[str, str]:
    if quoted is None:
        return {}
    return {"OriginalRepliedMessageSid": quoted.sid, "OriginalRepliedMessageSender": quoted.from_address}


def _find_button_message(customer: Customer, sender: Sender, button_press: ButtonPress) -> Message | None:
    """Return the latest message that offered this button; None if there is none."""
    messages = Message.objects.filter(customer=customer, sender=sender, direction=Direction.OUTBOUND).exclude(
        buttons=[]
    )
    for message in messages.order_by("-pk")[:20]:
        if any(button["text"] == button_press.text for button in message.buttons):
            return message
    return None


def _ad_params(ad: Ad | None) -> dict[str, str]:
    if ad is None:
        return {}
    return {
        "ReferralHeadline": ad.headline,
        "ReferralBody": ad.body,
        "ReferralSourceType": "ad",
        "ReferralSourceUrl": ad.source_url,
        "ReferralSourceId": ad.source_id,
        "ReferralCtwaClid": ad.click_id,
    }


def _build_vcard_file(contact: ContactCard) -> Attachment:
    """Return the contact as a vCard, written as phones do."""
    name = _escape_vcard(contact.name)
    numbers = [f"TEL;type=CELL;type=VOICE:{_escape_vcard(number)}" for number in contact.numbers]
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"N:;{name};;;", f"FN:{name}", *numbers, "END:VCARD", ""]
    return Attachment(f"{contact.name[:100]}.vcf", "text/vcard", "\r\n".join(lines).encode())


def _escape_vcard(text: str) -> str:
    return re.sub(r"([\\,;])", r"\\\1", text.replace("\r", "").replace("\n", " "))


def _create_message(customer: Customer, sender: Sender, body: str, extra: dict[str, str], now: datetime) -> Message:
    return Message.objects.create(
        account=sender.account,
        sender=sender,
        customer=customer,
        sid=new_sid("SM" if extra["MessageType"] in {"text", "button", "interactive"} else "MM"),
        direction=Direction.INBOUND,
        from_address=customer.address,
        to_address=sender.address,
        body=body,
        status=MessageStatus.RECEIVED,
        messaging_service_sid=sender.messaging_service_sid,
        extra=extra,
        created_at=now,
        sent_at=now,
        updated_at=now,
    )


def _save_files(message: Message, files: Sequence[Attachment], now: datetime) -> None:
    is_late = FaultKind.MEDIA_LATE in Fault.objects.kinds_for(message.customer)
    delay = getattr(settings, "SIMULATOR_MEDIA_DELAY_SECONDS", MEDIA_DELAY_SECONDS) if is_late else 0
    for file in files:
        media = Media(
            message=message,
            content_type=file.content_type,
            filename=file.name[:200],
            available_at=now + timedelta(seconds=delay),
        )
        media.file.save(media.sid, ContentFile(file.content))
    Message.objects.filter(pk=message.pk).update(num_media=len(files))


def _schedule_webhook(message: Message, now: datetime) -> None:
    is_sent_twice = FaultKind.TWICE in Fault.objects.kinds_for(message.customer)
    for delay in (timedelta(), DUPLICATE_DELAY) if is_sent_twice else (timedelta(),):
        ScheduledTask.objects.create(
            message=message,
            kind=TaskKind.INBOUND,
            due_at=now + delay,
            url=message.sender.callback_url,
            params=inbound_params(message),
        )
