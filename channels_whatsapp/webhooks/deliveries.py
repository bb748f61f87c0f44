"""Keep what Twilio delivered, then act on it."""

import hashlib
import json
import logging
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Min
from django.utils import timezone

from channels_whatsapp import events
from channels_whatsapp.combining_marks import make_stream_safe
from channels_whatsapp.models import DeliveryState, WebhookDelivery, WebhookKind, WhatsAppAccount
from channels_whatsapp.text_cleaning import remove_nul
from omnichannel.jobs.lanes import enqueue

logger = logging.getLogger(__name__)

# What is to be made of a delivery: raises Ignore where it is not for us, anything else where it could not be done.
ApplyDelivery = Callable[[WebhookDelivery], None]

# One lane for all of them: they are tried again one after another, in the order in which they came.
RETRY_LANE = "retry"
FIRST_RETRY_DELAY = timedelta(seconds=5)
MAX_ATTEMPTS = 12
RETRY_BATCH_SIZE = 100
MAX_DEADLOCK_RETRIES = 4
# Stands in the row while an attempt is under way; it stays where the attempt ended the worker.
UNFINISHED_ATTEMPT_ERROR = "This attempt never finished: the worker hung or ended."


class IgnoredDeliveryError(Exception):
    """This delivery is genuine but not for us; it is kept with the reason."""


class DeliveryNotReadyError(Exception):
    """This delivery can't be applied yet, which is no fault; it is tried again."""


def clean_payload(form: events.Payload) -> dict[str, list[str]]:
    """The form as it is stored: every parameter, repeated ones kept, without NUL and long runs of combining marks."""
    return {_clean_text(name): [_clean_text(value) for value in values] for name, values in form.items()}


def _clean_text(text: str) -> str:
    return make_stream_safe(remove_nul(text))


def compute_fingerprint(
    account: WhatsAppAccount, payload: events.Payload, kind: WebhookKind = WebhookKind.INBOUND
) -> str:
    """The same for every repetition of one delivery, and for no other.

    A message is told by its SID; a status by SID, status and error, because one message has many statuses. A form
    without a SID is told by all it says.
    """
    sid = events.message_sid(payload)[:64]
    if not sid:
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
    """Store the delivery and act on it, all in one transaction; seen before, it does nothing.

    If acting on it fails, it is stored with its error and tried again by the worker. Only when the database itself
    refuses does this raise, and Twilio is told so.
    """
    found = _detect_kind(payload, default=kind)
    delivery = WebhookDelivery(
        account=account,
        kind=found,
        fingerprint=compute_fingerprint(account, payload, found),
        payload=payload,
        public_id=public_id,
        received_at=timezone.now(),
    )
    try:
        _store_and_apply_with_retries(delivery, apply)
    except Exception as error:  # whatever was wrong with it, the delivery must be kept
        if _is_duplicate(delivery):
            return
        _store_failed_delivery(delivery, error)


def _store_and_apply_with_retries(delivery: WebhookDelivery, apply: ApplyDelivery) -> None:
    """Try again once after a fault of the database, and more often after deadlocks: the other side has gone through.

    Many first messages of one customer at once can meet several deadlocks. Other faults, such as a lock that is waited
    for in vain, take long: more attempts would keep a webhook's thread for minutes.
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
    """What the form says it is, whichever address it was posted to."""
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
    """Write into the row what came of the attempt."""
    delivery.error = remove_nul(str(error) or type(error).__name__)[:2000]
    if isinstance(error, IgnoredDeliveryError):
        delivery.state, delivery.next_attempt_at = DeliveryState.IGNORED, None
        return
    delivery.state = DeliveryState.FAILED
    delivery.next_attempt_at = _get_next_attempt_time(delivery.attempts)
    if isinstance(error, DeliveryNotReadyError):
        logger.info("Delivery %s has to wait: %s", delivery.fingerprint, error)
    else:
        logger.error("Delivery %s could not be applied.", delivery.fingerprint, exc_info=error)


def _get_next_attempt_time(attempts: int) -> datetime | None:
    """5 s, 10 s, 20 s … about three hours in all; then it waits for a person."""
    return timezone.now() + FIRST_RETRY_DELAY * 2 ** (attempts - 1) if attempts < MAX_ATTEMPTS else None


def retry_deliveries(delivery_ids: Sequence[int]) -> int:
    """Have the worker try these failed or ignored deliveries again at once; returns how many there are."""
    unapplied = WebhookDelivery.objects.filter(pk__in=delivery_ids).exclude(state=DeliveryState.APPLIED)
    with transaction.atomic():
        count = unapplied.update(state=DeliveryState.FAILED, next_attempt_at=timezone.now())
        _enqueue_retry(timezone.now())
    return count


def get_next_retry_time() -> datetime | None:
    """When the next failed delivery is to be tried again; None while there is none."""
    waiting = WebhookDelivery.objects.filter(state=DeliveryState.FAILED, next_attempt_at__isnull=False)
    next_at: datetime | None = waiting.aggregate(next=Min("next_attempt_at"))["next"]
    return next_at


def enqueue_due_retries() -> None:
    """A rare net: have a worker look when a failed delivery is due, in case its moment was missed."""
    if (next_at := get_next_retry_time()) is not None and next_at <= timezone.now():
        _enqueue_retry(next_at)


def _enqueue_retry(moment: datetime | None) -> None:
    if moment is not None:
        enqueue(RETRY_LANE, 0, at=moment)


def retry_failed_deliveries(apply: ApplyDelivery) -> int:
    """Try failed deliveries that are due again, oldest first; returns how many were tried."""
    due = WebhookDelivery.objects.filter(state=DeliveryState.FAILED, next_attempt_at__lte=timezone.now())
    ids = list(due.order_by("received_at").values_list("pk", flat=True)[:RETRY_BATCH_SIZE])
    for pk in ids:
        _retry_delivery(pk, apply)
    return len(ids)


def _retry_delivery(pk: int, apply: ApplyDelivery) -> None:
    if not _count_attempt(pk):
        return
    with transaction.atomic(durable=True):
        waiting = WebhookDelivery.objects.select_for_update(skip_locked=True, of=("self",))
        delivery = waiting.filter(pk=pk, state=DeliveryState.FAILED).first()
        if delivery is None:
            return
        try:
            with transaction.atomic():
                apply(delivery)
        except Exception as error:  # kept with its error, as at the first attempt
            _record_failure(delivery, error)
        else:
            delivery.state, delivery.error, delivery.next_attempt_at = DeliveryState.APPLIED, "", None
        delivery.save(update_fields=["state", "error", "next_attempt_at"])


def _count_attempt(pk: int) -> bool:
    """Commit that an attempt begins, and when the next one is due should this one never end; False if none is due.

    A delivery that hangs or kills the worker so has no more attempts than one that fails.
    """
    due = WebhookDelivery.objects.filter(pk=pk, state=DeliveryState.FAILED, next_attempt_at__lte=timezone.now())
    before = due.values_list("attempts", flat=True).first()
    if before is None:
        return False
    counted = {
        "attempts": before + 1,
        "next_attempt_at": _get_next_attempt_time(before + 1),
        "error": UNFINISHED_ATTEMPT_ERROR,
    }
    return due.filter(attempts=before).update(**counted) == 1
