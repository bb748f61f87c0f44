"""`deploy/rolling-restart` restarts every process under load, and no request fails.

`make production-check` runs it; `make test` does not, because it takes a minute.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import pytest

from tests.processes.support.app_instance import START_TIMEOUT
from tests.processes.support.journey import Journey
from tests.processes.support.managed_process import wait_until
from tests.processes.support.production_stack import ProductionStack

pytestmark = pytest.mark.process


@contextmanager
def keep_calling(*functions: Callable[[int], int]) -> Iterator[list[list[int]]]:
    """Call each function again and again in a thread of its own; yield the lists of their results."""
    results: list[list[int]] = [[] for _ in functions]
    is_done = threading.Event()

    def run(function: Callable[[int], int], statuses: list[int]) -> None:
        for number in count():
            if is_done.is_set():
                return
            statuses.append(function(number))

    threads = [threading.Thread(target=run, args=pair) for pair in zip(functions, results, strict=True)]
    for thread in threads:
        thread.start()
    try:
        yield results
    finally:
        is_done.set()
        for thread in threads:
            thread.join()


def test_a_rolling_restart_under_load_fails_no_request_and_loses_no_event(stack: ProductionStack) -> None:
    journey = Journey(stack)
    with journey.open_stream() as stream:
        assert journey.receive("Before") == 200
        assert stream.next_event() == "hint"
        position = stream.position
    before = {name: service.process.pid for name, service in stack.services.items()}
    with keep_calling(
        lambda number: journey.receive(f"Message {number}"),
        lambda number: journey.request("GET", "/desk/")[0],
        lambda number: journey.request("GET", "/health/ready/")[0],
    ) as (webhooks, pages, checks):
        stack.restart_all()
    assert [set(statuses) for statuses in (webhooks, pages, checks)] == [{200}] * 3
    restarted = {name for name, service in stack.services.items() if service.process.pid != before[name]}
    assert restarted == stack.services.keys() - {"nginx", "pgbouncer"}
    wait_until(
        lambda: len(stack.call("list_inbound_sids")) == len(webhooks) + 1, START_TIMEOUT, "every message is filed once"
    )
    with journey.open_stream(position) as stream:
        assert stream.next_event() == "hint"
