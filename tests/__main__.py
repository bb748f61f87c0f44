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

from tests.journeys.weight import BROWSERS
from tests.postgres import binaries, throw_away_cluster

# The answers of the simulator are held against Twilio's published files where these lie beside the project.
MAY_BE_SKIPPED = "Twilio's OpenAPI files are not here"


# Started with a PostgreSQL of its own, so one run of it is enough.
OWN_CLUSTER = ["--ignore=tests/processes/test_database_outages.py"]


@dataclass
class Outcome:
    """What one run of pytest came to."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)


def missing() -> list[str]:
    """Debian's names of what the tests need and this machine lacks."""
    packages = [] if any(map(shutil.which, BROWSERS)) else ["chromium-headless-shell"]
    try:
        binaries()
    except FileNotFoundError:
        packages.append("postgresql")
    return packages


def install(packages: list[str]) -> None:
    """Install them where that can be done, else say what to do and stop."""
    command = "apt-get update && apt-get install -y --no-install-recommends " + " ".join(packages)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"The tests need {' and '.join(packages)}. As root: {command}")
    print(f"Installing {' and '.join(packages)} …", flush=True)
    log = Path(tempfile.gettempdir()) / "omnichannel-apt.log"
    with log.open("w") as output:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(command, shell=True, stdout=output, stderr=output, env=environment, check=False)
    if done.returncode or missing():
        sys.exit(f"{' and '.join(missing())} could not be installed; the tests need it. See {log}.")


@dataclass
class Stage:
    """One run of pytest: its name, what it is called with, and the database it runs on."""

    title: str
    arguments: Sequence[str]
    database: str = ""

    def run(self) -> Outcome:
        """Run it and count; a run that broke off counts as a failure. What it said is printed whole when it is done."""
        folder = Path(tempfile.mkdtemp(prefix="omnichannel-tests-"))
        report, log = folder / "report.xml", folder / "log"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *self.arguments]
        begin = time.monotonic()
        with log.open("w") as output:
            code = subprocess.run(
                command, env=self._environment(), stdout=output, stderr=subprocess.STDOUT, check=False
            ).returncode
        outcome = count(report) if report.exists() else Outcome(failed=1)
        if code and not outcome.failed:
            outcome.failed = 1
        took, failed = time.monotonic() - begin, f", {outcome.failed} failed" if outcome.failed else ""
        said = f"\n=== {self.title} ===\n{log.read_text(errors='replace').strip()}"
        print(f"{said}\n{self.title}: {outcome.passed} passed{failed} in {took:.0f} s", flush=True)
        return outcome

    def _environment(self) -> dict[str, str]:
        # Some two hundred programs are started: what they are made of is compiled once, also where Python was told to
        # keep nothing.
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return {**kept, "TEST_DATABASE_URL": self.database}


def stages(cluster: str, cores: int) -> list[Stage]:
    """Everything there is, each in one of them: by folder. What takes longest comes first."""
    # A process by core; with one to a database, that is pytest itself.
    shared = ["-n", str(cores // 2 if cores > 3 else 0), "--dist", "loadfile"]
    quick = [*shared, "--ignore=tests/processes", "--ignore=tests/journeys", "tests"]
    return [
        Stage("SQLite", quick),
        Stage("PostgreSQL", ["-m", "database", *quick], cluster),
        Stage("Browser journeys", ["-n", "2", "--dist", "loadfile", "tests/journeys"]),
        Stage("Servers and workers on SQLite", ["tests/processes"]),
        Stage("Servers and workers on PostgreSQL", [*OWN_CLUSTER, "tests/processes"], cluster),
    ]


def run_side_by_side(todo: Sequence[Stage], at_once: int) -> Outcome:
    """So many at once; when one is done, the next begins."""
    print(f"\nRunning, {at_once} at once: {', '.join(stage.title for stage in todo)} …", flush=True)
    with ThreadPoolExecutor(at_once) as pool:
        return sum(pool.map(Stage.run, todo), Outcome())


def count(report: Path) -> Outcome:
    """A test that was skipped counts as failed, but for those that need Twilio's own files."""
    tree = ElementTree.parse(report)
    suite = next(tree.iter("testsuite")).attrib
    reasons = [skip.get("message", "") for skip in tree.iter("skipped")]
    skipped = sum(reason.startswith(MAY_BE_SKIPPED) for reason in reasons)
    failed = int(suite["failures"]) + int(suite["errors"]) + len(reasons) - skipped
    return Outcome(int(suite["tests"]) - failed - skipped, failed, skipped)


def main() -> int:
    if packages := missing():
        install(packages)
    with throw_away_cluster(durable=False) as cluster:
        cores = os.cpu_count() or 2
        # One more than there are cores: servers, workers and browsers are waited for much of the time.
        outcome = run_side_by_side(stages(cluster, cores), at_once=cores + 1)
    skipped = f", {outcome.skipped} skipped" if outcome.skipped else ""
    print(f"\nTests: {outcome.passed} passed, {outcome.failed} failed{skipped}")
    return 1 if outcome.failed or not outcome.passed else 0


if __name__ == "__main__":
    sys.exit(main())
