"""`python -m tests.benchmarks.server`: measurements of webhooks, replies and live events, as JSON.

Progress goes to standard error. The database is SQLite, or PostgreSQL in the cluster that TEST_DATABASE_URL names.
"""

import asyncio
import itertools
import json
import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests.processes.support.app_instance import START_TIMEOUT, AppInstance, create_template_database  # noqa: E402
from tests.processes.support.managed_process import wait_until  # noqa: E402
from tests.processes.support.webhook_sender import build_text_form, post_signed_form  # noqa: E402

WEBHOOK_THREADS, CUSTOMER_COUNT, WEBHOOK_SECONDS = 8, 50, 6.0
IDLE_SECONDS = 20.0  # with every frequent periodic job
START_SECONDS = 5.0  # the work of a start, such as the first run of each periodic job
APPLY_TIMEOUT = 120.0
REPLY_COUNT = 40
STREAM_COUNT, BROADCAST_COUNT = 200, 12

Figures = dict[str, float]


def print_progress(text: str) -> None:
    print(f"  {text} …", file=sys.stderr, flush=True)


def percentile(values: list[float], part: float) -> float:
    """Return the value that this part (0 to 1) of all values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def measure_webhooks(app: AppInstance, shop: dict[str, str]) -> Figures:
    """Measure signed text messages on eight connections at full speed."""
    print_progress(f"webhooks from {WEBHOOK_THREADS} connections for {WEBHOOK_SECONDS:.0f} s")
    path, numbers = f"/webhooks/whatsapp/{shop['key']}/inbound/", itertools.count()
    durations: list[float] = []
    started_at = time.monotonic()
    deadline = started_at + WEBHOOK_SECONDS

    def keep_posting() -> None:
        while time.monotonic() < deadline:
            form = build_text_form(shop, next(numbers) % CUSTOMER_COUNT, "Where is my order?")
            begin = time.monotonic()
            if post_signed_form(app.url, path, form) != 200:
                raise AssertionError("A webhook was not answered with 200.")
            durations.append(time.monotonic() - begin)

    threads = [threading.Thread(target=keep_posting) for _ in range(WEBHOOK_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print_progress("the deliveries that are still to be applied")
    app.wait_until_applied(APPLY_TIMEOUT)
    seconds = time.monotonic() - started_at
    assert app.call("count_records")["messages"] == len(durations), "A message was lost."
    figures = {f"webhook, p{part} (ms)": 1000 * percentile(durations, part / 100) for part in (50, 95, 99)}
    return {
        "webhooks stored per second": len(durations) / WEBHOOK_SECONDS,
        "webhooks stored and applied per second": len(durations) / seconds,
        **figures,
    }


def read_cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure_idle_cpu(app: AppInstance) -> Figures:
    """Measure the processor time of server and worker while nothing happens, in percent of a core."""
    print_progress(f"nothing for {IDLE_SECONDS:.0f} s")
    time.sleep(START_SECONDS)
    pids = {
        "worker": app.worker_pids()[-1],
        "delivery worker": app.delivery_worker_pids()[-1],
        "server": app.processes[0].pid,
    }
    before = {name: read_cpu_seconds(pid) for name, pid in pids.items()}
    time.sleep(IDLE_SECONDS)
    used = {name: read_cpu_seconds(pid) - before[name] for name, pid in pids.items()}
    return {f"idle {name} (% of a core)": 100 * seconds / IDLE_SECONDS for name, seconds in used.items()}


def measure_reply_pickup(app: AppInstance) -> Figures:
    """Measure how long a reply waits for an idle worker."""
    print_progress(f"{REPLY_COUNT} replies, one at a time")
    spread = random.Random(1)
    app.call("create_customer_conversations", count=REPLY_COUNT)
    for place in range(REPLY_COUNT):
        app.call("send_one_reply", index=place)
        time.sleep(spread.uniform(0.02, 0.18))
    wait_until(lambda: len(app.call("reply_pickup_delays")) == REPLY_COUNT, 30, "every reply was taken by the worker")
    waited = app.call("reply_pickup_delays")
    return {f"pick-up of a reply, p{part} (ms)": 1000 * percentile(waited, part / 100) for part in (50, 95)}


async def record_arrivals(
    app: AppInstance, session: str, opened: asyncio.Barrier, commits: dict[int, float]
) -> dict[int, float]:
    """Record the arrival time of each event on one stream until all changes in `commits` have arrived."""
    reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
    writer.write(f"GET /live/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: sessionid={session}\r\n\r\n".encode())
    arrival_times: dict[int, float] = {}
    while len(commits) < BROADCAST_COUNT or not commits.keys() <= arrival_times.keys():
        line = (await reader.readline()).decode().strip()
        if line == "event: hello":
            await opened.wait()
        elif line.startswith('data: {"kind"'):
            arrival_times[json.loads(line.removeprefix("data: "))["event"]] = time.time()
    writer.close()
    return arrival_times


async def _measure_broadcasts(app: AppInstance, session: str) -> list[float]:
    opened, commits = asyncio.Barrier(STREAM_COUNT + 1), dict[int, float]()
    streams = [asyncio.create_task(record_arrivals(app, session, opened, commits)) for _ in range(STREAM_COUNT)]
    await asyncio.wait_for(opened.wait(), START_TIMEOUT)
    for _ in range(BROADCAST_COUNT):
        event_id, moment = await asyncio.to_thread(app.call, "publish_change_with_time")
        commits[event_id] = moment
        await asyncio.sleep(random.Random(event_id).uniform(0.1, 0.5))
    # The app publishes events of its own meanwhile. This one makes each stream look once more at what has arrived.
    await asyncio.to_thread(app.call, "publish_change")
    arrivals_by_stream = await asyncio.wait_for(asyncio.gather(*streams), START_TIMEOUT)
    return [arrivals[event_id] - moment for arrivals in arrivals_by_stream for event_id, moment in commits.items()]


def measure_live_events(app: AppInstance) -> Figures:
    """Measure the time from a commit to the arrival on each of many streams."""
    print_progress(f"{BROADCAST_COUNT} changes for {STREAM_COUNT} open pages")
    app.call("publish_change")
    late = asyncio.run(_measure_broadcasts(app, app.call("sign_in", username="dana")))
    return {f"commit to {STREAM_COUNT} pages, p{part} (ms)": 1000 * percentile(late, part / 100) for part in (50, 95)}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="omnichannel-bench-") as folder:
        (Path(folder) / "blank").mkdir()
        blank = create_template_database(Path(folder) / "blank")
        with AppInstance(Path(folder), template=blank) as desk:
            desk.environment["LOG_LEVEL"] = "WARNING"
            shop = desk.call("create_shop")
            desk.start_server()
            wait_until(desk.worker_is_running, START_TIMEOUT, "the worker runs")
            wait_until(desk.delivery_worker_is_running, START_TIMEOUT, "the worker for deliveries runs")
            figures = {
                # First: conversations that wait for an agent would keep the worker busy.
                **measure_idle_cpu(desk),
                **measure_webhooks(desk, shop),
                **measure_live_events(desk),
                **measure_reply_pickup(desk),
            }
        blank.drop()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
