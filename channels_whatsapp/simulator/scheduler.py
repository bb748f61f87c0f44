"""Twilio's clock: what is due is done, by one process of however many are running."""

import itertools
import logging
import threading
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import requests
from django.core.files.base import ContentFile
from django.db import close_old_connections, connection, transaction
from django.db.models import Q
from django.utils import timezone

from channels_whatsapp.simulator.api.errors import DELIVERY_ERRORS
from channels_whatsapp.simulator.messages.outbound import schedule_failure, schedule_outcome
from channels_whatsapp.simulator.models import Media, Message, ScheduledTask, TaskKind, TaskState
from channels_whatsapp.simulator.webhooks import WebhookResponse, post_webhook

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.2
BATCH_SIZE = 16
MAX_THREADS = 8
LEASE_DURATION = timedelta(minutes=3)  # longer than a batch to a desk that answers nothing; then another process tries

MAX_FILE_SIZE = 16 * 1024 * 1024
FETCH_TIMEOUT_SECONDS = 10
SUPPORTED_CONTENT_TYPES = (
    "image/jpeg", "image/png", "image/webp", "audio/", "video/mp4", "video/3gpp", "application/pdf",
    "application/msword", "application/vnd.", "text/vcard", "text/x-vcard",
)  # fmt: skip


@dataclass(frozen=True)
class FetchedFile:
    """A file that came for an outbound message."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class TaskResult:
    """What an errand brought back."""

    response: WebhookResponse
    files: tuple[FetchedFile, ...] = ()
    error_code: int | None = None


def run_due_tasks(now: datetime | None = None) -> int:
    """Do everything that is due, and say how much that was. Posts happen outside any transaction.

    What is due for one chat is done in order; chats don't wait for each other.
    """
    now = now or timezone.now()
    errands = _claim_tasks(now)
    if not errands:
        return 0
    _apply_statuses(errands, now)
    rounds = [list(group) for _, group in itertools.groupby(errands, key=_get_chat_key)]
    with ThreadPoolExecutor(min(MAX_THREADS, len(rounds))) as pool:
        results = [result for group in pool.map(_run_in_order, rounds) for result in group]
    with transaction.atomic():
        for errand, result in zip(errands, results, strict=True):
            _save_result(errand, result, now)
    return len(errands)


def run_forever(stop: threading.Event) -> None:
    """Run what is due, five times a second, until `stop` is set."""
    try:
        while not stop.is_set():
            if not _run_and_log_errors():
                stop.wait(POLL_SECONDS)
    finally:
        connection.close()


def _run_and_log_errors() -> int:
    try:
        return run_due_tasks()
    except Exception:  # the thread must outlive a database that is away for a moment, and whatever else goes wrong
        logger.exception("The simulator's clock stumbled and goes on")
        close_old_connections()
        return 0


def _get_chat_key(errand: ScheduledTask) -> tuple[int, int]:
    return errand.message.customer_id, errand.message.sender_id


def _claim_tasks(now: datetime) -> list[ScheduledTask]:
    """Errands that are ours for a while; none of them is anybody else's."""
    free = Q(state=TaskState.DUE) | Q(state=TaskState.RUNNING, lease_until__lt=now)
    due = ScheduledTask.objects.filter(free, due_at__lte=now)
    candidates = list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:BATCH_SIZE])
    if not candidates:
        return []
    owner = uuid.uuid4()
    due.filter(pk__in=candidates).update(state=TaskState.RUNNING, owner=owner, lease_until=now + LEASE_DURATION)
    ours = ScheduledTask.objects.filter(owner=owner).select_related("message__sender__account", "message__customer")
    return list(ours.order_by("message__customer_id", "message__sender_id", "due_at", "pk"))


def _apply_statuses(errands: Iterable[ScheduledTask], now: datetime) -> None:
    with transaction.atomic():
        for errand in errands:
            if errand.kind == TaskKind.STATUS:
                reason = DELIVERY_ERRORS[errand.error_code] if errand.error_code else ""
                errand.message.advance_status(errand.status, code=errand.error_code, reason=reason, now=now)


def _run_in_order(errands: list[ScheduledTask]) -> list[TaskResult]:
    return [_run_task(errand) for errand in errands]


def _run_task(errand: ScheduledTask) -> TaskResult:
    """The part that uses the network, and no database: it runs in a pool of threads."""
    if errand.kind == TaskKind.FETCH:
        return _fetch_files(errand.params.values())
    if not errand.url:
        missing = "No webhook address is set for this number." if errand.kind == TaskKind.INBOUND else ""
        return TaskResult(WebhookResponse(None, missing))
    return TaskResult(post_webhook(errand, errand.message.sender))


def _save_result(errand: ScheduledTask, result: TaskResult, now: datetime) -> None:
    ScheduledTask.objects.filter(pk=errand.pk).update(
        state=TaskState.DONE,
        attempts=errand.attempts + 1,
        http_status=result.response.status,
        error=result.response.error[:500],
    )
    Message.objects.filter(pk=errand.message_id).update(updated_at=now)
    if errand.kind != TaskKind.FETCH:
        return
    for file in result.files:
        media = Media(message=errand.message, content_type=file.content_type, filename=file.name[:200])
        media.file.save(media.sid, ContentFile(file.content))
    if result.error_code:
        schedule_failure(errand.message, result.error_code, now)
    else:
        schedule_outcome(errand.message, now)


# -- Files of outbound messages ------------------------------------------------------------------------------------


def _fetch_files(urls: Iterable[str]) -> TaskResult:
    """Fetch each file, or say why WhatsApp gets none of them."""
    result = TaskResult(WebhookResponse(None))
    for url in urls:
        try:
            file = _fetch_file(url)
        except (requests.RequestException, ValueError) as error:
            return TaskResult(WebhookResponse(None, f"63019: {error}"), error_code=63019)
        if not file.content_type.startswith(SUPPORTED_CONTENT_TYPES):
            return TaskResult(WebhookResponse(None, f"63021: WhatsApp takes no {file.content_type}."), error_code=63021)
        result = replace(result, files=(*result.files, file))
    return result


def _fetch_file(url: str) -> FetchedFile:
    with requests.Session() as session:
        session.trust_env = False  # no proxy and no .netrc between this server and itself
        with session.get(
            url, timeout=FETCH_TIMEOUT_SECONDS, stream=True, headers={"User-Agent": "TwilioProxy/1.1"}
        ) as response:
            response.raise_for_status()
            content = response.raw.read(MAX_FILE_SIZE + 1, decode_content=True)
            content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if len(content) > MAX_FILE_SIZE:
        raise ValueError("The file is larger than 16 MB.")
    return FetchedFile(url.partition("?")[0].rstrip("/").rpartition("/")[2] or "file", content_type, content)
