"""Store what Twilio delivered, then apply it; retry what failed."""

import hashlib
import json
import logging
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Min, Q
from django.utils import timezone

from channels_whatsapp import events
from channels_whatsapp.combining_marks import make_stream_safe
from channels_whatsapp.models import DeliveryState, WebhookDelivery, WebhookKind, WhatsAppAccount
from channels_whatsapp.text_cleaning import remove_nul
from omnichannel.jobs.lanes import enqueue

logger = logging.getLogger(__name__)

# Applies a delivery. Raises IgnoredDeliveryError if it is not for us, any other error if it could not be applied.
ApplyDelivery = Callable[[WebhookDelivery], None]

# One lane for all deliveries: they are retried one after another, in the order of their arrival.
RETRY_LANE = "retry"
FIRST_RETRY_DELAY = timedelta(seconds=5)
MAX_ATTEMPTS = 12
ATTENTION_AFTER_ATTEMPTS = 5  # about a minute and a half of retries
RETRY_BATCH_SIZE = 100
MAX_DEADLOCK_RETRIES = 4
# The row's error during an attempt; it remains if the attempt ended the worker.
UNFINISHED_ATTEMPT_ERROR = "This attempt did not finish because the worker hung or stopped."


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


def receive_delivery(
    account: WhatsAppAccount,
    payload: dict[str, list[str]],
    public_id: uuid.UUID | None,
    apply: ApplyDelivery,
    *,
    kind: WebhookKind = WebhookKind.INBOUND,
) -> None:
    """Store the delivery and apply it, in one transaction; a repetition does nothing.

    If applying it fails, it is stored with its error and retried by the worker. This raises only if the database
    fails, so that Twilio gets an error and tries its fallback.
    """
    detected_kind = _detect_kind(payload, default=kind)
    delivery = WebhookDelivery(
        account=account,
        kind=detected_kind,
        fingerprint=compute_fingerprint(account, payload, detected_kind),
        payload=payload,
        public_id=public_id,
        received_at=timezone.now(),
    )
    try:
        _store_and_apply_with_retries(delivery, apply)
    except Exception as error:  # the delivery must be stored whatever the error
        if _is_duplicate(delivery):
            return
        _store_failed_delivery(delivery, error)


def _store_and_apply_with_retries(delivery: WebhookDelivery, apply: ApplyDelivery) -> None:
    """Repeat once after a database error, and more often after deadlocks, which the other transaction won.

    Many first messages of one customer at once can meet several deadlocks. Other errors, such as a lock time-out, take
    long: more attempts would occupy a webhook's thread for minutes.
    """
    for attempt in range(MAX_DEADLOCK_RETRIES):
        try:
            return _store_and_apply(delivery, apply)
        except OperationalError as error:
            if attempt and not _is_deadlock(error):
                raise
    return _store_and_apply(delivery, apply)


def _is_deadlock(error: OperationalError) -> bool:
    """Return whether PostgreSQL chose this transaction to break a deadlock (SQLSTATE 40P01)."""
    return getattr(error.__cause__, "sqlstate", "") == "40P01"


def _store_and_apply(delivery: WebhookDelivery, apply: ApplyDelivery) -> None:
    delivery.pk = None
    with transaction.atomic(durable=True):
        delivery.save(force_insert=True)
        apply(delivery)


def _detect_kind(payload: events.Payload, *, default: WebhookKind) -> WebhookKind:
    """Return the kind the form itself shows, whichever URL it was posted to."""
    if events.is_status_callback(payload):
        return WebhookKind.STATUS
    return WebhookKind.INBOUND if events.is_inbound_message(payload) else default


def _is_duplicate(delivery: WebhookDelivery) -> bool:
    return WebhookDelivery.objects.filter(fingerprint=delivery.fingerprint).exists()


def _store_failed_delivery(delivery: WebhookDelivery, error: Exception) -> None:
    delivery.pk = None
    _record_failure(delivery, error)
    try:
        with transaction.atomic(durable=True):
            delivery.save(force_insert=True)
            _enqueue_retry(delivery.next_attempt_at)
    except IntegrityError:
        if not _is_duplicate(delivery):
            raise


