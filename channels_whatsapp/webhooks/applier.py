"""Apply stored deliveries, one batch at a time per account, and retry those that failed.

A batch is one transaction: the deliveries that `ApplyBatch` can apply together, with a constant number of statements.
Every other delivery has a transaction of its own. A delivery that fails is tried again alone, up to MAX_ATTEMPTS times;
one that ends the process isolates itself, because its attempt is counted before it is made.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone

from channels_whatsapp.models import DeliveryProgress, DeliveryState, WebhookDelivery, WhatsAppAccount
from channels_whatsapp.webhooks.backlog import Backlog, get_backlogs
from channels_whatsapp.webhooks.deliveries import get_next_attempt_time, record_failure
from omnichannel.core.db import lock_transaction

logger = logging.getLogger(__name__)

# Applies a delivery. Raises IgnoredDeliveryError if it is not for us, any other error if it could not be applied.
ApplyDelivery = Callable[[WebhookDelivery], None]
# Applies those of an account's deliveries that it can apply together, and returns their ids. The deliveries come in
# order; for each customer it stops at the first one that it can't apply.
ApplyBatch = Callable[[WhatsAppAccount, Sequence[WebhookDelivery]], Collection[int]]

LOCK_NAMESPACE: Final = 5_190_452  # any fixed number that no other lock uses
BATCH_SIZE: Final = 200
SINGLE_WRITER_BATCH_SIZE: Final = 50  # on SQLite, pages that write wait for the batch
# The row's error during an attempt; it remains if the attempt ended the process.
UNFINISHED_ATTEMPT_ERROR: Final = "This attempt did not finish because the worker hung or stopped."

DATABASE_FAULTS = (OperationalError, InterfaceError)


@dataclass
class Round:
    """Result of one round over all accounts.

    Attributes:
        attempt_count: deliveries that were applied, ignored or found to fail.
        is_refused: whether another process was applying the deliveries of an account.
    """

    attempt_count: int = 0
    is_refused: bool = False


class LockRefusedError(Exception):
    """Another process applies the account's deliveries at the moment."""


class DeliveryApplier:
    """Applies due deliveries.

    Args:
        apply: applies one delivery.
        apply_batch: applies many.
        on_progress: called after each transaction.
    """

    def __init__(
        self, apply: ApplyDelivery, apply_batch: ApplyBatch, on_progress: Callable[[], object] = lambda: None
    ) -> None:
        self._apply, self._apply_batch, self._on_progress = apply, apply_batch, on_progress
        # Deliveries whose attempt met a fault of the database: repeated, but counted this time.
        self._suspect_ids: set[int] = set()

    def apply_due(self, late_by: timedelta = timedelta(0)) -> Round:
        """Apply up to a batch of each account whose oldest due delivery is due since this long.

        Raises:
            OperationalError, InterfaceError: the database failed; nothing is lost, and the round can be repeated.
        """
        result = Round()
        for backlog in get_backlogs(late_by):
            try:
                result.attempt_count += self._apply_account(backlog)
            except LockRefusedError:
                result.is_refused = True
        return result

    def _apply_account(self, backlog: Backlog) -> int:
        account = WhatsAppAccount.objects.defer("auth_token", "secondary_auth_token").get(pk=backlog.account_id)
        if backlog.is_stuck(timezone.now()):
            deliveries = list(_get_due_deliveries(account))
            self._suspect_ids.update(delivery.pk for delivery in deliveries)
            others = deliveries
        else:
            deliveries, others = self._apply_together(account)
        for delivery in others:
            self._apply_alone(delivery, account)
        return len(deliveries)

    def _apply_together(self, account: WhatsAppAccount) -> tuple[list[WebhookDelivery], list[WebhookDelivery]]:
        """Apply a batch; return its deliveries, and those that are still to be applied alone."""
        try:
            with transaction.atomic(durable=True):
                _lock(account, is_waiting=False)
                deliveries = list(_get_due_deliveries(account).select_for_update(of=("self",)))
                new = [delivery for delivery in deliveries if not self._is_counted_first(delivery)]
                applied_ids = set(self._apply_batch(account, new)) if new else set()
                if applied_ids:
                    _mark_applied(account, applied_ids)
        except (*DATABASE_FAULTS, LockRefusedError):
            raise
        except Exception:  # one of them is at fault: each is tried alone
            logger.exception("A batch of deliveries could not be applied; applying them one by one.")
            deliveries, applied_ids = list(_get_due_deliveries(account)), set()
        self._on_progress()
        return deliveries, [delivery for delivery in deliveries if delivery.pk not in applied_ids]

    def _is_counted_first(self, delivery: WebhookDelivery) -> bool:
        """Return whether its attempt is counted before it is made, because it may end the process."""
        is_new = delivery.state == DeliveryState.STORED and delivery.attempts == 0
        return not is_new or delivery.pk in self._suspect_ids

    def _apply_alone(self, delivery: WebhookDelivery, account: WhatsAppAccount) -> None:
        is_counted = self._is_counted_first(delivery)
        if is_counted and not _count_attempt(delivery):
            return
        try:
            self._try_alone(delivery, account, is_counted=is_counted)
        except DATABASE_FAULTS:
            self._suspect_ids.add(delivery.pk)
            raise
        self._suspect_ids.discard(delivery.pk)
        self._on_progress()

    def _try_alone(self, listed: WebhookDelivery, account: WhatsAppAccount, *, is_counted: bool) -> None:
        with transaction.atomic(durable=True):
            _lock(account, is_waiting=True)
            # Not if another process has applied or counted it since it was listed.
            same = WebhookDelivery.objects.filter(pk=listed.pk, state=listed.state, attempts=listed.attempts)
            delivery = same.select_for_update(of=("self",)).first()
            if delivery is None:
                return
            delivery.account, delivery.attempts = account, listed.attempts if is_counted else listed.attempts + 1
            try:
                with transaction.atomic():
                    self._apply(delivery)
            except Exception as error:
                if isinstance(error, DATABASE_FAULTS) and not is_counted:
                    raise
                record_failure(delivery, error)
            else:
                delivery.state, delivery.error, delivery.next_attempt_at = DeliveryState.APPLIED, "", None
                delivery.needs_attention = False
            delivery.save(update_fields=["state", "attempts", "error", "next_attempt_at", "needs_attention"])
            _record_progress(account)


