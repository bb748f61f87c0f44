"""`python -m tests.benchmarks.race`: the race for work on PostgreSQL, 20 times with 1,000 waiting conversations.

Eight processes hand out work, accept, reject, end, close and change presences at random; see `tests.race`.
"""

import os
import subprocess
import sys
import time

import django

from tests.postgres import throw_away_cluster

CONVERSATIONS, TIMES, SECONDS = 1000, 20, 240.0


def one(seed: int) -> int:
    """Run one race in this process; how many promises were broken."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from django.db import connection  # noqa: PLC0415 (needs the settings)

    from tests import race  # noqa: PLC0415

    connection.creation.create_test_db(verbosity=0)
    begin = time.monotonic()
    try:
        race.open_desk(CONVERSATIONS)
        breaches, closed = race.race(seed, SECONDS)
    finally:
        connection.creation.destroy_test_db("", verbosity=0)
    took = time.monotonic() - begin
    print(f"race {seed}: {closed} closed in {took:.0f} s, {len(breaches)} breaches", *breaches, sep="\n  ", flush=True)
    return len(breaches)


def main() -> int:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else TIMES
    failed = 0
    with throw_away_cluster() as address:
        for seed in range(1, times + 1):
            command = [sys.executable, "-m", "tests.benchmarks.race", "seed", str(seed)]
            environment = {**os.environ, "TEST_DATABASE_URL": address}
            failed += subprocess.run(command, env=environment, check=False).returncode != 0
    print(f"{times - failed} of {times} races kept every promise.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(one(int(sys.argv[2])) if sys.argv[1:2] == ["seed"] else main())