def _record_failure(delivery: WebhookDelivery, error: Exception) -> None:
    """Set the row's state, error and next attempt after a failed attempt."""
    delivery.error = remove_nul(str(error) or type(error).__name__)[:2000]
    if isinstance(error, IgnoredDeliveryError):
        delivery.state, delivery.next_attempt_at = DeliveryState.IGNORED, None
        delivery.needs_attention = isinstance(error, NumberNotSetUpError)
        return
    delivery.state = DeliveryState.FAILED
    delivery.next_attempt_at = _get_next_attempt_time(delivery.attempts)
    keeps_failing = delivery.attempts >= ATTENTION_AFTER_ATTEMPTS and not isinstance(error, DeliveryNotReadyError)
    delivery.needs_attention = delivery.next_attempt_at is None or keeps_failing
    if isinstance(error, DeliveryNotReadyError):
        logger.info("Delivery %s is not ready to be applied: %s", delivery.fingerprint, error)
    else:
        logger.error("Delivery %s could not be applied.", delivery.fingerprint, exc_info=error)


def _get_next_attempt_time(attempts: int) -> datetime | None:
    """Return the next attempt: after 5 s, 10 s, 20 s … about three hours in all; None after the last one."""
    return timezone.now() + FIRST_RETRY_DELAY * 2 ** (attempts - 1) if attempts < MAX_ATTEMPTS else None


def retry_deliveries(delivery_ids: Sequence[int]) -> int:
    """Let the worker retry these failed or ignored deliveries now; return how many there are."""
    deliveries = WebhookDelivery.objects.filter(pk__in=delivery_ids).exclude(state=DeliveryState.APPLIED)
    with transaction.atomic():
        count = deliveries.update(state=DeliveryState.FAILED, next_attempt_at=timezone.now(), needs_attention=False)
        _enqueue_retry(timezone.now())
    return count


def ignore_deliveries(delivery_ids: Sequence[int]) -> int:
    """Set these failed deliveries and those that need attention to ignored; return how many there are."""
    is_concerned = Q(state=DeliveryState.FAILED) | Q(needs_attention=True)
    deliveries = WebhookDelivery.objects.filter(is_concerned, pk__in=delivery_ids)
    return deliveries.update(state=DeliveryState.IGNORED, next_attempt_at=None, needs_attention=False)


def get_next_retry_time() -> datetime | None:
    """Return when the next failed delivery is to be retried; None if there is none."""
    failed = WebhookDelivery.objects.filter(state=DeliveryState.FAILED, next_attempt_at__isnull=False)
    next_at: datetime | None = failed.aggregate(next=Min("next_attempt_at"))["next"]
    return next_at


def enqueue_due_retries() -> None:
    """Wake a worker if a failed delivery is overdue: a safety net for a missed wake-up."""
    if (next_at := get_next_retry_time()) is not None and next_at <= timezone.now():
        _enqueue_retry(next_at)


def _enqueue_retry(at: datetime | None) -> None:
    if at is not None:
        enqueue(RETRY_LANE, 0, at=at)


def retry_failed_deliveries(apply: ApplyDelivery) -> int:
    """Retry failed deliveries that are due, oldest first; return how many were tried."""
    due = WebhookDelivery.objects.filter(state=DeliveryState.FAILED, next_attempt_at__lte=timezone.now())
    ids = list(due.order_by("received_at").values_list("pk", flat=True)[:RETRY_BATCH_SIZE])
    for pk in ids:
        _retry_delivery(pk, apply)
    return len(ids)


def _retry_delivery(pk: int, apply: ApplyDelivery) -> None:
    if not _count_attempt(pk):
        return
    with transaction.atomic(durable=True):
        rows = WebhookDelivery.objects.select_for_update(skip_locked=True, of=("self",))
        delivery = rows.filter(pk=pk, state=DeliveryState.FAILED).first()
        if delivery is None:
            return
        try:
            with transaction.atomic():
                apply(delivery)
        except Exception as error:  # stored with its error, as at the first attempt
            _record_failure(delivery, error)
        else:
            delivery.state, delivery.error, delivery.next_attempt_at = DeliveryState.APPLIED, "", None
            delivery.needs_attention = False
        delivery.save(update_fields=["state", "error", "next_attempt_at", "needs_attention"])


def _count_attempt(pk: int) -> bool:
    """Commit the start of an attempt and the time of the next one; return False if no attempt is due.

    Counting before the attempt limits a delivery that hangs or kills the worker to as many attempts as any other.
    """
    due = WebhookDelivery.objects.filter(pk=pk, state=DeliveryState.FAILED, next_attempt_at__lte=timezone.now())
    attempts = due.values_list("attempts", flat=True).first()
    if attempts is None:
        return False
    next_attempt_at = _get_next_attempt_time(attempts + 1)
    values: dict[str, Any] = {
        "attempts": attempts + 1,
        "next_attempt_at": next_attempt_at,
        "error": UNFINISHED_ATTEMPT_ERROR,
    }
    if next_attempt_at is None:
        values["needs_attention"] = True  # in case this last attempt does not finish
    return due.filter(attempts=attempts).update(**values) == 1
