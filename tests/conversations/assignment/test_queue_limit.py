"""A queue's limit holds when many conversations are routed at the same moment."""

import pytest

from omnichannel.conversations.assignment.classify import classify_conversation
from omnichannel.conversations.models import Conversation
from routing.models import State
from tests import builders
from tests.concurrency import at_once
from tests.conversations.initiate_fixtures import new, orders_queue, overflows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("limit", [1, 4])
def test_a_queue_takes_no_more_than_its_limit_however_many_come_at_once(limit: int) -> None:
    orders = orders_queue()
    overflows(orders, "work_item_limit", "end", limit=limit)
    number = builders.number()
    newcomers = [new(on=number).pk for _ in range(12)]
    assert at_once(*[lambda pk=pk: classify_conversation(pk) for pk in newcomers]) == [None] * len(newcomers)
    states = list(Conversation.objects.values_list("state", flat=True))
    assert (states.count(State.OPEN), states.count(State.CLOSED)) == (limit, len(newcomers) - limit)
