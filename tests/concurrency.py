"""Run functions at the same moment in threads with a database connection each."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

TIMEOUT_SECONDS = 60.0  # seconds; threads that take longer are in a deadlock


def run_concurrently(*functions: Callable[[], Any]) -> list[Any]:
    """Start all functions at the same moment; return the result or exception of each, in their order."""
    outcomes: list[Any] = [AssertionError("The thread did not finish.")] * len(functions)
    ready = threading.Barrier(len(functions))

    def run(index: int, function: Callable[[], Any]) -> None:
        try:
            ready.wait(TIMEOUT_SECONDS)
            outcomes[index] = function()
        except Exception as error:  # Returned to the test.
            outcomes[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=item, daemon=True) for item in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_SECONDS)
    return outcomes
