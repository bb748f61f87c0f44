"""`make bench`: how fast the running product is on this machine, on SQLite and on PostgreSQL.

Server, worker, database and what loads them share the machine, so the figures are for comparing, not for boasting.
"""

import json
import os
import platform
import subprocess
import sys
import time

from tests.postgres import throw_away_cluster

# What the design promises, where it names a figure.
AIMS = {
    "idle worker (% of a core)": "under 1",
    "pick-up of a reply, p95 (ms)": "under 300",
    "decision, 1000 to 10 agents": "under 3",
}
PARTS = ("measure", "decisions")


def measured(title: str, cluster: str = "") -> dict[str, float]:
    """Measure each part in a process of its own; their progress is on the terminal."""
    print(f"{title}:", file=sys.stderr, flush=True)
    environment = {**os.environ, "TEST_DATABASE_URL": cluster}
    figures: dict[str, float] = {}
    for part in PARTS:
        command = [sys.executable, "-m", f"tests.benchmarks.{part}"]
        found = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
        figures.update(json.loads(found.stdout))
    return figures


def main() -> None:
    begin = time.monotonic()
    sqlite = measured("SQLite")
    with throw_away_cluster() as address:
        postgres = measured("PostgreSQL", address)
    print(f"\nPython {platform.python_version()}, {os.cpu_count()} cores, {time.monotonic() - begin:.0f} s\n")
    print(f"{'':34} {'SQLite':>10} {'PostgreSQL':>10} {'ratio':>7}  aim")
    for name, value in sqlite.items():
        ratio = f"{postgres[name] / value:.2f}" if value else ""
        print(f"{name:34} {value:10.1f} {postgres[name]:10.1f} {ratio:>7}  {AIMS.get(name, '')}".rstrip())


if __name__ == "__main__":
    main()
