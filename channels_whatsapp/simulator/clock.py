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

from channels_whatsapp.simulator.errors import FAILURES
from channels_whatsapp.simulator.models import Errand, ErrandKind, ErrandState, Media, Message
from channels_whatsapp.simulator.sending import schedule_failure, schedule_outcome
from channels_whatsapp.simulator.webhooks import Answer, post

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
BATCH = 16
THREADS = 8
LEASE = timedelta(minutes=3)  # longer than a batch to a desk that answers nothing; then another process tries

LARGEST_FILE = 16 * 1024 * 1024
FETCH_SECONDS = 10
KNOWN_TYPES = (
    "image/jpeg", "image/png", "image/webp", "audio/", "video/mp4", "video/3gpp", "application/pdf",
    "application/msword", "application/vnd.", "text/vcard", "text/x-vcard",
)  # fmt: skip


@dataclass(frozen=True)
class File:
    """A file that came for an outbound message."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Result:
    """What an errand brought back."""

    answer: Answer
    files: tuple[File, ...] = ()
    failure: int | None = None


def run_due(now: datetime | None = None) -> int:
    """Do everything that is due, and say how much that was. Posts happen outside any transaction.

    What is due for one chat is done in order; chats don't wait for each other.
    """
    now = now or timezone.now()
    errands = _claim(now)
    if not errands:
        return 0
    _take_statuses(errands, now)
    rounds = [list(group) for _, group in itertools.groupby(errands, key=_chat)]
    with ThreadPoolExecutor(min(THREADS, len(rounds))) as pool:
        results = [result for group in pool.map(_do_in_order, rounds) for result in group]
    with transaction.atomic():
        for errand, result in zip(errands, results, strict=True):
            _record(errand, result, now)
    return len(errands)


def run_forever(stop: threading.Event) -> None:
    """Run what is due, five times a second, until `stop` is set."""
    try:
        while not stop.is_set():
            if not _run_guarded():
                stop.wait(POLL_SECONDS)
    finally:
        connection.close()


def _run_guarded() -> int:
    try:
        return run_due()
    except Exception:  # the thread must outlive a database that is away for a moment, and whatever else goes wrong
        log.exception("The simulator's clock stumbled and goes on")
        close_old_connections()
        return 0


def _chat(errand: Errand) -> tuple[int, int]:
    return errand.message.customer_id, errand.message.sender_id


def _claim(now: datetime) -> list[Errand]:
    """Errands that are ours for a while; none of them is anybody else's."""
    free = Q(state=ErrandState.DUE) | Q(state=ErrandState.RUNNING, lease_until__lt=now)
    due = Errand.objects.filter(free, due_at__lte=now)
    candidates = list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:BATCH])
    if not candidates:
        return []
    owner = uuid.uuid4()
    due.filter(pk__in=candidates).update(state=ErrandState.RUNNING, owner=owner, lease_until=now + LEASE)
    ours = Errand.objects.filter(owner=owner).select_related("message__sender__account", "message__customer")
    return list(ours.order_by("message__customer_id", "message__sender_id", "due_at", "pk"))


def _take_statuses(errands: Iterable[Errand], now: datetime) -> None:
    with transaction.atomic():
        for errand in errands:
            if errand.kind == ErrandKind.STATUS:
                reason = FAILURES[errand.error_code] if errand.error_code else ""
                errand.message.take_status(errand.status, code=errand.error_code, reason=reason, now=now)


def _do_in_order(errands: list[Errand]) -> list[Result]:
    return [_do(errand) for errand in errands]


def _do(errand: Errand) -> Result:
    """The part that uses the network, and no database: it runs in a pool of threads."""
    if errand.kind == ErrandKind.FETCH:
        return _fetch_all(errand.params.values())
    if not errand.url:
        missing = "No webhook address is set for this number." if errand.kind == ErrandKind.INBOUND else ""
        return Result(Answer(None, missing))
    return Result(post(errand, errand.message.sender))


def _record(errand: Errand, result: Result, now: datetime) -> None:
    Errand.objects.filter(pk=errand.pk).update(
        state=ErrandState.DONE,
        attempts=errand.attempts + 1,
        http_status=result.answer.status,
        complaint=result.answer.complaint[:500],
    )
    Message.objects.filter(pk=errand.message_id).update(updated_at=now)
    if errand.kind != ErrandKind.FETCH:
        return
    for file in result.files:
        media = Media(message=errand.message, content_type=file.content_type, filename=file.name[:200])
        media.file.save(media.sid, ContentFile(file.content))
    if result.failure:
        schedule_failure(errand.message, result.failure, now)
    else:
        schedule_outcome(errand.message, now)


# -- Files of outbound messages ------------------------------------------------------------------------------------


def _fetch_all(urls: Iterable[str]) -> Result:
    """Fetch each file, or say why WhatsApp gets none of them."""
    result = Result(Answer(None))
    for url in urls:
        try:
            file = _fetch(url)
        except (requests.RequestException, ValueError) as error:
            return Result(Answer(None, f"63019: {error}"), failure=63019)
        if not file.content_type.startswith(KNOWN_TYPES):
            return Result(Answer(None, f"63021: WhatsApp takes no {file.content_type}."), failure=63021)
        result = replace(result, files=(*result.files, file))
    return result


def _fetch(url: str) -> File:
    with requests.Session() as session:
        session.trust_env = False  # no proxy and no .netrc between this server and itself
        with session.get(
            url, timeout=FETCH_SECONDS, stream=True, headers={"User-Agent": "TwilioProxy/1.1"}
        ) as response:
            response.raise_for_status()
            content = response.raw.read(LARGEST_FILE + 1, decode_content=True)
            content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if len(content) > LARGEST_FILE:
        raise ValueError("The file is larger than 16 MB.")
    return File(url.partition("?")[0].rstrip("/").rpartition("/")[2] or "file", content_type, content)
