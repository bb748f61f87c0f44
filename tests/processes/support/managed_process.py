"""Programs that tests start, stop and kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.processes.support.databases import ROOT


def wait_until(condition: Callable[[], object], seconds: float, description: str) -> None:
    """Look again and again until it is so; AssertionError with `what` when it takes longer."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"After {seconds:.0f} seconds it still was not so that {description}."
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    """Whether this process lives; one that has ended and was not collected yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class ManagedProcess:
    """`manage.py …` in a process group of its own, as a terminal starts it; what it prints is kept in a file."""

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
        """SIGKILL: it can do nothing about it."""
        self.process.kill()
        self.process.wait(10)

    def wait_for_exit(self, seconds: float) -> int:
        """Wait for its end; its exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"It still ran after {seconds:.0f} seconds:\n{self.read_output()[-4000:]}") from None

    def assert_clean_exit(self, seconds: float) -> None:
        """Wait for its end and look at what it left: no error code, no traceback."""
        code = self.wait_for_exit(seconds)
        assert (code, "Traceback" in self.read_output()) == (0, False), self.read_output()[-4000:]
