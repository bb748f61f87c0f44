"""The worker that `manage.py start_server` runs beside the server: replaced when it ends or hangs."""

import logging
import os
import select
import subprocess
import sys
import threading
import time

logger = logging.getLogger(__name__)

RESTART_DELAY_SECONDS = 1.0
START_TIMEOUT_SECONDS = 120.0  # until the first heartbeat; importing takes long on a busy machine
STOP_TIMEOUT_SECONDS = 15.0  # a call to Twilio that is under way is waited for


class WorkerProcess:
    """Start it once; it is then kept running until it is stopped.

    `silent_seconds` without a heartbeat and it is killed, which loses nothing, and another one is started.
    """

    def __init__(self, silent_seconds: float) -> None:
        self._heartbeat_timeout = silent_seconds
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the worker and keep it running from now on."""
        threading.Thread(target=self._supervise, daemon=True, name="worker-process").start()

    def request_stop(self) -> None:
        """Let the worker finish what it is doing; it is not started again."""
        self._stopping.set()
        with self._lock:
            if self._process is not None:
                self._process.terminate()

    def stop(self) -> None:
        """Tell it to stop and wait until it has; kill it when it takes too long, which loses nothing."""
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
            except Exception:  # no memory or no process to be had for a moment: this thread must not end
                logger.exception("The worker could not be started; trying again.")
            self._stopping.wait(RESTART_DELAY_SECONDS)

    def _run_once(self) -> None:
        """Start a worker and return when it has ended."""
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
            logger.error("The worker ended with code %s; starting it again.", code)

    @staticmethod
    def _spawn(sender: int) -> "subprocess.Popen[bytes]":
        # A session of its own: Ctrl-C reaches the server alone, which then stops the worker. If the server is killed,
        # the pipe closes and the worker stops by itself. What Django checks at a start, the server has just checked:
        # the worker starts in half the time.
        command = [sys.executable, sys.argv[0], "run_worker", "--until-stdin-closes", "--skip-checks"]
        command += ["--heartbeat-fd", str(sender)]
        return subprocess.Popen(  # noqa: S603 (our own command)
            command, stdin=subprocess.PIPE, start_new_session=True, pass_fds=[sender]
        )

    def _watch(self, process: "subprocess.Popen[bytes]", heartbeat: int) -> None:
        """Return when the worker has ended; kill it when its heartbeat stops."""
        patience = START_TIMEOUT_SECONDS
        while True:
            begin = time.monotonic()
            ready, _, _ = select.select([heartbeat], [], [], patience)
            if not ready:
                logger.error("The worker gave no sign of life for %.0f s; it is killed.", time.monotonic() - begin)
                process.kill()
                return
            if not os.read(heartbeat, 4096):
                return
            patience = self._heartbeat_timeout
