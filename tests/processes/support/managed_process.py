"""Processes that tests start, stop and kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.processes.support.databases import ROOT


def wait_until(condition: Callable[[], object], seconds: float, description: str) -> None:
    """Poll until the condition holds.

    Args:
        condition: Called every 0.05 seconds.
        seconds: Time limit, after which AssertionError is raised.
        description: The condition in words, for the error message.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"Waited {seconds:.0f} seconds, but this is not true: {description}."
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    """Return whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class ManagedProcess:
    """`manage.py …` in a process group of its own, with its output in a file."""

    def __init__(self, environment: Mapping[str, str], log: Path, *arguments: str) -> None:
        self.log = log
        command = [sys.executable, "manage.py", *arguments]
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def has_exited(self) -> bool:
        return self.process.poll() is not None

    def read_output(self) -> str:
        return self.log.read_text(errors="replace")

    def send_interrupt(self) -> None:
        os.killpg(self.pid, signal.SIGINT)

    def terminate(self) -> None:
        self.process.terminate()

    def kill(self) -> None:
        """Send SIGKILL and wait for the end."""
        self.process.kill()
        self.process.wait(10)

    def wait_for_exit(self, seconds: float) -> int:
        """Wait for the end and return the exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"The process still runs after {seconds:.0f} seconds:\n{self.read_output()[-4000:]}"
            ) from None

    def assert_clean_exit(self, seconds: float) -> None:
        """Wait for the end and check that there was no error code and no traceback."""
        code = self.wait_for_exit(seconds)
        assert (code, "Traceback" in self.read_output()) == (0, False), self.read_output()[-4000:]
