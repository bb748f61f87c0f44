"""PostgreSQL is killed, and frozen, under a server with open pages: nothing falls silent, and nothing hangs for long.

It has a cluster of its own, so `make test` runs it once.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.postgres import Cluster, cluster
from tests.processes.databases import Database
from tests.processes.desk import STARTS_WITHIN, Desk, environment
from tests.processes.programs import wait_until
from tests.processes.streams import Stream
from tests.processes.twilio import post, text_message

pytestmark = pytest.mark.process

PAGES = 10
STATEMENT_SECONDS = 2
TWILIO_WAITS = 15
_open = build_opener(ProxyHandler({})).open


@pytest.fixture
def postgres() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


@pytest.fixture
def desk(tmp_path: Path, postgres: Cluster) -> Iterator[Desk]:
    """A desk on that cluster, whose statements may take two seconds."""
    database = Database(tmp_path, cluster=postgres.url)
    database.migrate(environment(tmp_path, database))
    with Desk(tmp_path, database=database) as fresh:
        fresh.environment["TEST_STATEMENT_SECONDS"] = str(STATEMENT_SECONDS)
        yield fresh


@pytest.fixture
def shop(desk: Desk) -> dict[str, str]:
    opened: dict[str, str] = desk.ask("open_shop")
    return opened


@pytest.fixture
def pages(desk: Desk, shop: dict[str, str]) -> Iterator[list[Stream]]:
    """Ten pages that Dana has open, at a server that runs with its worker."""
    session = str(desk.ask("sign_in", username="dana"))
    desk.serve()
    wait_until(desk.worker_is_running, STARTS_WITHIN, "the worker runs")
    opened = [Stream(desk.port, session) for _ in range(PAGES)]
    assert [page.next_event() for page in opened] == ["hello"] * PAGES
    yield opened
    for page in opened:
        page.connection.close()


def status(desk: Desk, path: str) -> int:
    try:
        with _open(desk.url + path, timeout=TWILIO_WAITS) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def deliver(desk: Desk, shop: dict[str, str], customer: int) -> tuple[int, float]:
    """Twilio delivers a message; the status of the answer and the seconds it took."""
    begin = time.monotonic()
    path = f"/webhooks/whatsapp/{shop['key']}/inbound/"
    return post(desk.url, path, text_message(shop, customer, "Hello?")), time.monotonic() - begin


def hear_all(pages: list[Stream], events: list[int]) -> None:
    """Every page is told of each of these events."""
    for page in pages:
        told: set[int] = set()
        while not told.issuperset(events):
            assert page.next_event() == "hint"
            told.add(page.last_id)


def test_after_postgresql_was_killed_every_open_page_hears_of_every_event(
    desk: Desk, shop: dict[str, str], pages: list[Stream], postgres: Cluster
) -> None:
    hear_all(pages, [desk.ask("change_and_time")[0]])
    postgres.kill()
    wait_until(lambda: status(desk, "/health/ready/") == 503, 20, "the server says that its database is away")
    assert status(desk, "/health/live/") == 200
    refused, _ = deliver(desk, shop, 1)
    assert refused >= 500
    postgres.start()
    hear_all(pages, [desk.ask("change_and_time")[0] for _ in range(5)])
    wait_until(lambda: deliver(desk, shop, 1)[0] == 200, 20, "a webhook is taken again")
    assert desk.worker_is_running()


def test_while_postgresql_is_frozen_twilio_is_answered_in_time_and_pages_hear_of_everything_afterwards(
    desk: Desk, shop: dict[str, str], pages: list[Stream], postgres: Cluster
) -> None:
    hear_all(pages, [desk.ask("change_and_time")[0]])
    postgres.freeze()
    with ThreadPoolExecutor(8) as twilio:  # twice as many as there are threads for webhooks
        waiting = [twilio.submit(deliver, desk, shop, customer) for customer in range(8)]
        assert status(desk, "/health/live/") == 200
        assert status(desk, "/health/ready/") == 503
        answers = [answer.result() for answer in waiting]
    assert {code for code, _ in answers} <= {500, 503}
    assert max(seconds for _, seconds in answers) < TWILIO_WAITS
    postgres.thaw()
    wait_until(lambda: deliver(desk, shop, 9)[0] == 200, 20, "a webhook is taken again")
    hear_all(pages, [desk.ask("change_and_time")[0] for _ in range(5)])
    assert status(desk, "/health/ready/") == 200
    assert len(desk.worker_pids()) == 1


def test_a_page_that_is_opened_while_postgresql_is_away_is_told_to_come_back(desk: Desk, postgres: Cluster) -> None:
    desk.ask("open_shop")
    session = str(desk.ask("sign_in", username="dana"))
    desk.serve("--no-worker")
    postgres.kill()
    with Stream(desk.port, session) as page:
        assert page.status == 503
    postgres.start()
    with Stream(desk.port, session) as page:
        assert page.next_event() == "hello"
