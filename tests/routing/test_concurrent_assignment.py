"""No agent exceeds their capacity, however many processes assign work at the same time."""

import pytest

from tests import assignment_stress

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

CONVERSATION_COUNT, TIME_LIMIT_SECONDS = 240, 10.0


def test_concurrent_assignment_never_exceeds_capacity_or_strands_work() -> None:
    assignment_stress.create_agents_and_conversations(CONVERSATION_COUNT)
    violations, closed = assignment_stress.run_race(seed=1, seconds=TIME_LIMIT_SECONDS)
    assert violations == []
    assert closed > 0
