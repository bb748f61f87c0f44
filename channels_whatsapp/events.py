"""Twilio's spelling to our values. Nothing below this module knows how Twilio names a parameter.

The parameters are those of Twilio's "Webhook request" page and of payloads its users published; see the tests'
payloads for one of each kind. Whatever is not named here stays in `extra` and is stored with the message.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from channels_whatsapp import identity

Payload = Mapping[str, Sequence[str]]

MAX_MEDIA = 10
SID_LENGTH = 34
COMMON = {
    "MessageSid", "SmsSid", "SmsMessageSid", "AccountSid", "MessagingServiceSid", "From", "To", "Body", "NumMedia",
    "NumSegments", "SmsStatus", "ApiVersion", "ProfileName", "WaId", "ExternalUserId",
}  # fmt: skip


def first(payload: Payload, name: str) -> str:
    """The parameter's value; the first one where it is repeated, "" where it is missing."""
    values = payload.get(name) or [""]
    return values[0]


def is_status(payload: Payload) -> bool:
    """Whether this tells what became of a message of ours, whichever address it was posted to."""
    return bool(first(payload, "MessageStatus")) and not is_inbound(payload)


def is_inbound(payload: Payload) -> bool:
    """Whether this says of itself that it is a customer's message."""
    return first(payload, "SmsStatus") == "received"


def message_sid(payload: Payload) -> str:
    """The message's SID; "" where there is none, or one that is longer than any of Twilio's."""
    sid = first(payload, "MessageSid") or first(payload, "SmsSid") or first(payload, "SmsMessageSid")
    return sid if len(sid) <= SID_LENGTH else ""


def whatsapp_address(raw: str) -> str:
    """`whatsapp:` and what follows, "" for another channel and for nobody. A `+` that was lost is put back."""
    text = raw.strip()
    bare = text.removeprefix(identity.PREFIX).strip()
    if not text.startswith(identity.PREFIX) or not bare:
        return ""
    return identity.PREFIX + ("+" + bare if re.fullmatch(r"[0-9]{5,20}", bare) else bare)


@dataclass(frozen=True)
class MediaItem:
    """A file Twilio offers: where it can be fetched, and what Twilio says it is."""

    url: str
    content_type: str


@dataclass(frozen=True)
class InboundMessage:
    """A customer's message. `kind` is one of `conversations.models.Kind`; `content` is what that kind shows."""

    sid: str
    sender: str
    recipient: str
    messaging_service_sid: str
    external_user_id: str
    profile_name: str
    kind: str
    body: str
    media: tuple[MediaItem, ...] = ()
    content: dict[str, Any] = field(default_factory=dict)
    quoted_sid: str = ""
    opts_out: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_payload(cls, payload: Payload) -> Self:
        """Read a form as Twilio posts it; missing parameters are empty, unknown ones are kept in `extra`."""
        media = _media(payload)
        external = whatsapp_address(first(payload, "ExternalUserId"))
        sender = whatsapp_address(first(payload, "From")) or external or _from_wa_id(first(payload, "WaId"))
        content = _content(payload)
        return cls(
            sid=message_sid(payload),
            sender=sender[: identity.MAX_LENGTH],
            recipient=first(payload, "To").strip(),
            messaging_service_sid=first(payload, "MessagingServiceSid"),
            external_user_id=(external or (sender if identity.is_business_scoped(sender) else ""))[:140],
            profile_name=first(payload, "ProfileName").strip()[:200],
            kind=_kind(payload, media, content),
            body=first(payload, "Body"),
            media=media,
            content=content,
            quoted_sid=first(payload, "OriginalRepliedMessageSid"),
            opts_out=first(payload, "OptOutType").upper() == "STOP",
            extra={name: list(values) for name, values in payload.items() if name not in COMMON},
        )


def _from_wa_id(digits: str) -> str:
    return whatsapp_address(identity.PREFIX + digits) if digits.strip() else ""


def _media(payload: Payload) -> tuple[MediaItem, ...]:
    # NumMedia is not trusted: it is 0 or missing in some payloads that carry a MediaUrl0.
    found = ((first(payload, f"MediaUrl{n}"), first(payload, f"MediaContentType{n}")) for n in range(MAX_MEDIA))
    return tuple(MediaItem(url[:500], content_type[:120]) for url, content_type in found if url)


def _kind(payload: Payload, media: Sequence[MediaItem], content: Mapping[str, Any]) -> str:
    if "location" in content:
        return "location"
    if media and all(item.content_type in {"text/vcard", "text/x-vcard"} for item in media):
        return "contacts"
    if media:
        return "media"
    if "list" in content:
        return "list"
    if "button" in content:
        return "button"
    return "text" if first(payload, "Body").strip() else "unsupported"


def _content(payload: Payload) -> dict[str, Any]:
    parts = {
        "location": _location(payload),
        "list": _named(payload, title="ListTitle", payload="ListId"),
        "button": _named(payload, text="ButtonText", payload="ButtonPayload"),
        "referral": _named(
            payload,
            headline="ReferralHeadline",
            body="ReferralBody",
            url="ReferralSourceUrl",
            source="ReferralSourceType",
            source_id="ReferralSourceId",
        ),
        "forwarded": _forwarded(payload),
        "type": first(payload, "MessageType"),
    }
    return {name: part for name, part in parts.items() if part}


def _named(values: Payload, /, **names: str) -> dict[str, str]:
    found = {ours: first(values, theirs) for ours, theirs in names.items()}
    return {ours: value for ours, value in found.items() if value}


def _forwarded(payload: Payload) -> str:
    if first(payload, "FrequentlyForwarded").lower() == "true":
        return "often"
    return "once" if first(payload, "Forwarded").lower() == "true" else ""


def _location(payload: Payload) -> dict[str, Any]:
    try:
        latitude, longitude = float(first(payload, "Latitude")), float(first(payload, "Longitude"))
    except ValueError:
        return {}
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return {}
    place = _named(payload, label="Label", address="Address")
    return {"latitude": latitude, "longitude": longitude, **place}


@dataclass(frozen=True)
class StatusUpdate:
    """What became of a message of ours, as Twilio reports it; `status` is Twilio's word."""

    sid: str
    status: str
    error_code: int | None
    error_message: str

    @classmethod
    def from_payload(cls, payload: Payload) -> Self:
        """Read a status callback; an error code that is no number counts as none."""
        code = first(payload, "ErrorCode")
        return cls(
            sid=message_sid(payload),
            status=(first(payload, "MessageStatus") or first(payload, "SmsStatus")).lower(),
            error_code=int(code) if code.isascii() and code.isdigit() and len(code) < 9 and int(code) else None,
            error_message=(first(payload, "ErrorMessage") or first(payload, "ChannelStatusMessage"))[:1000],
        )
