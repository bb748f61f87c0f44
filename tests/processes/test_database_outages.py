"""PostgreSQL is killed and frozen under a server with open pages; the server recovers and nothing hangs.

The module has a cluster of its own, so `make test` runs it once.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.postgres import Cluster, run_cluster
from tests.processes.support.app_instance import START_TIMEOUT, AppInstance, build_environment
from tests.processes.support.databases import TemporaryDatabase
from tests.processes.support.event_stream_client import EventStreamClient
from tests.processes.support.managed_process import wait_until
from tests.processes.support.webhook_sender import build_text_form, post_signed_form

pytestmark = pytest.mark.process

PAGE_COUNT = 10
STATEMENT_SECONDS = 2
WEBHOOK_TIMEOUT = 15
_open = build_opener(ProxyHandler({})).open


@pytest.fixture
def postgres() -> Iterator[Cluster]:
    with run_cluster() as running:
        yield running


@pytest.fixture
def app(tmp_path: Path, postgres: Cluster) -> Iterator[AppInstance]:
    """Return an app on that cluster, with a statement timeout of two seconds."""
    database = TemporaryDatabase(tmp_path, cluster_url=postgres.url)
    database.migrate(build_environment(tmp_path, database))
    with AppInstance(tmp_path, database=database) as fresh:
        fresh.environment["TEST_STATEMENT_TIMEOUT"] = str(STATEMENT_SECONDS)
        yield fresh


@pytest.fixture
def shop_details(app: AppInstance) -> dict[str, str]:
    opened: dict[str, str] = app.call("create_shop")
    return opened


@pytest.fixture
def pages(app: AppInstance, shop_details: dict[str, str]) -> Iterator[list[EventStreamClient]]:
    """Return ten event streams of Dana's, on a server with its worker."""
    session = str(app.call("sign_in", username="dana"))
    app.start_server()
    wait_until(app.worker_is_running, START_TIMEOUT, "the worker runs")
    opened = [EventStreamClient(app.port, session) for _ in range(PAGE_COUNT)]
    assert [page.next_event() for page in opened] == ["hello"] * PAGE_COUNT
    yield opened
    for page in opened:
        page.connection.close()


def get_status(app: AppInstance, path: str) -> int:
    try:
        with _open(app.url + path, timeout=WEBHOOK_TIMEOUT) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def post_message(app: AppInstance, shop: dict[str, str], customer: int) -> tuple[int, float]:
    """Post an inbound message; return the status and the seconds it took."""
    begin = time.monotonic()
    path = f"/webhooks/whatsapp/{shop['key']}/inbound/"
    return post_signed_form(app.url, path, build_text_form(shop, customer, "Hello?")), time.monotonic() - begin


def assert_all_receive(pages: list[EventStreamClient], events: list[int]) -> None:
    """Check that every page receives each of these events."""
    for page in pages:
        received_ids: set[int] = set()
        while not received_ids.issuperset(events):
            assert page.next_event() == "hint"
            received_ids.add(page.event_id)


def test_pages_receive_every_event_after_postgresql_is_killed(
    app: AppInstance, shop_details: dict[str, str], pages: list[EventStreamClient], postgres: Cluster
) -> None:
    assert_all_receive(pages, [app.call("publish_change_with_time")[0]])
    postgres.kill()
    wait_until(lambda: get_status(app, "/health/ready/") == 503, 20, "the server says that its database is away")
    assert get_status(app, "/health/live/") == 200
    refused, _ = post_message(app, shop_details, 1)
    assert refused >= 500
    postgres.start()
    assert_all_receive(pages, [app.call("publish_change_with_time")[0] for _ in range(5)])
    wait_until(lambda: post_message(app, shop_details, 1)[0] == 200, 20, "a webhook is taken again")
    assert app.worker_is_running()


def test_frozen_postgresql_keeps_webhooks_timely_and_pages_catch_up(
    app: AppInstance, shop_details: dict[str, str], pages: list[EventStreamClient], postgres: Cluster
) -> None:
    assert_all_receive(pages, [app.call("publish_change_with_time")[0]])
    postgres.freeze()
    with ThreadPoolExecutor(8) as twilio:  # twice as many as the threads for webhooks
        waiting = [twilio.submit(post_message, app, shop_details, customer) for customer in range(8)]
        assert get_status(app, "/health/live/") == 200
        assert get_status(app, "/health/ready/") == 503
        answers = [answer.result() for answer in waiting]
    assert {code for code, _ in answers} <= {500, 503}
    assert max(seconds for _, seconds in answers) < WEBHOOK_TIMEOUT
    postgres.thaw()
    wait_until(lambda: post_message(app, shop_details, 9)[0] == 200, 20, "a webhook is taken again")
    assert_all_receive(pages, [app.call("publish_change_with_time")[0] for _ in range(5)])
    assert get_status(app, "/health/ready/") == 200
    assert len(app.worker_pids()) == 1


def test_a_page_that_is_opened_while_postgresql_is_away_is_told_to_come_back(
    app: AppInstance, postgres: Cluster
) -> None:
    app.call("create_shop")
    session = str(app.call("sign_in", username="dana"))
    app.start_server("--no-worker")
    postgres.kill()
    with EventStreamClient(app.port, session) as page:
        assert page.status == 503
    postgres.start()
    with EventStreamClient(app.port, session) as page:
        assert page.next_event() == "hello"
