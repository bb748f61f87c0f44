"""Parse Twilio's webhooks. No other module of the desk knows how Twilio names a parameter.

The parameters are those of Twilio's "Webhook request" page and of payloads its users published; the tests have a
payload of each kind. Unknown parameters stay in `extra` and are stored with the message.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from channels_whatsapp import identity
from channels_whatsapp.file_names import clean_file_name, is_name_of_document
from channels_whatsapp.form_answers import format_answers
from channels_whatsapp.text_cleaning import has_visible_text
from omnichannel.core.text.single_line import single_line

Payload = Mapping[str, Sequence[str]]

MAX_MEDIA = 10
MAX_USERNAME_LENGTH = 100
SID_LENGTH = 34
COMMON_PARAMETERS = {
    "MessageSid", "SmsSid", "SmsMessageSid", "AccountSid", "MessagingServiceSid", "From", "To", "Body", "NumMedia",
    "NumSegments", "SmsStatus", "ApiVersion", "ProfileName", "WaId", "ExternalUserId", "ParentExternalUserId",
    "ProfileUsername", "Username",
}  # fmt: skip


def get_first_value(payload: Payload, name: str) -> str:
    """Return the parameter's value, the first if it is repeated; "" if it is missing."""
    values = payload.get(name) or [""]
    return values[0]


def is_status_callback(payload: Payload) -> bool:
    """Return whether this reports the status of an outbound message, whichever URL it was posted to."""
    return bool(get_first_value(payload, "MessageStatus")) and not is_inbound_message(payload)


def is_inbound_message(payload: Payload) -> bool:
    """Return whether this is marked as a customer's message."""
    return get_first_value(payload, "SmsStatus") == "received"


def message_sid(payload: Payload) -> str:
    """Return the message's SID; "" if it is missing, or longer than any of Twilio's."""
    sid = (
        get_first_value(payload, "MessageSid")
        or get_first_value(payload, "SmsSid")
        or get_first_value(payload, "SmsMessageSid")
    )
    return sid if len(sid) <= SID_LENGTH else ""


def is_from_account(payload: Payload, account_sid: str) -> bool:
    """Return whether this account sent the form; a form that names no account counts as its.

    Twilio signs a subaccount's webhooks with the subaccount's own token and names the subaccount.
    """
    sender = get_first_value(payload, "AccountSid").strip()
    return not sender or sender.lower() == account_sid.lower()


def normalize_whatsapp_address(raw: str) -> str:
    """Return the `whatsapp:` address with a lost `+` restored; "" for another channel or an empty address."""
    text = raw.strip()
    bare = text.removeprefix(identity.WHATSAPP_PREFIX).strip()
    if not text.startswith(identity.WHATSAPP_PREFIX) or not bare:
        return ""
    return identity.WHATSAPP_PREFIX + ("+" + bare if re.fullmatch(r"[0-9]{5,20}", bare) else bare)


@dataclass(frozen=True)
class MediaItem:
    """A file Twilio offers: its URL, the content type Twilio reports, and the name of a document."""

    url: str
    content_type: str
    name: str = ""


@dataclass(frozen=True)
class InboundMessage:
    """A customer's message. `kind` is one of `conversations.models.MessageKind`; `content` depends on it.

    Attributes:
        sender: the customer's address: a number if Twilio reports one, otherwise the business-scoped id.
        business_scoped_id: the customer's id for the portfolio of this account, without `whatsapp:`.
        parent_business_scoped_id: the customer's id for several linked portfolios, without `whatsapp:`.
    """

    sid: str
    sender: str
    recipient: str
    messaging_service_sid: str
    business_scoped_id: str
    parent_business_scoped_id: str
    profile_name: str
    username: str
    kind: str
    body: str
    media: tuple[MediaItem, ...] = ()
    content: dict[str, Any] = field(default_factory=dict)
    quoted_sid: str = ""
    is_opt_out: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_payload(cls, payload: Payload) -> Self:
        """Read a form as Twilio posts it; missing parameters are empty, unknown ones are kept in `extra`."""
        content = _parse_content(payload)
        body, media = _parse_body_and_media(payload, content)
        sender, business_scoped_id = _parse_sender(payload)
        return cls(
            sid=message_sid(payload),
            sender=sender,
            recipient=get_first_value(payload, "To").strip(),
            messaging_service_sid=get_first_value(payload, "MessagingServiceSid"),
            business_scoped_id=business_scoped_id,
            parent_business_scoped_id=identity.parse_business_scoped_id(
                get_first_value(payload, "ParentExternalUserId")
            ),
            profile_name=single_line(get_first_value(payload, "ProfileName"))[:200],
            username=_parse_username(payload),
            kind=_detect_message_kind(body, media, content),
            body=body,
            media=media,
            content=content,
            quoted_sid=get_first_value(payload, "OriginalRepliedMessageSid"),
            is_opt_out=get_first_value(payload, "OptOutType").upper() == "STOP",
            extra={name: list(values) for name, values in payload.items() if name not in COMMON_PARAMETERS},
        )


