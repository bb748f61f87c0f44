"""`make bench`: measure the running app on this machine, on SQLite and on PostgreSQL.

Server, worker, database and load generator share the machine, so use the figures only for comparisons.
"""

import json
import os
import platform
import subprocess
import sys
import time

from tests.postgres import temporary_cluster_url

# Limits from the specification.
TARGETS = {
    "idle worker (% of a core)": 0.5,
    "pick-up of a reply, p95 (ms)": 150,
    "1000 streams: commit to page, p95 (ms)": 1000,
    "decision, 1000 to 10 agents": 3,
    "10000 to 50 messages": 1.5,
    "inbox, 20000 to 200": 3,
    "inbox, first visit (kB)": 150,
    "inbox, requests": 10,
    "conversation, first visit (kB)": 150,
    "conversation, requests": 10,
}
BENCHMARK_MODULES = ("server", "assignment", "streams", "pages")
BAR_WIDTH = 12


def run_benchmarks(title: str, cluster: str = "") -> dict[str, float]:
    """Run each benchmark module in a process of its own and return the figures of all."""
    print(f"{title}:", file=sys.stderr, flush=True)
    environment = {**os.environ, "TEST_DATABASE_URL": cluster}
    figures: dict[str, float] = {}
    for part in BENCHMARK_MODULES:
        command = [sys.executable, "-m", f"tests.benchmarks.{part}"]
        result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
        figures.update(json.loads(result.stdout))
    return figures


def draw_bar(value: float, limit: float) -> str:
    """Draw the share of the limit that is used."""
    full = min(BAR_WIDTH, round(BAR_WIDTH * value / limit))
    return "█" * full + "░" * (BAR_WIDTH - full) + (" over the limit" if value > limit else "")


def format_row(name: str, sqlite: float, postgres: float) -> str:
    """Format both figures and, for a figure with a limit, a bar for the worse one."""
    figures = f"{name:42} {sqlite:10.1f} {postgres:10.1f}"
    if name not in TARGETS:
        return figures
    return f"{figures}  under {TARGETS[name]:<5g} {draw_bar(max(sqlite, postgres), TARGETS[name])}"


def main() -> None:
    begin = time.monotonic()
    sqlite = run_benchmarks("SQLite")
    with temporary_cluster_url() as address:
        postgres = run_benchmarks("PostgreSQL", address)
    print(f"\nPython {platform.python_version()}, {os.cpu_count()} cores, {time.monotonic() - begin:.0f} s\n")
    print(f"{'':42} {'SQLite':>10} {'PostgreSQL':>10}  limit")
    for name, value in sqlite.items():
        print(format_row(name, value, postgres[name]))


if __name__ == "__main__":
    main()
