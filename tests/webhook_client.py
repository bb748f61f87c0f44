"""Webhooks as Twilio posts them, with Django's test client."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from django.conf import settings
from django.http import QueryDict
from django.test import Client

from channels_whatsapp.models import WhatsAppNumber
from omnichannel.conversations.models import Conversation
from tests.builders import AUTH_TOKEN, compute_signature, new_sid

FORM_CONTENT_TYPE = "application/x-www-form-urlencoded"
PAYLOADS_FOLDER = Path(__file__).parent / "payloads"
RECORDED_ACCOUNT_SID, RECORDED_NUMBER = "AC00000000000000000000000000000001", "+14155550100"


def post_webhook(
    url: str, form: Any, *, token: str = AUTH_TOKEN, client: Client | None = None, headers: dict[str, str] | None = None
) -> Any:
    """Post `form`, signed with `token`, and return the response."""
    body = urlencode(form, doseq=True)
    return (client or Client(raise_request_exception=False)).post(
        url.removeprefix(settings.PUBLIC_URL),
        body,
        content_type=FORM_CONTENT_TYPE,
        CONTENT_TYPE=FORM_CONTENT_TYPE,  # Django's client omits the header if the form is empty.
        headers={"X-Twilio-Signature": compute_signature(url, QueryDict(body), token), **(headers or {})},
    )


def load_payload(name: str, number: WhatsAppNumber, **changed: str | None) -> dict[str, list[str]]:
    """Return the form in `payloads/<name>.txt` for this number, without the parameters that `changed` sets to None."""
    text = (PAYLOADS_FOLDER / f"{name}.txt").read_text().strip()
    form = parse_qs(text, keep_blank_values=True, strict_parsing=True)
    for key, values in form.items():
        form[key] = [
            value.replace(RECORDED_ACCOUNT_SID, number.account.account_sid).replace(RECORDED_NUMBER, number.number)
            for value in values
        ]
    for key, value in changed.items():
        form[key] = [] if value is None else [value]
    return {key: values for key, values in form.items() if values}


def with_new_message_sid(form: dict[str, Any]) -> dict[str, Any]:
    """Return the form with a new message SID."""
    new = new_sid(form["MessageSid"][0][:2] if isinstance(form["MessageSid"], list) else form["MessageSid"][:2])
    return {**form, "MessageSid": new, "SmsSid": new, "SmsMessageSid": new}


def receive_message(number: WhatsAppNumber, **changed: str | None) -> Conversation:
    """Receive a new text message, from Amara unless `changed` says otherwise, and return its conversation."""
    form = with_new_message_sid(load_payload("text", number, **changed))
    assert post_webhook(number.account.inbound_url, form).status_code == 200
    return Conversation.objects.get(messages__twilio_sid=form["MessageSid"])
