"""Make things happen on Twilio's side: for the phone page, the demo data and tests."""

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
    """Somebody from the customer's address book."""

    name: str
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class ButtonPress:
    """A button the customer pressed: `button` on a template, `interactive` in a session, `list` for a list's entry."""

    text: str
    payload: str = ""
    kind: str = "button"


@dataclass(frozen=True)
class Ad:
    """The advertisement that brought the customer."""

    headline: str
    body: str = ""
    source_url: str = "https://fb.me/example"
    source_id: str = "120211234567890"
    click_id: str = field(default_factory=new_secret)


def set_fault(kind: FaultKind, *, customer: Customer | None = None, is_enabled: bool = True) -> None:
    """Let something go wrong for one customer, or for everybody; or let it be."""
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
    """The customer sends a message; the clock posts its webhook. `extra` adds or replaces parameters."""
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
    """The customer looks at the chat: what was delivered becomes read, unless they don't show that. How many did."""
    if not customer.sends_read_receipts:
        return 0
    delivered = Message.objects.filter(
        customer=customer, sender=sender, direction=Direction.OUTBOUND, status="delivered"
    )
    unread = list(delivered.exclude(errands__status="read").select_related("sender__account", "customer"))
    for message in unread:
        schedule_read(message, now or timezone.now())
    return len(unread)


def expire_service_window(customer: Customer) -> None:
    """A day goes by: every business may only send templates to this customer now."""
    long_ago = timezone.now() - SERVICE_WINDOW - timedelta(minutes=1)
    Chat.objects.filter(customer=customer).update(last_inbound_at=long_ago)


def _message_type(files: list[Attachment], place: SharedLocation | None, press: ButtonPress | None) -> str:
    if press:
        return "interactive" if press.kind == "list" else press.kind
    if place:
        return "location"
    if not files:
        return "text"
    if files[0].content_type == "text/vcard":
        return "contacts"
    major = files[0].content_type.partition("/")[0]
    return major if major in {"image", "audio", "video"} else "document"


def _build_button_params(press: ButtonPress | None) -> dict[str, str]:
    if press is None:
        return {}
    if press.kind == "list":
        return {"ListTitle": press.text, "ListId": press.payload}
    return {"ButtonText": press.text, "ButtonPayload": press.payload or press.text}


def _build_location_params(place: SharedLocation | None) -> dict[str, str]:
    if place is None:
        return {}
    optional = {"Label": place.label, "Address": place.address}
    shown = {name: value for name, value in optional.items() if value}
    return {"Latitude": place.latitude, "Longitude": place.longitude, **shown}


def _reply_params(quoted: Message | None) -> dict[str, str]:
    if quoted is None:
        return {}
    return {"OriginalRepliedMessageSid": quoted.sid, "OriginalRepliedMessageSender": quoted.from_address}


def _find_button_message(customer: Customer, sender: Sender, press: ButtonPress) -> Message | None:
    """The newest message that offered this button; None where the desk sent no such button."""
    offers = Message.objects.filter(customer=customer, sender=sender, direction=Direction.OUTBOUND).exclude(buttons=[])
    for message in offers.order_by("-pk")[:20]:
        if any(button["text"] == press.text for button in message.buttons):
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
    """A vCard as phones write it."""
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
        status="received",
        messaging_service_sid=sender.messaging_service_sid,
        extra=extra,
        created_at=now,
        sent_at=now,
        updated_at=now,
    )


def _save_files(message: Message, files: Sequence[Attachment], now: datetime) -> None:
    late = FaultKind.MEDIA_LATE in Fault.objects.kinds_for(message.customer)
    delay = getattr(settings, "SIMULATOR_MEDIA_DELAY_SECONDS", MEDIA_DELAY_SECONDS) if late else 0
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
    twice = FaultKind.TWICE in Fault.objects.kinds_for(message.customer)
    for later in (timedelta(), DUPLICATE_DELAY) if twice else (timedelta(),):
        ScheduledTask.objects.create(
            message=message,
            kind=TaskKind.INBOUND,
            due_at=now + later,
            url=message.sender.callback_url,
            params=inbound_params(message),
        )
