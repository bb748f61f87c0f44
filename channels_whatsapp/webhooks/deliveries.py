"""Store what Twilio delivered. `webhooks.applier` applies it."""

import hashlib
import json
import logging
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from channels_whatsapp import events
from channels_whatsapp.combining_marks import make_stream_safe
from channels_whatsapp.models import DeliveryState, WebhookDelivery, WebhookKind, WhatsAppAccount
from channels_whatsapp.text_cleaning import remove_nul
from omnichannel.core.wakeups import Channel, request_wakeup

logger = logging.getLogger(__name__)

FIRST_RETRY_DELAY = timedelta(seconds=5)
MAX_ATTEMPTS = 12
ATTENTION_AFTER_ATTEMPTS = 5  # about a minute and a half of retries

STORED_FIELDS = [field for field in WebhookDelivery._meta.concrete_fields if not field.primary_key]
STORED_COLUMNS = ", ".join(str(field.column) for field in STORED_FIELDS)
# In plain SQL: Django would open a transaction around it, which costs two round trips more than the statement.
STORE_SQL = (
    f"INSERT INTO {WebhookDelivery._meta.db_table} ({STORED_COLUMNS})"  # noqa: S608 (no value in it)
    f" VALUES ({', '.join(['%s'] * len(STORED_FIELDS))}) ON CONFLICT (fingerprint) DO NOTHING"
)


class IgnoredDeliveryError(Exception):
    """The delivery is genuine but not for us; it is stored with the reason."""


class NumberNotSetUpError(IgnoredDeliveryError):
    """The delivery is for a number that is not set up here, which an administrator can do."""


class DeliveryNotReadyError(Exception):
    """The delivery can't be applied yet, which is not an error; it is retried."""


def clean_payload(form: events.Payload) -> dict[str, list[str]]:
    """Return the form as it is stored: all values, without NUL and long runs of combining marks."""
    return {_clean_text(name): [_clean_text(value) for value in values] for name, values in form.items()}


def _clean_text(text: str) -> str:
    return make_stream_safe(remove_nul(text))


def compute_fingerprint(
    account: WhatsAppAccount, payload: events.Payload, kind: WebhookKind = WebhookKind.INBOUND
) -> str:
    """Return a key that is the same for every repetition of a delivery, and different for any other.

    A message is identified by its SID; a status by SID, status and error, because a message has many statuses. A form
    without a SID is identified by a hash of its content; so is one of another account, which must not count as a
    repetition of ours with the same SID.
    """
    sid = events.message_sid(payload)[:64]
    if not sid or not events.is_from_account(payload, account.account_sid):
        digest = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
        return f"{account.pk}:form:{digest}"
    if kind == WebhookKind.INBOUND:
        return f"{account.pk}:in:{sid}"
    update = events.StatusUpdate.from_payload(payload)
    return f"{account.pk}:st:{sid}:{update.status[:32]}:{update.error_code or ''}"


def store_delivery(
    account: WhatsAppAccount,
    payload: dict[str, list[str]],
    public_id: uuid.UUID | None,
    *,
    kind: WebhookKind = WebhookKind.INBOUND,
) -> None:
    """Store what Twilio posted, in one statement that commits by itself; a repetition changes nothing.

    Another process applies it. Nothing here waits for that process: no lock, no lane.

    Raises:
        DatabaseError: it is not stored, so Twilio must get an error and try its fallback.
    """
    detected_kind, now = _detect_kind(payload, default=kind), timezone.now()
    delivery = WebhookDelivery(
        account=account,
        kind=detected_kind,
        fingerprint=compute_fingerprint(account, payload, detected_kind),
        payload=payload,
        public_id=public_id,
        received_at=now,
        next_attempt_at=now,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            STORE_SQL, [field.get_db_prep_save(getattr(delivery, field.attname), connection) for field in STORED_FIELDS]
        )
    request_wakeup(Channel.DELIVERIES)


def _detect_kind(payload: events.Payload, *, default: WebhookKind) -> WebhookKind:
    """Return the kind the form itself shows, whichever URL it was posted to."""
    if events.is_status_callback(payload):
        return WebhookKind.STATUS
    return WebhookKind.INBOUND if events.is_inbound_message(payload) else default


def record_failure(delivery: WebhookDelivery, error: Exception) -> None:
    """Set the row's state, error and next attempt after a failed attempt, which `attempts` counts already."""
    delivery.error = remove_nul(str(error) or type(error).__name__)[:2000]
    if isinstance(error, IgnoredDeliveryError):
        delivery.state, delivery.next_attempt_at = DeliveryState.IGNORED, None
        delivery.needs_attention = isinstance(error, NumberNotSetUpError)
        return
    delivery.next_attempt_at = get_next_attempt_time(delivery.attempts)
    if isinstance(error, DeliveryNotReadyError):
        delivery.state = DeliveryState.STORED
        delivery.needs_attention = delivery.next_attempt_at is None
        logger.info("Delivery %s is not ready to be applied: %s", delivery.fingerprint, error)
    else:
        delivery.state = DeliveryState.FAILED
        delivery.needs_attention = delivery.attempts >= ATTENTION_AFTER_ATTEMPTS
        logger.error("Delivery %s could not be applied.", delivery.fingerprint, exc_info=error)


def get_next_attempt_time(attempts: int) -> datetime | None:
    """Return the next attempt: after 5 s, 10 s, 20 s … about three hours in all; None after the last one."""
    return timezone.now() + FIRST_RETRY_DELAY * 2 ** (attempts - 1) if attempts < MAX_ATTEMPTS else None


def retry_deliveries(delivery_ids: Sequence[int]) -> int:
    """Retry these failed or ignored deliveries now; return how many there are."""
    deliveries = WebhookDelivery.objects.filter(pk__in=delivery_ids).exclude(state=DeliveryState.APPLIED)
    count = deliveries.update(state=DeliveryState.FAILED, next_attempt_at=timezone.now(), needs_attention=False)
    request_wakeup(Channel.DELIVERIES)
    return count


def ignore_deliveries(delivery_ids: Sequence[int]) -> int:
    """Set these failed deliveries and those that need attention to ignored; return how many there are."""
    is_concerned = Q(state=DeliveryState.FAILED) | Q(needs_attention=True)
    deliveries = WebhookDelivery.objects.filter(is_concerned, pk__in=delivery_ids)
    return deliveries.update(state=DeliveryState.IGNORED, next_attempt_at=None, needs_attention=False)
