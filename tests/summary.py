"""Add up the JUnit reports of the test stages and print the last line of `make test`.

Usage: python -m tests.summary EXIT_STATUS REPORT.xml…
"""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path


def count(report: Path) -> Counter[str]:
    """Count the tests of one stage; a stage that left no report counts as one failure."""
    if not report.exists():
        return Counter(failed=1)
    suites = [suite.attrib for suite in ElementTree.parse(report).iter("testsuite")]
    total, failures, errors, skipped = (
        sum(int(suite[name]) for suite in suites) for name in ("tests", "failures", "errors", "skipped")
    )
    failed = failures + errors
    return Counter(passed=max(total - failed - skipped, 0), failed=failed, skipped=skipped)


def coverage() -> str:
    """Describe how many lines test-sqlite ran."""
    command = [sys.executable, "-m", "coverage", "report", "--format=total"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        return "Coverage: not measured; Python 3.12 or newer measures it, or make test COVERAGE='--cov --cov-report='"
    return f"Coverage: test-sqlite ran {result.stdout.strip()} % of the lines (`make coverage` lists the others)"


def main(status: int, reports: list[Path]) -> int:
    """Print a line for each stage, the coverage, and the sum; return the exit status of `make test`."""
    total: Counter[str] = Counter()
    print()
    for report in reports:
        stage = count(report)
        total += stage
        print(f"{report.stem}: {stage['passed']} passed, {stage['failed']} failed, {stage['skipped']} skipped")
    if status and not total["failed"]:
        total["failed"] = 1  # a stage was interrupted or crashed
    print(coverage())
    skipped = f", {total['skipped']} skipped" if total["skipped"] else ""
    print(f"\nTests: {total['passed']} passed, {total['failed']} failed{skipped}")
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), [Path(name) for name in sys.argv[2:]]))
