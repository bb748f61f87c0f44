"""Supervision of the worker processes that `manage.py serve` starts: restarted when they end or hang."""

import logging
import os
import select
import subprocess
import sys
import threading
import time

logger = logging.getLogger(__name__)

RESTART_DELAY_SECONDS = 1.0
START_TIMEOUT_SECONDS = 120.0  # until the first heartbeat; imports take long on a busy machine
STOP_TIMEOUT_SECONDS = 15.0  # time for a running call to Twilio to finish


class WorkerProcess:
    """Keep a worker process running from `start` until `stop`.

    A worker without a heartbeat for `heartbeat_timeout` seconds is killed, which loses no work, and replaced.
    """

    def __init__(self, heartbeat_timeout: float, *arguments: str) -> None:
        """Prepare a worker process.

        Args:
            heartbeat_timeout: seconds.
            arguments: further arguments of `manage.py run_worker`.
        """
        self._heartbeat_timeout, self._arguments = heartbeat_timeout, arguments
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the worker and keep it running."""
        threading.Thread(target=self._supervise, daemon=True, name="worker-process").start()

    def request_stop(self) -> None:
        """Ask the worker to finish its current work; it is not restarted."""
        self._stopping.set()
        with self._lock:
            if self._process is not None:
                self._process.terminate()

    def stop(self) -> None:
        """Stop the worker and wait for it; kill it after STOP_TIMEOUT_SECONDS, which loses no work."""
        self.request_stop()
        if self._process is not None:
            try:
                self._process.wait(STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def _supervise(self) -> None:
        while not self._stopping.is_set():
            try:
                self._run_once()
            except Exception:  # out of memory or processes for a moment: this thread must not end
                logger.exception("Could not start the worker; trying again.")
            self._stopping.wait(RESTART_DELAY_SECONDS)

    def _run_once(self) -> None:
        """Run one worker process until it ends."""
        heartbeat, sender = os.pipe()
        try:
            with self._lock:
                if self._stopping.is_set():
                    return
                process = self._process = self._spawn(sender)
            os.close(sender)
            sender = -1
            self._watch(process, heartbeat)
        finally:
            os.close(heartbeat)
            if sender >= 0:
                os.close(sender)
        code = process.wait()
        if not self._stopping.is_set():
            logger.error("The worker ended with code %s; restarting it.", code)

    def _spawn(self, sender: int) -> "subprocess.Popen[bytes]":
        # A new session: Ctrl-C reaches only the server, which then stops the worker. If the server is killed, the pipe
        # closes and the worker stops by itself. System checks are skipped, because the server has just run them.
        command = [sys.executable, sys.argv[0], "run_worker", "--until-stdin-closes", "--skip-checks"]
        command += ["--heartbeat-fd", str(sender), *self._arguments]
        return subprocess.Popen(  # noqa: S603 (our own command)
            command, stdin=subprocess.PIPE, start_new_session=True, pass_fds=[sender]
        )

    def _watch(self, process: "subprocess.Popen[bytes]", heartbeat: int) -> None:
        """Return when the worker has ended; kill it when its heartbeat stops."""
        timeout = START_TIMEOUT_SECONDS
        while True:
            started_at = time.monotonic()
            ready, _, _ = select.select([heartbeat], [], [], timeout)
            if not ready:
                logger.error("The worker gave no sign of life for %.0f s; killing it.", time.monotonic() - started_at)
                process.kill()
                return
            if not os.read(heartbeat, 4096):
                return
            timeout = self._heartbeat_timeout
