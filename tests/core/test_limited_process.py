"""A limited child process ends within its limits and reports the limit it reached."""

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from omnichannel.core import limited_process_child
from omnichannel.core.limited_process import FailureCause, LimitedProcessError, Limits, run_module

MIB = 1024 * 1024
PROGRAM = "tests.core.misbehaving_programs"
LIMITS = Limits(cpu=1, wall=30, memory=200 * MIB, output=8 * MIB)


pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _assert_no_files_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = child_process_ids()
    yield
    assert child_process_ids() == before
    assert list(tmp_path.iterdir()) == []


def child_process_ids() -> set[str]:
    return {pid for task in Path("/proc/self/task").glob("*/children") for pid in task.read_text().split()}


def run_and_fail(function_name: str, limits: Limits = LIMITS) -> LimitedProcessError:
    with pytest.raises(LimitedProcessError) as caught:
        run_module(PROGRAM, function_name.encode(), limits)
    return caught.value


def test_what_a_program_writes_is_returned() -> None:
    data = b"Gr\xc3\xbc\xc3\x9fe \x00\n" * 500_000
    assert run_module(PROGRAM, b"echo " + data, LIMITS) == data


def test_a_program_starts_in_an_empty_folder_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET_KEY", "DATABASE_URL", "ENCRYPTION_KEYS", "DJANGO_SETTINGS_MODULE"):
        monkeypatch.setenv(name, "secret")
    names = set(run_module(PROGRAM, b"print_environment", LIMITS).decode().split())
    assert names <= {"PATH", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "LANG", "HOME", "TMPDIR", "LC_CTYPE"}


@pytest.mark.parametrize("function_name", ["loop_forever", "loop_in_c"])
def test_too_much_processor_time_ends_a_program_even_in_c_code(function_name: str) -> None:
    assert run_and_fail(function_name).cause == FailureCause.TIME


@pytest.mark.parametrize("function_name", ["wait_forever", "ignore_signals"])
def test_the_clock_ends_a_program_that_ignores_signals(function_name: str) -> None:
    began = time.monotonic()
    assert run_and_fail(function_name, replace(LIMITS, wall=2)).cause == FailureCause.TIME
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("function_name", ["allocate_repeatedly", "allocate_too_much"])
def test_too_much_memory_ends_a_program(function_name: str) -> None:
    assert run_and_fail(function_name, replace(LIMITS, cpu=10)).cause == FailureCause.MEMORY


@pytest.mark.parametrize("function_name", ["write_forever", "write_errors_forever"])
def test_too_much_output_ends_a_program(function_name: str) -> None:
    assert run_and_fail(function_name, replace(LIMITS, cpu=10, output=MIB)).cause == FailureCause.OUTPUT


@pytest.mark.parametrize(("function_name", "number"), [("segfault", signal.SIGSEGV), ("abort", signal.SIGABRT)])
def test_a_crash_in_c_code_names_its_signal_and_the_line(function_name: str, number: int) -> None:
    crash = run_and_fail(function_name)
    assert (crash.cause, crash.signal) == (FailureCause.CRASH, number)
    assert f'misbehaving_programs.py", line {line_number_of(function_name)} in {function_name}' in crash.detail


def line_number_of(function_name: str) -> int:
    lines = (Path(__file__).parent / "misbehaving_programs.py").read_text().splitlines()
    return lines.index(f"def {function_name}() -> None:") + 3


def test_exception_reports_its_location_without_the_data() -> None:
    error = run_and_fail("raise_with_data confidential")
    assert error.cause == FailureCause.ERROR
    assert error.detail.startswith("ValueError\n")
    assert "misbehaving_programs.py" in error.detail
    assert "confidential" not in str(error)


def test_what_a_program_leaves_running_is_killed() -> None:
    pid = int(run_module(PROGRAM, b"leave_child_running", LIMITS))
    assert pid == 0 or has_ended(pid)


def has_ended(pid: int) -> bool:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(descriptor):
        return bool(select.select([descriptor], [], [], 10)[0])


def test_a_program_ends_by_itself_when_the_server_is_gone() -> None:
    command = [sys.executable, "-m", limited_process_child.__name__, "1", "0", str(200 * MIB), str(MIB), PROGRAM]
    assert subprocess.run(command, input=b"wait_forever", check=False).returncode == -signal.SIGALRM
