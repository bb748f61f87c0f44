"""`make bench`: how fast the running product is on this machine, on SQLite and on PostgreSQL.

Server, worker, database and what loads them share the machine, so the figures are for comparing, not for boasting.
"""

import json
import os
import platform
import subprocess
import sys
import time

from tests.postgres import temporary_cluster_url

# What the design promises, where it names a figure.
TARGETS = {
    "idle worker (% of a core)": 1,
    "pick-up of a reply, p95 (ms)": 300,
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
    """Measure each part in a process of its own; their progress is on the terminal."""
    print(f"{title}:", file=sys.stderr, flush=True)
    environment = {**os.environ, "TEST_DATABASE_URL": cluster}
    figures: dict[str, float] = {}
    for part in BENCHMARK_MODULES:
        command = [sys.executable, "-m", f"tests.benchmarks.{part}"]
        result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
        figures.update(json.loads(result.stdout))
    return figures


def draw_bar(value: float, most: float) -> str:
    """How much of what is allowed is used up."""
    full = min(BAR_WIDTH, round(BAR_WIDTH * value / most))
    return "█" * full + "░" * (BAR_WIDTH - full) + (" too much" if value > most else "")


def format_row(name: str, sqlite: float, postgres: float) -> str:
    """Both figures; where there is an aim, the worse of them as a part of it."""
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
    print(f"{'':42} {'SQLite':>10} {'PostgreSQL':>10}  aim")
    for name, value in sqlite.items():
        print(format_row(name, value, postgres[name]))


if __name__ == "__main__":
    main()
