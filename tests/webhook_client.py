"""Webhooks as Twilio posts them, with Django's test client."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from django.conf import settings
from django.db import OperationalError
from django.http import QueryDict
from django.test import Client

from channels_whatsapp.models import WhatsAppAccount, WhatsAppNumber
from channels_whatsapp.webhooks.applier import ApplyDelivery, DeliveryApplier
from channels_whatsapp.webhooks.deliveries import store_delivery
from omnichannel.conversations.models import Conversation
from omnichannel.worker_jobs import create_applier
from tests.builders import AUTH_TOKEN, compute_signature, new_sid

FORM_CONTENT_TYPE = "application/x-www-form-urlencoded"
MAX_FAULTS = 20
PAYLOADS_FOLDER = Path(__file__).parent / "payloads"
RECORDED_ACCOUNT_SID, RECORDED_NUMBER = "AC00000000000000000000000000000001", "+14155550100"


def post_webhook(
    url: str,
    form: Any,
    *,
    token: str = AUTH_TOKEN,
    client: Client | None = None,
    headers: dict[str, str] | None = None,
    is_applied: bool = True,
) -> Any:
    """Post `form`, signed with `token`, apply what is stored unless told not to, and return the response."""
    body = urlencode(form, doseq=True)
    response = (client or Client(raise_request_exception=False)).post(
        url.removeprefix(settings.PUBLIC_URL),
        body,
        content_type=FORM_CONTENT_TYPE,
        CONTENT_TYPE=FORM_CONTENT_TYPE,  # Django's client omits the header if the form is empty.
        headers={"X-Twilio-Signature": compute_signature(url, QueryDict(body), token), **(headers or {})},
    )
    if is_applied:
        apply_deliveries()
    return response


def apply_deliveries(apply: ApplyDelivery | None = None) -> int:
    """Apply all due deliveries, as the process for it does; return how many attempts that were.

    Args:
        apply: applies a delivery; without it, the product's functions apply one or many.
    """
    applier = DeliveryApplier(apply, lambda account, deliveries: ()) if apply else create_applier()
    attempt_count, fault_count = 0, 0
    while True:
        try:
            result = applier.apply_due()
        except OperationalError:  # as after a deadlock
            fault_count += 1
            if fault_count == MAX_FAULTS:
                raise
            continue
        attempt_count += result.attempt_count
        if not (result.attempt_count or result.is_refused):
            return attempt_count


def receive_delivery(
    account: WhatsAppAccount, payload: dict[str, list[str]], apply: ApplyDelivery | None = None
) -> None:
    """Store a delivery and apply it."""
    store_delivery(account, payload, None)
    apply_deliveries(apply)


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
