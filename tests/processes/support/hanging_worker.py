"""`python -m tests.processes.support.hanging_worker`: a worker that holds Python's interpreter lock for ever."""

import re
from datetime import datetime

import django

django.setup()

from omnichannel.jobs.lanes import Lease, enqueue  # noqa: E402
from omnichannel.jobs.watchdog import Watchdog  # noqa: E402
from omnichannel.jobs.worker import LaneHandler, Worker  # noqa: E402


def hang_in_c_code(lease: Lease) -> datetime | None:
    """Backtrack in C code: no other thread of the process runs and no signal is handled."""
    re.match(r"(a+)+$", "a" * 64 + "b")
    return None


if __name__ == "__main__":
    enqueue("item", 7)
    Worker({"item": LaneHandler(hang_in_c_code)}, [], send_heartbeat=Watchdog(5.0).send_heartbeat).run_forever()
