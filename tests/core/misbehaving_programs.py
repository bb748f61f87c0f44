"""A program that does what its standard input names; `test_limited_process` runs it under limits."""

import ctypes
import os
import re
import signal
import subprocess
import sys


def echo() -> None:
    """Return what follows the name."""
    sys.stdout.buffer.write(DATA)


def print_environment() -> None:
    """Name the variables of the environment and the files in the folder."""
    print(*os.environ, *os.listdir())


def loop_forever() -> None:
    """Compute for ever."""
    while True:
        pass


def loop_in_c() -> None:
    """Compute for ever in C code that holds the interpreter lock."""
    re.match(r"(a+)+$", "a" * 40 + "b")


def ignore_signals() -> None:
    """Compute for ever, whatever signal asks for an end."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGXCPU, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    loop_forever()


def wait_forever() -> None:
    """Wait for ever, using no processor time, and ignore SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        signal.pause()


def allocate_repeatedly() -> None:
    """Fill the memory bit by bit."""
    blocks = []
    while True:
        blocks.append(bytes(1_000_000))


def allocate_too_much() -> None:
    """Ask for more memory than there is."""
    bytearray(10**12)


def write_forever() -> None:
    """Write for ever."""
    while True:
        sys.stdout.buffer.write(bytes(100_000))


def write_errors_forever() -> None:
    """Write error messages for ever."""
    while True:
        sys.stderr.write("Something is wrong.\n")


def segfault() -> None:
    """Read where no memory is."""
    ctypes.string_at(0)


def abort() -> None:
    """End as C libraries do that find themselves in disorder."""
    os.abort()


def raise_with_data() -> None:
    """Raise an exception that quotes the data."""
    raise ValueError(f"No letter for {DATA!r}")


def leave_child_running() -> None:
    """Leave a process behind and name it; only root may start one at all."""
    try:
        print(subprocess.Popen(["/bin/sleep", "600"]).pid)
    except BlockingIOError:
        print(0)


if __name__ == "__main__":
    NAME, _, DATA = sys.stdin.buffer.read().partition(b" ")
    globals()[NAME.decode()]()