def get_batch_size() -> int:
    """Return how many deliveries make a batch: fewer where only one connection can write at a time."""
    return BATCH_SIZE if connection.features.has_select_for_update else SINGLE_WRITER_BATCH_SIZE


def _lock(account: WhatsAppAccount, *, is_waiting: bool) -> None:
    """Be the only one to apply this account's deliveries until the transaction ends.

    Raises:
        LockRefusedError: another process does, and this one does not wait.
    """
    if not lock_transaction(LOCK_NAMESPACE, account.pk, is_waiting=is_waiting):
        raise LockRefusedError


def _get_due_deliveries(account: WhatsAppAccount) -> Any:
    due = WebhookDelivery.objects.filter(account=account, next_attempt_at__lte=timezone.now())
    return due.order_by("next_attempt_at", "pk")[: get_batch_size()]


def _mark_applied(account: WhatsAppAccount, delivery_ids: Collection[int]) -> None:
    WebhookDelivery.objects.filter(pk__in=delivery_ids).update(
        state=DeliveryState.APPLIED, attempts=F("attempts") + 1, next_attempt_at=None
    )
    _record_progress(account)


def _record_progress(account: WhatsAppAccount) -> None:
    DeliveryProgress.objects.bulk_create(
        [DeliveryProgress(account=account, progress_at=timezone.now())],
        update_conflicts=True,
        unique_fields=["account"],
        update_fields=["progress_at"],
    )


def _count_attempt(delivery: WebhookDelivery) -> bool:
    """Commit the start of an attempt and the time of the next one; return False if another process has begun one.

    Counting before the attempt limits a delivery that hangs or kills the process to as many attempts as any other.
    """
    attempts = delivery.attempts + 1
    next_attempt_at: datetime | None = get_next_attempt_time(attempts)
    values: dict[str, Any] = {
        "state": DeliveryState.FAILED,
        "attempts": attempts,
        "next_attempt_at": next_attempt_at,
        "error": UNFINISHED_ATTEMPT_ERROR,
    }
    if next_attempt_at is None:
        values["needs_attention"] = True  # in case this last attempt does not finish
    same = WebhookDelivery.objects.filter(pk=delivery.pk, state=delivery.state, attempts=delivery.attempts)
    is_begun = same.filter(next_attempt_at__lte=timezone.now()).update(**values) == 1
    delivery.state, delivery.attempts = DeliveryState.FAILED, attempts
    return is_begun
