"""`python -m tests.benchmarks.pages`: load times with few and many rows, and page weights, as JSON.

The database is SQLite, or PostgreSQL in the cluster that TEST_DATABASE_URL names.
"""

import http.client
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from playwright.sync_api import sync_playwright  # noqa: E402

from tests.benchmarks.server import print_progress  # noqa: E402
from tests.browsers import CHROMIUM_ARGUMENTS, CHROMIUM_PATH  # noqa: E402
from tests.journeys.quality.page_weight import measure_first_visit  # noqa: E402
from tests.processes.support.app_instance import AppInstance, create_template_database  # noqa: E402

FEW_MESSAGES, MANY_MESSAGES = 50, 10_000
FEW_CONVERSATIONS, MANY_CONVERSATIONS = 200, 20_000
REPETITIONS = 25

Figures = dict[str, float]


def median_load_times(app: AppInstance, session: str, *paths: str) -> list[float]:
    """Return the median milliseconds of each page, requested in turns so that outside load affects all alike."""
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=60)
    durations: dict[str, list[float]] = {path: [] for path in paths}
    for turn in range(REPETITIONS + 3):
        for path in paths:
            begin = time.perf_counter()
            connection.request("GET", path, headers={"Cookie": f"sessionid={session}"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, path
            if turn >= 3:
                durations[path].append(time.perf_counter() - begin)
    return [1000 * statistics.median(durations[path]) for path in paths]


def measure_conversations(app: AppInstance, session: str) -> Figures:
    print_progress(f"opening a conversation of {FEW_MESSAGES} and one of {MANY_MESSAGES} messages")
    pks = [app.call("create_long_conversation", messages=count) for count in (FEW_MESSAGES, MANY_MESSAGES)]
    few, many = median_load_times(app, session, *[f"/desk/conversations/{pk}/" for pk in pks])
    return {
        f"open {FEW_MESSAGES} messages (ms)": few,
        f"open {MANY_MESSAGES} messages (ms)": many,
        f"{MANY_MESSAGES} to {FEW_MESSAGES} messages": many / few,
    }


def measure_inboxes(app: AppInstance, session: str) -> Figures:
    print_progress(f"opening the inbox with {FEW_CONVERSATIONS} and with {MANY_CONVERSATIONS} conversations")
    app.call("create_waiting_conversations", conversations=FEW_CONVERSATIONS)
    (few,) = median_load_times(app, session, "/desk/?view=open")
    app.call("create_waiting_conversations", conversations=MANY_CONVERSATIONS - FEW_CONVERSATIONS)
    (many,) = median_load_times(app, session, "/desk/?view=open")
    return {
        f"inbox of {FEW_CONVERSATIONS} (ms)": few,
        f"inbox of {MANY_CONVERSATIONS} (ms)": many,
        f"inbox, {MANY_CONVERSATIONS} to {FEW_CONVERSATIONS}": many / few,
    }


def measure_page_weights(app: AppInstance, session: str) -> Figures:
    print_progress("first visits in a browser")
    pk = app.call("create_long_conversation", messages=FEW_MESSAGES)
    figures: Figures = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM_PATH, args=CHROMIUM_ARGUMENTS)
        for page, path in {"inbox": "/desk/", "conversation": f"/desk/conversations/{pk}/"}.items():
            visit = measure_first_visit(browser, app.url, path, session)
            figures |= {f"{page}, first visit (kB)": visit.kilobytes, f"{page}, requests": float(len(visit.urls))}
        browser.close()
    return figures


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="omnichannel-bench-") as folder:
        (Path(folder) / "blank").mkdir()
        blank = create_template_database(Path(folder) / "blank")
        with AppInstance(Path(folder), template=blank) as desk:
            desk.environment["LOG_LEVEL"] = "WARNING"
            desk.call("create_shop")
            session = desk.call("sign_in", username="dana")
            desk.start_server("--no-worker")
            figures = {
                **measure_page_weights(desk, session),
                **measure_conversations(desk, session),
                **measure_inboxes(desk, session),
            }
        blank.drop()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
