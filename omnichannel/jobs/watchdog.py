"""End a worker process that hangs.

Two mechanisms, because each detects cases the other can't. `faulthandler` runs outside Python's interpreter lock, so it
prints every thread's traceback and ends the process even when C code holds the lock. The heartbeat goes to the parent
process, which also notices a worker that is suspended or swapped out.
"""

import contextlib
import faulthandler
import os
import time

HEARTBEAT_INTERVAL_SECONDS = 1.0


class Watchdog:
    """End the process with code 1 unless `send_heartbeat` is called at least every `seconds`.

    The tracebacks of all threads are printed first.
    """

    def __init__(self, seconds: float, heartbeat_fd: int | None = None) -> None:
        self._timeout, self._heartbeat_fd = seconds, heartbeat_fd
        self._next_heartbeat = 0.0

    def send_heartbeat(self) -> None:
        """Report progress; sent at most once per second, so it may be called often."""
        now = time.monotonic()
        if now < self._next_heartbeat:
            return
        self._next_heartbeat = now + HEARTBEAT_INTERVAL_SECONDS
        faulthandler.dump_traceback_later(self._timeout, exit=True)
        if self._heartbeat_fd is not None:
            with contextlib.suppress(OSError):  # the parent is gone; the worker notices that by its standard input
                os.write(self._heartbeat_fd, b".")

    @staticmethod
    def cancel() -> None:
        """Stop watching: the worker has finished."""
        faulthandler.cancel_dump_traceback_later()
