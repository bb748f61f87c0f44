"""Run scheduled tasks when they are due, each in one of the running processes."""

import itertools
import logging
import threading
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import Message as HeaderBlock
from email.utils import collapse_rfc2231_value
from typing import Any

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
LEASE_DURATION = timedelta(minutes=3)  # longer than a batch in which every post times out

MAX_FILE_SIZE = 16 * 1024 * 1024
FETCH_TIMEOUT_SECONDS = 10
SUPPORTED_CONTENT_TYPES = (
    "image/jpeg", "image/png", "image/webp", "audio/", "video/mp4", "video/3gpp", "application/pdf",
    "application/msword", "application/vnd.", "text/vcard", "text/x-vcard",
)  # fmt: skip


@dataclass(frozen=True)
class FetchedFile:
    """A file fetched for an outbound message."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class TaskResult:
    """The result of a task."""

    response: WebhookResponse
    files: tuple[FetchedFile, ...] = ()
    error_code: int | None = None


def run_due_tasks(now: datetime | None = None) -> int:
    """Run all due tasks and return how many there were. Posts happen outside any transaction.

    The tasks of one chat run in order; chats do not wait for each other.
    """
    now = now or timezone.now()
    tasks = _claim_tasks(now)
    if not tasks:
        return 0
    _apply_statuses(tasks, now)
    chats = [list(group) for _, group in itertools.groupby(tasks, key=_get_chat_key)]
    with ThreadPoolExecutor(min(MAX_THREADS, len(chats))) as pool:
        results = [result for chat_results in pool.map(_run_in_order, chats) for result in chat_results]
    with transaction.atomic():
        for task, result in zip(tasks, results, strict=True):
            _save_result(task, result, now)
    return len(tasks)


def run_forever(stop: threading.Event) -> None:
    """Run due tasks five times a second until `stop` is set."""
    try:
        while not stop.is_set():
            if not _run_and_log_errors():
                stop.wait(POLL_SECONDS)
    finally:
        connection.close()


def _run_and_log_errors() -> int:
    try:
        return run_due_tasks()
    except Exception:  # the thread must survive any error, such as a short outage of the database
        logger.exception("The simulator's scheduler failed once and continues.")
        close_old_connections()
        return 0


def _get_chat_key(task: ScheduledTask) -> tuple[int, int]:
    return task.message.customer_id, task.message.sender_id


def _claim_tasks(now: datetime) -> list[ScheduledTask]:
    """Lease due tasks to this process, so that no other process runs them."""
    is_free = Q(state=TaskState.DUE) | Q(state=TaskState.RUNNING, lease_until__lt=now)
    due = ScheduledTask.objects.filter(is_free, due_at__lte=now)
    candidates = list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:BATCH_SIZE])
    if not candidates:
        return []
    owner = uuid.uuid4()
    due.filter(pk__in=candidates).update(state=TaskState.RUNNING, owner=owner, lease_until=now + LEASE_DURATION)
    claimed = ScheduledTask.objects.filter(owner=owner).select_related("message__sender__account", "message__customer")
    return list(claimed.order_by("message__customer_id", "message__sender_id", "due_at", "pk"))


def _apply_statuses(tasks: Iterable[ScheduledTask], now: datetime) -> None:
    with transaction.atomic():
        for task in tasks:
            if task.kind == TaskKind.STATUS:
                reason = DELIVERY_ERRORS[task.error_code] if task.error_code else ""
                task.message.advance_status(task.status, code=task.error_code, reason=reason, now=now)


def _run_in_order(tasks: list[ScheduledTask]) -> list[TaskResult]:
    return [_run_task(task) for task in tasks]


def _run_task(task: ScheduledTask) -> TaskResult:
    """Do the network part of a task, without the database: this runs in a thread pool."""
    if task.kind == TaskKind.FETCH:
        return _fetch_files(task.params.values())
    if not task.url:
        error = "No webhook URL is set for this number." if task.kind == TaskKind.INBOUND else ""
        return TaskResult(WebhookResponse(None, error))
    return TaskResult(post_webhook(task, task.message.sender))


def _save_result(task: ScheduledTask, result: TaskResult, now: datetime) -> None:
    ScheduledTask.objects.filter(pk=task.pk).update(
        state=TaskState.DONE,
        attempts=task.attempts + 1,
        http_status=result.response.status,
        error=result.response.error[:500],
    )
    Message.objects.filter(pk=task.message_id).update(updated_at=now)
    if task.kind != TaskKind.FETCH:
        return
    for file in result.files:
        media = Media(message=task.message, content_type=file.content_type, filename=file.name[:200])
        media.file.save(media.sid, ContentFile(file.content))
    if result.error_code:
        schedule_failure(task.message, result.error_code, now)
    else:
        schedule_outcome(task.message, now)


# -- Files of outbound messages ------------------------------------------------------------------------------------


def _fetch_files(urls: Iterable[str]) -> TaskResult:
    """Fetch all files; the result has an error code if WhatsApp would not get them."""
    result = TaskResult(WebhookResponse(None))
    for url in urls:
        try:
            file = _fetch_file(url)
        except (requests.RequestException, ValueError) as error:
            return TaskResult(WebhookResponse(None, f"63019: {error}"), error_code=63019)
        if not file.content_type.startswith(SUPPORTED_CONTENT_TYPES):
            return TaskResult(
                WebhookResponse(None, f"63021: WhatsApp does not support {file.content_type}."), error_code=63021
            )
        result = replace(result, files=(*result.files, file))
    return result


def _fetch_file(url: str) -> FetchedFile:
    with requests.Session() as session:
        session.trust_env = False  # no proxy and no .netrc for requests to this server itself
        with session.get(
            url, timeout=FETCH_TIMEOUT_SECONDS, stream=True, headers={"User-Agent": "TwilioProxy/1.1"}
        ) as response:
            response.raise_for_status()
            content = response.raw.read(MAX_FILE_SIZE + 1, decode_content=True)
            content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            name = _parse_file_name(response.headers.get("Content-Disposition", ""))
    if len(content) > MAX_FILE_SIZE:
        raise ValueError("The file is larger than 16 MB.")
    name_in_url = url.partition("?")[0].rstrip("/").rpartition("/")[2]
    return FetchedFile(name or name_in_url or "file", content_type, content)


def _parse_file_name(content_disposition: str) -> str:
    """Return the file name of a Content-Disposition header, the encoded one if it has both; "" without one."""
    headers = HeaderBlock()
    headers["Content-Disposition"] = content_disposition
    params: list[tuple[str, Any]] = headers.get_params([], header="Content-Disposition") or []
    names = [value for name, value in params if name.lower() == "filename"]
    encoded_names = [value for value in names if isinstance(value, tuple)]  # of filename*, with their character set
    return next((collapse_rfc2231_value(value) for value in [*encoded_names, *names]), "")
