"""Many at once: the same thing done by real threads, each with a database connection of its own."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

TIMEOUT_SECONDS = 60.0  # seconds; a crowd that takes longer has locked itself out


def run_concurrently(*doings: Callable[[], Any]) -> list[Any]:
    """Start all of them at the same moment; what each returned, or the exception it raised, in their order."""
    outcomes: list[Any] = [AssertionError("This thread never came to an end.")] * len(doings)
    ready = threading.Barrier(len(doings))

    def run(place: int, doing: Callable[[], Any]) -> None:
        try:
            ready.wait(TIMEOUT_SECONDS)
            outcomes[place] = doing()
        except Exception as error:  # handed to the test
            outcomes[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each, daemon=True) for each in enumerate(doings)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_SECONDS)
    return outcomes
