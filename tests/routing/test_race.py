"""Promise 5: no agent is given more than their capacity, however many processes hand out work at once."""

import pytest

from tests import race

pytestmark = pytest.mark.django_db(transaction=True)

CONVERSATIONS, SECONDS = 240, 10.0


def test_eight_processes_hand_out_work_and_nobody_gets_too_much_or_waits_in_vain() -> None:
    race.open_desk(CONVERSATIONS)
    breaches, closed = race.race(seed=1, seconds=SECONDS)
    assert breaches == []
    assert closed > 0
