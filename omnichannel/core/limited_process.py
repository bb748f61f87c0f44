"""Run a Python module in a child process with limits on time, memory and output.

For code that parses or renders data from strangers. The kernel enforces the limits, so they hold inside C code and
while the interpreter lock is held. The child starts from scratch (no fork of the threaded server), in an empty
directory, with an environment that holds no secrets.

These are resource limits, not a sandbox: the child runs as the same user and may read that user's files.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Final

from omnichannel.core import limited_process_child

PROJECT_ROOT: Final = Path(__file__).resolve().parents[2]
# Variables an interpreter may need to start. Never DATABASE_URL, SECRET_KEY or ENCRYPTION_KEYS.
INHERITED_VARIABLES: Final = ("LD_LIBRARY_PATH", "PATH", "PYTHONHOME")
POLL_SECONDS: Final = 0.02
MAX_DETAIL_BYTES: Final = 2000


@dataclass(frozen=True)
class Limits:
    """Resource limits of a child process; times in seconds, sizes in bytes."""

    cpu: int
    wall: int
    memory: int
    output: int


class FailureCause(StrEnum):
    """Why a child process did not finish."""

    TIME = "time"
    MEMORY = "memory"
    OUTPUT = "output"
    CRASH = "crash"
    ERROR = "error"


class LimitedProcessError(Exception):
    """A child process hit a limit, crashed or raised an exception.

    Attributes:
        cause: the limit that was hit; CRASH for a signal such as SIGSEGV, ERROR for an exception.
        signal: the signal that ended the process, or None.
        detail: where it happened, for the log; without the data.
    """

    def __init__(self, cause: FailureCause, *, signal_number: int | None = None, detail: str = "") -> None:
        self.cause, self.signal, self.detail = cause, signal_number, detail
        ended_by = f" (signal {signal_number})" if signal_number else ""
        super().__init__(f"Child process ended: {cause}{ended_by}. {detail}".strip())


def run_module(module: str, data: bytes, limits: Limits) -> bytes:
    """Run `python -m module` with the data as standard input and return its standard output.

    Blocks without holding the interpreter lock. Nothing of the child is left behind, whatever happens.

    Raises:
        LimitedProcessError: a limit was hit, or the child crashed or raised an exception.
    """
    with (
        tempfile.TemporaryDirectory(prefix="omnichannel-") as folder,
        tempfile.TemporaryFile() as data_file,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
    ):
        data_file.write(data)
        data_file.seek(0)
        # Files instead of pipes: nobody has to read while the child runs, and the kernel limits their size.
        process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
            _build_command(module, limits),
            stdin=data_file,
            stdout=output,
            stderr=errors,
            cwd=folder,
            env=_build_environment(folder),
            start_new_session=True,
        )
        in_time = _wait_and_kill(process, limits.wall)
        _raise_for_status(process.returncode, in_time=in_time, detail=_read_tail(errors))
        return _read_output(output, limits.output)


def _build_command(module: str, limits: Limits) -> list[str]:
    numbers = map(str, (limits.cpu, limits.wall, limits.memory, limits.output))
    # -P: modules come from the installation only. -X faulthandler: a crash in C prints the Python line.
    # -W ignore: warnings may quote the data.
    options = ("-P", "-X", "faulthandler", "-W", "ignore")
    return [sys.executable, *options, "-m", limited_process_child.__name__, *numbers, module]


def _build_environment(folder: str) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in INHERITED_VARIABLES if name in os.environ}
    own = {"PYTHONPATH": str(PROJECT_ROOT), "LANG": "C.UTF-8", "HOME": folder, "TMPDIR": folder}
    return inherited | own


def _wait_and_kill(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for the process, kill what is left of its group, and return whether it ended in time."""
    deadline = time.monotonic() + seconds
    try:
        while not _has_ended(process.pid):
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True
    finally:
        # Kill before reaping: until then the id can't be reused by an unrelated process group.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _has_ended(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _raise_for_status(status: int, *, in_time: bool, detail: str) -> None:
    """Raise LimitedProcessError unless the process ended by itself with status 0."""
    if not in_time:
        raise LimitedProcessError(FailureCause.TIME, detail="wall clock")
    if status < 0:
        raise LimitedProcessError(_get_cause(-status), signal_number=-status, detail=detail)
    if status == limited_process_child.OUT_OF_MEMORY:
        raise LimitedProcessError(FailureCause.MEMORY)
    if status:
        raise LimitedProcessError(FailureCause.ERROR, detail=detail)


def _get_cause(signal_number: int) -> FailureCause:
    match signal_number:
        case signal.SIGXCPU | signal.SIGALRM:
            return FailureCause.TIME
        case signal.SIGXFSZ:
            return FailureCause.OUTPUT
        case signal.SIGKILL:
            return FailureCause.MEMORY  # sent by the kernel when the machine or container is out of memory
    return FailureCause.CRASH


def _read_tail(errors: IO[bytes]) -> str:
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - MAX_DETAIL_BYTES))
    return errors.read().decode(errors="replace").strip()


def _read_output(output: IO[bytes], limit: int) -> bytes:
    # Some file systems do not enforce RLIMIT_FSIZE.
    if output.seek(0, os.SEEK_END) > limit:
        raise LimitedProcessError(FailureCause.OUTPUT)
    output.seek(0)
    return output.read()
