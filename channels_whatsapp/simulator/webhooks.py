"""Twilio's webhooks: parameters, signature, the POST, and the errors Twilio finds in a response."""

import json
import re
import uuid
from dataclasses import dataclass

import requests
from twilio.request_validator import RequestValidator

from channels_whatsapp.simulator.addresses import WHATSAPP_PREFIX
from channels_whatsapp.simulator.api.errors import DELIVERY_ERRORS
from channels_whatsapp.simulator.api.serializers import API_VERSION, media_url
from channels_whatsapp.simulator.business_scoped_ids import get_parent_user_id, get_user_id
from channels_whatsapp.simulator.models import Media, Message, ScheduledTask, Sender, TaskKind
from channels_whatsapp.simulator.statuses import MessageStatus

CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS = 5, 15
MAX_RESPONSE_SIZE = 64 * 1024
XML_TYPES = {"text/xml", "application/xml", "text/html"}
# The events that come from WhatsApp; the other statuses are Twilio's own.
WHATSAPP_EVENTS = {MessageStatus.DELIVERED, MessageStatus.READ, MessageStatus.UNDELIVERED}
CONTEXT_PARAMETERS = (
    "Address", "ButtonText", "Forwarded", "FrequentlyForwarded", "Label", "Latitude", "Longitude", "ProfileName",
    "WaId",
)  # fmt: skip
TWIML_PATTERN = re.compile(r"\A(<\?xml[^>]*\?>\s*)?<Response\b")


@dataclass(frozen=True)
class WebhookResponse:
    """The response to a webhook; `status` is None if there was no response."""

    status: int | None
    error: str = ""


# -- Parameters -----------------------------------------------------------------------------------------------------


def inbound_params(message: Message) -> dict[str, str]:
    """Return the form of a customer's message, as Twilio posts it."""
    files = list(message.media.all())
    sent_files = [media for media in files if not media.is_from_ad]
    params = {
        **_build_sid_params(message),
        "Body": message.body,
        "NumMedia": str(len(sent_files)),
        "NumSegments": "1",
        "SmsStatus": "received",
        **_build_customer_params(message),
        **_build_media_params(sent_files),
        **_build_ad_media_params([media for media in files if media.is_from_ad]),
        **message.extra,
    }
    if message.messaging_service_sid:
        params["MessagingServiceSid"] = message.messaging_service_sid
    return {**params, "ChannelMetadata": _build_channel_metadata(params)}


def status_params(message: Message, status: str, code: int | None) -> dict[str, str]:
    """Return the form of a status callback."""
    params = {
        **_build_sid_params(message),
        "MessageStatus": status,
        "SmsStatus": status,
        "ChannelPrefix": "whatsapp",
        "ChannelToAddress": f"{message.to_address.removeprefix(WHATSAPP_PREFIX)[:-4]}{'X' * 4}",
        "ChannelInstallSid": message.sender.sid,
        **_build_user_id_params(message),
    }
    if message.messaging_service_sid:
        params["MessagingServiceSid"] = message.messaging_service_sid
    if status in WHATSAPP_EVENTS:
        params["EventType"] = status.upper()
    else:
        params["StructuredMessage"] = "true" if message.content else "false"
    if code:
        params |= {"ErrorCode": str(code), "ErrorMessage": DELIVERY_ERRORS[code]}
    return params


def _build_sid_params(message: Message) -> dict[str, str]:
    return {
        "MessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsMessageSid": message.sid,
        "AccountSid": message.account.sid,
        "From": message.from_address,
        "To": message.to_address,
        "ApiVersion": API_VERSION,
    }


def _build_customer_params(message: Message) -> dict[str, str]:
    """Return the parameters about the customer; one who hides the number has no WaId."""
    customer = message.customer
    params = {"ProfileName": customer.name}
    if customer.username:
        params["ProfileUsername"] = customer.username
    if customer.has_visible_number:
        params["WaId"] = customer.bare_address.removeprefix("+")
    return {**params, **_build_user_id_params(message)}


def _build_user_id_params(message: Message) -> dict[str, str]:
    params = {"ExternalUserId": get_user_id(message.customer, message.account)}
    parent_id = get_parent_user_id(message.customer, message.account)
    return {**params, "ParentExternalUserId": parent_id} if parent_id else params


def _build_media_params(files: list[Media]) -> dict[str, str]:
    params = {}
    for index, media in enumerate(files):
        params[f"MediaUrl{index}"] = media_url(media)
        params[f"MediaContentType{index}"] = media.content_type
    return params


def _build_ad_media_params(files: list[Media]) -> dict[str, str]:
    """Return the parameters about the ad's picture. Its id is WhatsApp's and not the SID."""
    params = {"ReferralNumMedia": str(len(files))}
    for media in files:
        params["ReferralMediaId"] = str(uuid.UUID(media.key))
        params["ReferralMediaContentType"] = media.content_type
        params["ReferralMediaUrl"] = media_url(media)
    return params


def _build_channel_metadata(params: dict[str, str]) -> str:
    context = {name: params[name] for name in CONTEXT_PARAMETERS if name in params}
    metadata = {"type": "whatsapp", "data": {"context": context}}
    return json.dumps(metadata, ensure_ascii=False, separators=(",", ":"))


# -- POST -----------------------------------------------------------------------------------------------------------


def post_webhook(task: ScheduledTask, sender: Sender) -> WebhookResponse:
    """Post a webhook, again if the connection fails, and check the response as Twilio would."""
    url = task.url.partition("#")[0]
    signature = RequestValidator(sender.account.auth_token).compute_signature(url, task.params)
    headers = {
        "X-Twilio-Signature": signature,
        "I-Twilio-Idempotency-Token": str(task.token),
        "User-Agent": "TwilioProxy/1.1",
        "Accept": "*/*",
    }
    try:
        response = _post_with_retry(url, task.params, headers)
    except requests.RequestException as error:
        reason = "did not respond in time" if isinstance(error, requests.ReadTimeout) else "could not be reached"
        return WebhookResponse(None, f"The desk {reason}.")
    return WebhookResponse(response.status_code, _find_response_error(task.kind, response))


def _post_with_retry(url: str, params: dict[str, str], headers: dict[str, str]) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False  # no proxy and no .netrc for requests to this server itself
        for attempt in (1, 2):
            try:
                return session.post(
                    url, data=params, headers=headers, timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS)
                )
            except requests.ConnectionError:
                if attempt == 2:
                    raise
    raise AssertionError("unreachable")


def _find_response_error(kind: str, response: requests.Response) -> str:
    """Return the error Twilio would find in the response; "" if there is none."""
    if not response.ok:
        return f"The desk returned {response.status_code}: {response.text.strip()[:200]}".rstrip(": ")
    if len(response.content) > MAX_RESPONSE_SIZE:
        return "11750: the response is larger than 64 kB."
    if kind != TaskKind.INBOUND or not response.content:
        return ""
    content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type not in XML_TYPES:
        return f"12300: the response's Content-Type is {content_type or 'missing'}, not text/xml."
    if not TWIML_PATTERN.match(response.text):
        return f"12200: the response is not TwiML: {response.text[:120]}"
    return ""
