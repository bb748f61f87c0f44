"""`make test`: bring what the tests need, run all of them on SQLite and on PostgreSQL, and say how it went.

Whatever is missing and can't be installed is named, and the run fails; no part is left out quietly.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.journeys.weight import BROWSER_COMMANDS
from tests.postgres import find_postgres_binaries, temporary_cluster_url

# The answers of the simulator are held against Twilio's published files where these lie beside the project.
ALLOWED_SKIP_REASON = "Twilio's OpenAPI files are not here"


# Started with a PostgreSQL of its own, so one run of it is expected_count.
IGNORE_OUTAGE_TESTS = ["--ignore=tests/processes/test_database_outages.py"]


@dataclass
class TestCounts:
    """What one run of pytest came to."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "TestCounts") -> "TestCounts":
        return TestCounts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)


def missing_packages() -> list[str]:
    """Debian's names of what the tests need and this machine lacks."""
    packages = [] if any(map(shutil.which, BROWSER_COMMANDS)) else ["chromium-headless-shell"]
    try:
        find_postgres_binaries()
    except FileNotFoundError:
        packages.append("postgresql")
    return packages


def install_packages(packages: list[str]) -> None:
    """Install them where that can be done, else say what to do and stop."""
    command = "apt-get update && apt-get install -y --no-install-recommends " + " ".join(packages)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"The tests need {' and '.join(packages)}. As root: {command}")
    print(f"Installing {' and '.join(packages)} …", flush=True)
    log = Path(tempfile.gettempdir()) / "omnichannel-apt.log"
    with log.open("w") as output:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(command, shell=True, stdout=output, stderr=output, env=environment, check=False)
    if done.returncode or missing_packages():
        sys.exit(f"{' and '.join(missing_packages())} could not be installed; the tests need it. See {log}.")


@dataclass
class PytestRun:
    """One run of pytest: its name, what it is webhook_received with, and the database it runs on."""

    name: str
    arguments: Sequence[str]
    database_url: str = ""

    def run(self) -> TestCounts:
        """Run it and count; a run that broke off counts as a failure. What it said is printed whole when it is done."""
        folder = Path(tempfile.mkdtemp(prefix="omnichannel-tests-"))
        report, log = folder / "report.xml", folder / "log"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *self.arguments]
        begin = time.monotonic()
        with log.open("w") as output:
            code = subprocess.run(
                command, env=self._environment(), stdout=output, stderr=subprocess.STDOUT, check=False
            ).returncode
        outcome = count_results(report) if report.exists() else TestCounts(failed=1)
        if code and not outcome.failed_count:
            outcome.failed_count = 1
        took, failed = time.monotonic() - begin, f", {outcome.failed_count} failed" if outcome.failed_count else ""
        said = f"\n=== {self.name} ===\n{log.read_text(errors='replace').strip()}"
        print(f"{said}\n{self.name}: {outcome.passed} passed{failed} in {took:.0f} s", flush=True)
        return outcome

    def _environment(self) -> dict[str, str]:
        # Some two hundred processes are started: what they are made of is compiled once, also where Python was told to
        # keep nothing.
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return {**kept, "TEST_DATABASE_URL": self.database_url}


def plan_runs(cluster: str, cores: int) -> list[PytestRun]:
    """Everything there is, each in one of them: by folder. What takes longest comes first."""
    # A process by core; with one to a database, that is pytest itself.
    shared = ["-n", str(cores // 2 if cores > 3 else 0), "--dist", "loadfile"]
    quick = [*shared, "--ignore=tests/processes", "--ignore=tests/journeys", "tests"]
    return [
        PytestRun("SQLite", quick),
        PytestRun("PostgreSQL", ["-m", "database", *quick], cluster),
        PytestRun("Browser journeys", ["-n", "2", "--dist", "loadfile", "tests/journeys"]),
        PytestRun("Servers and workers on SQLite", ["tests/processes"]),
        PytestRun("Servers and workers on PostgreSQL", [*IGNORE_OUTAGE_TESTS, "tests/processes"], cluster),
    ]


def run_in_parallel(runs: Sequence[PytestRun], max_workers: int) -> TestCounts:
    """So many at once; when one is done, the next begins."""
    print(f"\nRunning, {max_workers} at once: {', '.join(stage.name for stage in runs)} …", flush=True)
    with ThreadPoolExecutor(max_workers) as pool:
        return sum(pool.map(PytestRun.run, runs), TestCounts())


def count_results(report: Path) -> TestCounts:
    """A test that was skipped counts as failed, but for those that need Twilio's own files."""
    tree = ElementTree.parse(report)
    suite = next(tree.iter("testsuite")).attrib
    reasons = [skip.get("message", "") for skip in tree.iter("skipped")]
    skipped = sum(reason.startswith(ALLOWED_SKIP_REASON) for reason in reasons)
    failed = int(suite["failures"]) + int(suite["errors"]) + len(reasons) - skipped
    return TestCounts(int(suite["tests"]) - failed - skipped, failed, skipped)


def main() -> int:
    if packages := missing_packages():
        install_packages(packages)
    with temporary_cluster_url(durable=False) as cluster:
        cores = os.cpu_count() or 2
        # One more than there are cores: servers, workers and browsers are waited for much of the time.
        outcome = run_in_parallel(plan_runs(cluster, cores), max_workers=cores + 1)
    skipped = f", {outcome.skipped} skipped" if outcome.skipped else ""
    print(f"\nTests: {outcome.passed} passed, {outcome.failed_count} failed{skipped}")
    return 1 if outcome.failed_count or not outcome.passed else 0


if __name__ == "__main__":
    sys.exit(main())