def _parse_sender(payload: Payload) -> tuple[str, str]:
    """Return the sender's address and business-scoped id, each "" if it is missing.

    Twilio puts the id in the place of a number that the customer hides. Only an id in the documented form counts:
    any other text, such as "unknown", may stand for many customers.
    """
    sender = normalize_whatsapp_address(get_first_value(payload, "From"))[: identity.MAX_ADDRESS_LENGTH]
    wa_id = get_first_value(payload, "WaId").strip()
    candidates = (get_first_value(payload, "ExternalUserId"), sender, wa_id)
    business_scoped_id = next(filter(None, map(identity.parse_business_scoped_id, candidates)), "")
    if sender.startswith(identity.WHATSAPP_PREFIX + "+"):
        return sender, business_scoped_id
    if business_scoped_id:
        return identity.WHATSAPP_PREFIX + business_scoped_id, business_scoped_id
    has_number = re.fullmatch(r"[0-9]{5,20}", wa_id)
    return normalize_whatsapp_address(identity.WHATSAPP_PREFIX + wa_id) if has_number else sender, ""


def _parse_username(payload: Payload) -> str:
    name = get_first_value(payload, "ProfileUsername") or get_first_value(payload, "Username")
    return "".join(name.split()).removeprefix("@")[:MAX_USERNAME_LENGTH]


def _parse_body_and_media(payload: Payload, content: Mapping[str, Any]) -> tuple[str, tuple[MediaItem, ...]]:
    """Return text and files; the name of a document is no text, and the answers of a form are."""
    body, media = get_first_value(payload, "Body"), _parse_media(payload)
    if len(media) == 1 and is_name_of_document(body, media[0].content_type):
        return "", (replace(media[0], name=clean_file_name(body)),)
    answers = "" if {"button", "list"} & set(content) else _parse_form_answers(payload)
    return ("\n".join(filter(None, [body.strip(), answers])) if answers else body), media


def _parse_media(payload: Payload) -> tuple[MediaItem, ...]:
    # NumMedia is not reliable: it is 0 or missing in some payloads that carry a MediaUrl0.
    media = (
        (get_first_value(payload, f"MediaUrl{n}"), get_first_value(payload, f"MediaContentType{n}"))
        for n in range(MAX_MEDIA)
    )
    return tuple(MediaItem(url[:500], content_type[:120]) for url, content_type in media if url)


def _detect_message_kind(body: str, media: Sequence[MediaItem], content: Mapping[str, Any]) -> str:
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
    return "text" if has_visible_text(body) else "unsupported"


def _parse_form_answers(payload: Payload) -> str:
    """Return the answers of a form as lines of text; the same answers may be in both parameters."""
    values = (get_first_value(payload, name) for name in ("InteractiveData", "FlowData"))
    return "\n".join(dict.fromkeys(filter(None, map(format_answers, values))))


def _parse_content(payload: Payload) -> dict[str, Any]:
    parts = {
        "location": _parse_location(payload),
        "list": _pick_parameters(payload, title="ListTitle", payload="ListId"),
        "button": _pick_parameters(payload, text="ButtonText", payload="ButtonPayload"),
        "referral": _pick_parameters(
            payload,
            headline="ReferralHeadline",
            body="ReferralBody",
            url="ReferralSourceUrl",
            source="ReferralSourceType",
            source_id="ReferralSourceId",
        ),
        "forwarded": _parse_forwarded(payload),
        "type": get_first_value(payload, "MessageType"),
    }
    return {name: part for name, part in parts.items() if part}


def _pick_parameters(payload: Payload, /, **parameters: str) -> dict[str, str]:
    picked = {name: get_first_value(payload, parameter) for name, parameter in parameters.items()}
    return {name: value for name, value in picked.items() if value}


def _parse_forwarded(payload: Payload) -> str:
    if get_first_value(payload, "FrequentlyForwarded").lower() == "true":
        return "often"
    return "once" if get_first_value(payload, "Forwarded").lower() == "true" else ""


def _parse_location(payload: Payload) -> dict[str, Any]:
    try:
        latitude, longitude = float(get_first_value(payload, "Latitude")), float(get_first_value(payload, "Longitude"))
    except ValueError:
        return {}
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return {}
    place = _pick_parameters(payload, label="Label", address="Address")
    return {"latitude": latitude, "longitude": longitude, **place}


@dataclass(frozen=True)
class StatusUpdate:
    """The status of an outbound message as Twilio reports it, in Twilio's spelling."""

    sid: str
    status: str
    error_code: int | None
    error_message: str

    @classmethod
    def from_payload(cls, payload: Payload) -> Self:
        """Read a status callback; an error code that is not a number counts as none."""
        code = get_first_value(payload, "ErrorCode")
        return cls(
            sid=message_sid(payload),
            status=(get_first_value(payload, "MessageStatus") or get_first_value(payload, "SmsStatus")).lower(),
            error_code=int(code) if code.isascii() and code.isdigit() and len(code) < 9 and int(code) else None,
            error_message=(
                get_first_value(payload, "ErrorMessage") or get_first_value(payload, "ChannelStatusMessage")
            )[:1000],
        )
