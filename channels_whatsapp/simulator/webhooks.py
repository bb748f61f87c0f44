"""Twilio's webhooks: parameters, signature, the POST, and the errors Twilio finds in a response."""

import json
import re
from dataclasses import dataclass

import requests
from twilio.request_validator import RequestValidator

from channels_whatsapp.simulator.api.errors import DELIVERY_ERRORS
from channels_whatsapp.simulator.api.serializers import API_VERSION, media_url
from channels_whatsapp.simulator.models import Customer, Media, Message, ScheduledTask, Sender, TaskKind
from channels_whatsapp.simulator.statuses import MessageStatus

CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS = 5, 15
MAX_RESPONSE_SIZE = 64 * 1024
XML_TYPES = {"text/xml", "application/xml", "text/html"}
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
    params = {
        **_build_sid_params(message),
        "Body": message.body or _get_document_name(files),
        "NumMedia": str(len(files)),
        "NumSegments": "1",
        "SmsStatus": "received",
        "ReferralNumMedia": "0",
        **_build_customer_params(message.customer),
        **_media_params(files),
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
        "ChannelToAddress": f"{message.customer.bare_address[:-4]}{'X' * 4}",
        "ChannelInstallSid": message.sender.sid,
        "StructuredMessage": "true" if message.content else "false",
    }
    if message.messaging_service_sid:
        params["MessagingServiceSid"] = message.messaging_service_sid
    if status in {MessageStatus.DELIVERED, MessageStatus.READ}:
        params["EventType"] = status.upper()
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


def _build_customer_params(customer: Customer) -> dict[str, str]:
    """Return the parameters about the customer.

    A customer without a visible number has a business-scoped id in its place, and no WaId.
    """
    params = {"ProfileName": customer.name}
    if customer.username:
        params["ProfileUsername"] = customer.username
    if customer.has_visible_number:
        params["WaId"] = customer.bare_address.removeprefix("+")
    external_id = customer.external_user_id or ("" if customer.has_visible_number else customer.address)
    return {**params, "ExternalUserId": external_id} if external_id else params


def _media_params(files: list[Media]) -> dict[str, str]:
    params = {}
    for index, media in enumerate(files):
        params[f"MediaUrl{index}"] = media_url(media)
        params[f"MediaContentType{index}"] = media.content_type
    return params


def _get_document_name(files: list[Media]) -> str:
    """Return the name of a document, which Twilio sends as the text; "" for other files."""
    is_document = len(files) == 1 and files[0].content_type.startswith("application/")
    return files[0].filename if is_document else ""


def _build_channel_metadata(params: dict[str, str]) -> str:
    names = ("ButtonText", "ButtonPayload", "Forwarded", "ProfileName", "WaId", "ExternalUserId")
    context = {name: params[name] for name in names if name in params}
    return json.dumps({"type": "whatsapp", "data": {"context": context}}, ensure_ascii=False)


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
