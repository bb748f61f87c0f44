"""`python -m tests.benchmarks.streams`: event streams of a call center on one server process, as JSON.

Each stream's events are compared with those its user may see; a missing, extra or repeated event ends the benchmark.
The database is SQLite, or PostgreSQL in the cluster that TEST_DATABASE_URL names.
"""

import asyncio
import json
import os
import re
import resource
import tempfile
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests.benchmarks.server import percentile, print_progress, read_cpu_seconds  # noqa: E402
from tests.processes.support.app_instance import AppInstance, create_template_database  # noqa: E402

AGENT_COUNT, PAGES_PER_PERSON, QUEUE_COUNT, SUPERVISOR_COUNT = 240, 4, 24, 10
STREAM_COUNT = (AGENT_COUNT + SUPERVISOR_COUNT) * PAGES_PER_PERSON
EVENTS_PER_SECOND, DURATION_SECONDS = 50, 20
MAX_CONCURRENT_OPENS, OPEN_TIMEOUT = 50, 60.0
QUIET_SECONDS = 3.0  # seconds without an event after which a page has received all of them

HINT_PATTERN = re.compile(rb'event: hint\ndata: .*"event": (\d+)}\n')


class StreamProtocol(asyncio.Protocol):
    """An open page that stores the bytes of its stream with their arrival times."""

    def __init__(self, username: str, session: str) -> None:
        self.username, self.session = username, session
        self.received: list[tuple[float, bytes]] = []
        self.last_hint_at = 0.0
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        cookie = f"Cookie: sessionid={self.session}"
        transport.write(f"GET /live/ HTTP/1.1\r\nHost: 127.0.0.1\r\n{cookie}\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        self.received.append((time.time(), data))
        if b"event: hint" in data:
            self.last_hint_at = time.time()
        if not self.opened.done() and b"event: hello" in data:
            self.opened.set_result(None)

    def hint_times(self) -> list[tuple[int, float]]:
        """Return the id of each event with the arrival time of its last byte."""
        text, end_positions, moments = b"", [], []
        for at, data in self.received:
            text += data
            end_positions.append(len(text))
            moments.append(at)
        times, read = [], 0
        for hint in HINT_PATTERN.finditer(text):
            while end_positions[read] < hint.end():
                read += 1
            times.append((int(hint[1]), moments[read]))
        return times


async def open_pages(app: AppInstance, sessions: dict[str, str]) -> list[StreamProtocol]:
    loop, turns = asyncio.get_running_loop(), asyncio.Semaphore(MAX_CONCURRENT_OPENS)

    async def open_page(username: str, session: str) -> StreamProtocol:
        async with turns:
            _, page = await loop.create_connection(lambda: StreamProtocol(username, session), "127.0.0.1", app.port)
            await asyncio.wait_for(page.opened, OPEN_TIMEOUT)
            return page

    user_sessions = [item for item in sessions.items() for _ in range(PAGES_PER_PERSON)]
    return list(await asyncio.gather(*[open_page(*item) for item in user_sessions]))


def read_memory_kb(pid: int) -> float:
    """Return the resident memory of a process in kB."""
    match = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert match is not None
    return float(match[1])


def compute_delays(
    pages: list[StreamProtocol], events: list[tuple[int, float, int]], seen_by: dict[str, list[int]]
) -> list[float]:
    """Return the seconds from each commit to each arrival.

    Raises:
        AssertionError: A page did not get exactly its events.
    """
    committed, late = {event_id: at for event_id, at, _ in events}, []
    for page in pages:
        visible = set(seen_by[page.username])
        expected = [event_id for event_id, _, subject in events if subject in visible]
        arrived = page.hint_times()
        got = [event_id for event_id, _ in arrived]
        missing, foreign = len(set(expected) - set(got)), len(set(got) - set(expected))
        assert got == expected, (
            f"A page of {page.username} missed {missing} of {len(expected)} events, got {foreign} more."
        )
        late += [at - committed[event_id] for event_id, at in arrived]
    return late


async def measure(app: AppInstance) -> dict[str, float]:
    server = app.processes[0].pid
    sessions = app.call("create_call_center", agents=AGENT_COUNT, queues=QUEUE_COUNT, supervisors=SUPERVISOR_COUNT)
    print_progress(f"opening {STREAM_COUNT} streams")
    before, begin = read_memory_kb(server), time.monotonic()
    pages = await open_pages(app, sessions)
    opened, grown = time.monotonic() - begin, read_memory_kb(server) - before
    print_progress(f"{EVENTS_PER_SECOND} events a second for {DURATION_SECONDS} s")
    used = read_cpu_seconds(server)
    events = await asyncio.to_thread(
        app.call, "publish_changes", per_second=EVENTS_PER_SECOND, seconds=DURATION_SECONDS
    )
    used = (read_cpu_seconds(server) - used) / DURATION_SECONDS
    while any(
        page.last_hint_at > time.time() - QUIET_SECONDS for page in pages
    ):  # A late event counts as late, not as lost.
        await asyncio.sleep(0.5)
    for page in pages:
        page.transport.abort()
    late = compute_delays(pages, events, await asyncio.to_thread(app.call, "visible_conversations_by_user"))
    return {
        f"{STREAM_COUNT} streams: hints delivered": float(len(late)),
        f"{STREAM_COUNT} streams: opening all (s)": opened,
        f"{STREAM_COUNT} streams: memory each (kB)": grown / len(pages),
        f"{STREAM_COUNT} streams: server (% of a core)": 100 * used,
        f"{STREAM_COUNT} streams: commit to page, p50 (ms)": 1000 * percentile(late, 0.5),
        f"{STREAM_COUNT} streams: commit to page, p95 (ms)": 1000 * percentile(late, 0.95),
    }


def main() -> None:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit, 4 * STREAM_COUNT), limit))
    with tempfile.TemporaryDirectory(prefix="omnichannel-bench-") as folder:
        (Path(folder) / "blank").mkdir()
        blank = create_template_database(Path(folder) / "blank")
        with AppInstance(Path(folder), template=blank) as desk:
            desk.environment["LOG_LEVEL"] = "WARNING"
            desk.start_server("--no-worker")
            figures = asyncio.run(measure(desk))
        blank.drop()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
