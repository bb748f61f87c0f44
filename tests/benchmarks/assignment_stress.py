"""`python -m tests.benchmarks.assignment_stress`: stress the assignment engine on PostgreSQL, 20 times.

Eight processes assign 1,000 conversations, accept, reject, end, close and change presences at random; see
`tests.assignment_stress`.
"""

import os
import subprocess
import sys

from tests.postgres import temporary_cluster_url

DEFAULT_RUNS = 20


def main() -> int:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_RUNS
    failed = 0
    with temporary_cluster_url() as address:
        for seed in range(1, times + 1):
            command = [sys.executable, "-m", "tests.benchmarks.assignment_stress_run", str(seed)]
            environment = {**os.environ, "TEST_DATABASE_URL": address}
            failed += subprocess.run(command, env=environment, check=False).returncode != 0
    print(f"{times - failed} of {times} runs had no violations.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
