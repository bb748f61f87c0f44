"""Serialize resources as Twilio's JSON."""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from channels_whatsapp.simulator.models import Account, Content, Media, Message, Sender

API_VERSION = "2010-04-01"
API_HOST = "https://api.twilio.com"
MESSAGING_HOST = "https://messaging.twilio.com"
CONTENT_HOST = "https://content.twilio.com"
CDN_HOST = "https://mms.twiliocdn.com"

SUBRESOURCES = {
    "messages": "Messages",
    "incoming_phone_numbers": "IncomingPhoneNumbers",
    "available_phone_numbers": "AvailablePhoneNumbers",
    "balance": "Balance",
    "keys": "Keys",
    "usage": "Usage",
}


def format_rfc2822(time: datetime | None) -> str | None:
    """Format a time as the 2010 API does; None stays None."""
    return format_datetime(time.astimezone(UTC)) if time else None


def format_iso(time: datetime) -> str:
    """Format a time as the newer APIs do."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def account_path(account: Account) -> str:
    """Return the account's path in the 2010 API, without a host."""
    return f"/{API_VERSION}/Accounts/{account.sid}"


def message_path(message: Message) -> str:
    """Return the message's path in the 2010 API, without a host."""
    return f"{account_path(message.account)}/Messages/{message.sid}"


def serialize_account(account: Account) -> dict[str, Any]:
    """Serialize an account; like Twilio's, the JSON contains the token."""
    path = account_path(account)
    return {
        "sid": account.sid,
        "auth_token": account.auth_token,
        "friendly_name": account.friendly_name,
        "owner_account_sid": account.sid,
        "status": account.status,
        "type": account.type,
        "date_created": format_rfc2822(account.created_at),
        "date_updated": format_rfc2822(account.created_at),
        "subresource_uris": {name: f"{path}/{file}.json" for name, file in SUBRESOURCES.items()},
        "uri": f"{path}.json",
    }


def serialize_message(message: Message) -> dict[str, Any]:
    """Serialize a message. Counts are strings; an unknown date or code is null."""
    path = message_path(message)
    return {
        "sid": message.sid,
        "account_sid": message.account.sid,
        "api_version": API_VERSION,
        "body": message.body,
        "date_created": format_rfc2822(message.created_at),
        "date_sent": format_rfc2822(message.sent_at),
        "date_updated": format_rfc2822(message.updated_at),
        "direction": message.direction,
        "error_code": message.error_code,
        "error_message": message.error_message or None,
        "from": message.from_address,
        "to": message.to_address,
        "messaging_service_sid": message.messaging_service_sid or None,
        "num_media": str(message.num_media),
        "num_segments": "1",
        "price": None,
        "price_unit": None,
        "status": message.status,
        "subresource_uris": {"media": f"{path}/Media.json"},
        "uri": f"{path}.json",
    }


def serialize_media(media: Media) -> dict[str, Any]:
    """Serialize a file; like Twilio's, the JSON does not contain its size."""
    message = media.message
    return {
        "sid": media.sid,
        "account_sid": message.account.sid,
        "parent_sid": message.sid,
        "content_type": media.content_type,
        "date_created": format_rfc2822(media.created_at),
        "date_updated": format_rfc2822(media.created_at),
        "uri": f"{message_path(message)}/Media/{media.sid}.json",
    }


def media_url(media: Media) -> str:
    """Return the file's URL as a webhook gives it."""
    return f"{API_HOST}{message_path(media.message)}/Media/{media.sid}"


def cdn_url(media: Media) -> str:
    """Return the URL that a request for the file's bytes is redirected to."""
    return f"{CDN_HOST}/{media.message.account.sid}/{media.sid}/{media.key}"


def serialize_phone_number(sender: Sender) -> dict[str, Any]:
    """Serialize a phone number that the account owns."""
    account = sender.account
    return {
        "sid": sender.phone_sid,
        "account_sid": account.sid,
        "address_requirements": "none",
        "address_sid": None,
        "api_version": API_VERSION,
        "beta": False,
        "bundle_sid": None,
        "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
        "date_created": format_rfc2822(sender.created_at),
        "date_updated": format_rfc2822(sender.created_at),
        "emergency_status": "Inactive",
        "emergency_address_sid": None,
        "emergency_address_status": "unregistered",
        "friendly_name": sender.name,
        "identity_sid": None,
        "origin": "twilio",
        "phone_number": sender.number,
        "sms_application_sid": None,
        "sms_fallback_method": "POST",
        "sms_fallback_url": "",
        "sms_method": "POST",
        "sms_url": "",
        "status": "in-use",
        "status_callback": "",
        "status_callback_method": "POST",
        "trunk_sid": None,
        "type": "local",
        "uri": f"{account_path(account)}/IncomingPhoneNumbers/{sender.phone_sid}.json",
        "voice_application_sid": None,
        "voice_caller_id_lookup": False,
        "voice_fallback_method": "POST",
        "voice_fallback_url": None,
        "voice_method": "POST",
        "voice_receive_mode": "voice",
        "voice_url": None,
    }


def serialize_sender(sender: Sender) -> dict[str, Any]:
    """Serialize a WhatsApp sender with its webhook URLs."""
    is_offline = sender.status == "OFFLINE"
    reason = {
        "code": "30008",
        "message": "The sender is offline",
        "more_info": "https://www.twilio.com/docs/errors/30008",
    }
    return {
        "sid": sender.sid,
        "status": sender.status,
        "sender_id": sender.address,
        "configuration": {"waba_id": "12345678912345", "verification_method": "sms"},
        "webhook": {
            "callback_url": sender.callback_url or None,
            "callback_method": "POST",
            "fallback_url": None,
            "fallback_method": "POST",
            "status_callback_url": sender.status_callback_url or None,
            "status_callback_method": "POST",
        },
        "profile": {"name": sender.name, "about": None, "websites": [], "emails": []},
        "properties": {"quality_rating": "HIGH", "messaging_limit": "10K Customers/24hr"},
        "offline_reasons": [reason] if is_offline else None,
        "compliance": None,
        "url": f"{MESSAGING_HOST}/v2/Channels/Senders/{sender.sid}",
    }


def serialize_approval(content: Content) -> dict[str, Any]:
    """Serialize the approval of a template."""
    return {
        "name": content.friendly_name,
        "category": content.category,
        "content_type": next(iter(content.types), ""),
        "status": content.approval,
        "rejection_reason": content.rejection_reason,
        "allow_category_change": True,
    }


def serialize_content(content: Content) -> dict[str, Any]:
    """Serialize a template without its approval."""
    url = f"{CONTENT_HOST}/v1/Content/{content.sid}"
    return {
        **_serialize_content_base(content),
        "url": url,
        "links": {
            "approval_create": f"{url}/ApprovalRequests/whatsapp",
            "approval_fetch": f"{url}/ApprovalRequests",
        },
    }


def serialize_content_and_approval(content: Content) -> dict[str, Any]:
    """Serialize a template with its approval."""
    return {**_serialize_content_base(content), "approval_requests": serialize_approval(content)}


def _serialize_content_base(content: Content) -> dict[str, Any]:
    return {
        "sid": content.sid,
        "account_sid": content.account.sid,
        "friendly_name": content.friendly_name,
        "language": content.language,
        "variables": content.variables,
        "types": content.types,
        "date_created": format_iso(content.created_at),
        "date_updated": format_iso(content.created_at),
    }
