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
from dataclasses import dataclass
from pathlib import Path

from tests.postgres import binaries, throw_away_cluster

# The answers of the simulator are held against Twilio's published files where these lie beside the project.
MAY_BE_SKIPPED = "Twilio's OpenAPI files are not here"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


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
    packages = [] if any(map(shutil.which, CHROMIUM)) else ["chromium"]
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


def run(title: str, *arguments: str, **environment: str) -> Outcome:
    """Run pytest with these arguments and count; a run that broke off counts as a failure."""
    print(f"\n=== {title} ===", flush=True)
    report = Path(tempfile.mkdtemp(prefix="omnichannel-tests-")) / "report.xml"
    command = [sys.executable, "-m", "pytest", f"--junitxml={report}", *arguments]
    begin = time.monotonic()
    code = subprocess.run(command, env={**os.environ, **environment}, check=False).returncode
    outcome = count(report) if report.exists() else Outcome(failed=1)
    if code and not outcome.failed:
        outcome.failed = 1
    print(f"{title}: {outcome.passed} passed in {time.monotonic() - begin:.0f} s", flush=True)
    return outcome


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
    many = ["-n", str(os.cpu_count() or 2), "--dist", "loadfile", "-q"]
    outcome = run("SQLite", *many, "-m", "not process and not journey", TEST_DATABASE_URL="")
    outcome += run("Servers and workers on SQLite", "-q", "-m", "process", TEST_DATABASE_URL="")
    with throw_away_cluster() as address:
        outcome += run("PostgreSQL", *many, "-m", "not process and not journey", TEST_DATABASE_URL=address)
        outcome += run("Servers and workers on PostgreSQL", "-q", "-m", "process", TEST_DATABASE_URL=address)
    outcome += run("Browser journeys", "-q", "-m", "journey", TEST_DATABASE_URL="")
    skipped = f", {outcome.skipped} skipped" if outcome.skipped else ""
    print(f"\nTests: {outcome.passed} passed, {outcome.failed} failed{skipped}")
    return 1 if outcome.failed or not outcome.passed else 0


if __name__ == "__main__":
    sys.exit(main())
