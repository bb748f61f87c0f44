"""End a worker process that hangs.

Two guards, because each sees what the other can't. `faulthandler` runs outside Python's interpreter lock, so it prints
every thread's traceback and ends the process even when C code holds the lock. The heartbeat goes to the program that
started the worker, which also notices a process that is stopped or swapped out.
"""

import contextlib
import faulthandler
import os
import time

HEARTBEAT_INTERVAL_SECONDS = 1.0


class Watchdog:
    """Call `beat` at least every `seconds`; otherwise the process prints its tracebacks and ends with code 1."""

    def __init__(self, seconds: float, heartbeat_fd: int | None = None) -> None:
        self._timeout, self._heartbeat_fd = seconds, heartbeat_fd
        self._next_heartbeat = 0.0

    def send_heartbeat(self) -> None:
        """Say that the loop goes on; more than one call a second costs nothing."""
        now = time.monotonic()
        if now < self._next_heartbeat:
            return
        self._next_heartbeat = now + HEARTBEAT_INTERVAL_SECONDS
        faulthandler.dump_traceback_later(self._timeout, exit=True)
        if self._heartbeat_fd is not None:
            with contextlib.suppress(OSError):  # the starter is gone; the worker notices that by its standard input
                os.write(self._heartbeat_fd, b".")

    @staticmethod
    def cancel() -> None:
        """Stop watching: the worker is done."""
        faulthandler.cancel_dump_traceback_later()
