"""Functions that `test_limited_process` runs under limits; standard input names the function."""

import ctypes
import os
import re
import signal
import subprocess
import sys


def echo() -> None:
    """Write the data that follows the name."""
    sys.stdout.buffer.write(DATA)


def print_environment() -> None:
    """Print the names of the environment variables and of the files in the folder."""
    print(*os.environ, *os.listdir())


def loop_forever() -> None:
    """Use processor time for ever."""
    while True:
        pass


def loop_in_c() -> None:
    """Use processor time for ever in C code that holds the interpreter lock."""
    re.match(r"(a+)+$", "a" * 40 + "b")


def ignore_signals() -> None:
    """Use processor time for ever and ignore all signals that can be ignored."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGXCPU, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    loop_forever()


def wait_forever() -> None:
    """Wait for ever without processor time, and ignore SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        signal.pause()


def allocate_repeatedly() -> None:
    """Allocate memory in small steps."""
    blocks = []
    while True:
        blocks.append(bytes(1_000_000))


def allocate_too_much() -> None:
    """Allocate more memory than exists at once."""
    bytearray(10**12)


def write_forever() -> None:
    """Write output for ever."""
    while True:
        sys.stdout.buffer.write(bytes(100_000))


def write_errors_forever() -> None:
    """Write error messages for ever."""
    while True:
        sys.stderr.write("Something is wrong.\n")


def segfault() -> None:
    """Read an invalid address."""
    ctypes.string_at(0)


def abort() -> None:
    """Call abort(), as C libraries do after an internal error."""
    os.abort()


def raise_with_data() -> None:
    """Raise an exception that contains the data."""
    raise ValueError(f"No letter for {DATA!r}")


def leave_child_running() -> None:
    """Leave a child process running and print its id; only root may start one."""
    try:
        print(subprocess.Popen(["/bin/sleep", "600"]).pid)
    except BlockingIOError:
        print(0)


if __name__ == "__main__":
    NAME, _, DATA = sys.stdin.buffer.read().partition(b" ")
    globals()[NAME.decode()]()
