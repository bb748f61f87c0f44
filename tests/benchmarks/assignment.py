"""`python -m tests.benchmarks.assignment`: time one assignment with 10, 100 and 1,000 agents, as JSON.

The database is SQLite, or PostgreSQL in the cluster that TEST_DATABASE_URL names.
"""

import json
import os
import statistics
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from omnichannel.conversations.assignment.dispatch import offer_waiting_conversations  # noqa: E402
from omnichannel.conversations.models import Conversation  # noqa: E402
from tests import builders  # noqa: E402
from tests.routing.bulk_agents import create_agents  # noqa: E402

AGENT_COUNTS, REPETITIONS = (10, 100, 1000), 40


def time_assignment(agent_count: int) -> float:
    """Return the median seconds to offer one conversation among this many agents, half of whom are busy."""
    queue = builders.create_queue(f"Queue of {agent_count}")
    agents = create_agents(agent_count, queue)
    shop = builders.create_number()
    for agent in agents[: agent_count // 2]:
        builders.create_conversation(number=shop, queue=queue, agent=agent)
    durations = []
    for _ in range(REPETITIONS):
        Conversation.objects.filter(offered_to__isnull=False).update(offered_to=None, offer_expires_at=None, queue=1)
        Conversation.objects.filter(agent=None).delete()
        builders.create_conversation(number=shop, queue=queue)
        begin = time.perf_counter()
        offered, _ = offer_waiting_conversations(timezone.now())
        durations.append(time.perf_counter() - begin)
        assert offered == 1
    Conversation.objects.all().delete()
    return statistics.median(durations)


def main() -> None:
    print(f"  an assignment among {', '.join(map(str, AGENT_COUNTS))} agents …", file=sys.stderr, flush=True)
    connection.creation.create_test_db(verbosity=0)
    try:
        costs = {agents: 1000 * time_assignment(agents) for agents in AGENT_COUNTS}
    finally:
        connection.creation.destroy_test_db("", verbosity=0)
    figures = {f"decision, {agents} agents (ms)": cost for agents, cost in costs.items()}
    print(json.dumps({**figures, "decision, 1000 to 10 agents": costs[1000] / costs[10]}))


if __name__ == "__main__":
    main()
