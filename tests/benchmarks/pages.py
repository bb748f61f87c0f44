"""`python -m tests.benchmarks.pages`: how much longer pages take when there is much to show, and what they weigh; JSON.

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

from tests.benchmarks.measure import say  # noqa: E402
from tests.journeys.weight import ARGUMENTS, CHROMIUM, first_visit  # noqa: E402
from tests.processes.desk import Desk, blank_database  # noqa: E402

FEW_MESSAGES, MANY_MESSAGES = 50, 10_000
FEW_WAITING, MANY_WAITING = 200, 20_000
TIMES = 25

Figures = dict[str, float]


def opening(desk: Desk, session: str, *paths: str) -> list[float]:
    """The median time of each page, asked for in turns so that whatever else happens hits all of them."""
    connection = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=60)
    took: dict[str, list[float]] = {path: [] for path in paths}
    for turn in range(TIMES + 3):
        for path in paths:
            begin = time.perf_counter()
            connection.request("GET", path, headers={"Cookie": f"sessionid={session}"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, path
            if turn >= 3:
                took[path].append(time.perf_counter() - begin)
    return [1000 * statistics.median(took[path]) for path in paths]


def conversations(desk: Desk, session: str) -> Figures:
    say(f"opening a conversation of {FEW_MESSAGES} and one of {MANY_MESSAGES} messages")
    pks = [desk.ask("talk", messages=count) for count in (FEW_MESSAGES, MANY_MESSAGES)]
    few, many = opening(desk, session, *[f"/desk/conversations/{pk}/" for pk in pks])
    return {
        f"open {FEW_MESSAGES} messages (ms)": few,
        f"open {MANY_MESSAGES} messages (ms)": many,
        f"{MANY_MESSAGES} to {FEW_MESSAGES} messages": many / few,
    }


def inboxes(desk: Desk, session: str) -> Figures:
    say(f"opening the inbox with {FEW_WAITING} and with {MANY_WAITING} conversations")
    desk.ask("many_wait", conversations=FEW_WAITING)
    (few,) = opening(desk, session, "/desk/?view=open")
    desk.ask("many_wait", conversations=MANY_WAITING - FEW_WAITING)
    (many,) = opening(desk, session, "/desk/?view=open")
    return {
        f"inbox of {FEW_WAITING} (ms)": few,
        f"inbox of {MANY_WAITING} (ms)": many,
        f"inbox, {MANY_WAITING} to {FEW_WAITING}": many / few,
    }


def weights(desk: Desk, session: str) -> Figures:
    say("first visits in a browser")
    pk, figures = desk.ask("talk", messages=FEW_MESSAGES), {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for page, path in {"inbox": "/desk/", "conversation": f"/desk/conversations/{pk}/"}.items():
            seen = first_visit(browser, desk.url, path, session)
            figures |= {f"{page}, first visit (kB)": seen.kilobytes, f"{page}, requests": float(len(seen.addresses))}
        browser.close()
    return figures


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="omnichannel-bench-") as folder:
        (Path(folder) / "blank").mkdir()
        blank = blank_database(Path(folder) / "blank")
        with Desk(Path(folder), blank=blank) as desk:
            desk.environment["LOG_LEVEL"] = "WARNING"
            desk.ask("open_shop")
            session = desk.ask("sign_in", username="dana")
            desk.serve("--no-worker")
            figures = {**weights(desk, session), **conversations(desk, session), **inboxes(desk, session)}
        blank.drop()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
