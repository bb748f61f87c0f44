"""Run functions at the same moment in threads with a database connection each."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

TIMEOUT_SECONDS = 60.0  # seconds; threads that take longer are in a deadlock


def run_concurrently(*doings: Callable[[], Any]) -> list[Any]:
    """Start all functions at the same moment; return the result or exception of each, in their order."""
    outcomes: list[Any] = [AssertionError("This thread never came to an end.")] * len(doings)
    ready = threading.Barrier(len(doings))

    def run(place: int, doing: Callable[[], Any]) -> None:
        try:
            ready.wait(TIMEOUT_SECONDS)
            outcomes[place] = doing()
        except Exception as error:  # Returned to the test.
            outcomes[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each, daemon=True) for each in enumerate(doings)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_SECONDS)
    return outcomes
