"""`python -m tests.benchmarks.assignment_stress_run SEED`: run once; the exit code is 1 after a violation."""

import os
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import connection  # noqa: E402

from tests import assignment_stress  # noqa: E402

CONVERSATION_COUNT, TIME_LIMIT_SECONDS = 1000, 600.0  # A run takes about a minute on an idle machine.


def main(seed: int) -> int:
    connection.creation.create_test_db(verbosity=0)
    begin = time.monotonic()
    try:
        assignment_stress.create_agents_and_conversations(CONVERSATION_COUNT)
        violations, closed = assignment_stress.run_race(seed, TIME_LIMIT_SECONDS)
    finally:
        connection.creation.destroy_test_db("", verbosity=0)
    duration = time.monotonic() - begin
    print(
        f"run {seed}: {closed} closed in {duration:.0f} s, {len(violations)} violations",
        *violations,
        sep="\n  ",
        flush=True,
    )
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
