"""Send messages as a customer: for the phone page, the demo data and tests."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from channels_whatsapp.simulator.business_scoped_ids import get_address
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
class FlowAnswers:
    """The answers of a form ("flow"), by the names of its fields."""

    answers: dict[str, Any]
    token: str = "unused"  # noqa: S105 (WhatsApp sends this for a flow without a token)


@dataclass(frozen=True)
class Ad:
    """The ad that brought the customer."""

    headline: str
    body: str = ""
    source_url: str = "https://fb.me/example"
    source_id: str = "120211234567890"
    click_id: str = field(default_factory=new_secret)
    picture: Attachment | None = None


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
    flow_answers: FlowAnswers | None = None,
    quoted: Message | None = None,
    ad: Ad | None = None,
    is_forwarded: bool = False,
    is_frequently_forwarded: bool = False,
    extra: dict[str, str] | None = None,
    now: datetime | None = None,
) -> Message:
    """Create a customer's message; the scheduler posts its webhook.

    Twilio has no parameter for the name of a document: a document without text has its name as text.

    Args:
        extra: Twilio parameters to add or replace.
    """
    now = now or timezone.now()
    files = [*attachments, _build_vcard_file(contact)] if contact else list(attachments)
    message_type = _message_type(files, location, button_press, flow_answers)
    replied_to = quoted or (_find_button_message(customer, sender, button_press) if button_press else None)
    params = {
        "MessageType": message_type,
        **_build_button_params(button_press),
        **_build_flow_params(flow_answers),
        **_build_location_params(location),
        **_reply_params(replied_to),
        **_ad_params(ad),
        **_build_forwarding_params(is_forwarded, is_frequently_forwarded, is_reply=replied_to is not None),
        **(extra or {}),
    }
    if message_type == "document":
        text = text or files[0].name[:200]
    with transaction.atomic():
        message = _create_message(customer, sender, button_press.text if button_press else text, params, now)
        if quoted:
            Message.objects.filter(pk=message.pk).update(quoted=quoted)
        _save_files(message, files, now)
        if ad and ad.picture:
            _save_file(message, ad.picture, now, is_from_ad=True)
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


def _message_type(
    files: list[Attachment],
    location: SharedLocation | None,
    button_press: ButtonPress | None,
    flow_answers: FlowAnswers | None,
) -> str:
    if flow_answers:
        return "interactive"
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
    payload = button_press.payload or button_press.text
    return {"ButtonText": button_press.text, "ButtonPayload": payload, "ButtonType": "REPLY"}


def _build_flow_params(flow_answers: FlowAnswers | None) -> dict[str, str]:
    """Return the answers as WhatsApp's own JSON in FlowData, and in Twilio's wrapping in InteractiveData."""
    if flow_answers is None:
        return {}
    answers = {**flow_answers.answers, "flow_token": flow_answers.token}
    return {"FlowData": _dump_json(answers), "InteractiveData": _dump_json({"flowResponse": answers})}


def _dump_json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _build_forwarding_params(is_forwarded: bool, is_frequently_forwarded: bool, *, is_reply: bool) -> dict[str, str]:
    """Return WhatsApp's two exclusive marks; a message that is neither forwarded nor a reply has none."""
    if not (is_forwarded or is_frequently_forwarded or is_reply):
        return {}
    return {
        "Forwarded": str(is_forwarded and not is_frequently_forwarded).lower(),
        "FrequentlyForwarded": str(is_frequently_forwarded).lower(),
    }


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
        from_address=get_address(customer, sender.account),
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
        _save_file(message, file, now + timedelta(seconds=delay))
    Message.objects.filter(pk=message.pk).update(num_media=len(files))


def _save_file(message: Message, file: Attachment, available_at: datetime, *, is_from_ad: bool = False) -> None:
    media = Media(
        message=message,
        content_type=file.content_type,
        filename=file.name[:200],
        available_at=available_at,
        is_from_ad=is_from_ad,
    )
    media.file.save(media.sid, ContentFile(file.content))


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
