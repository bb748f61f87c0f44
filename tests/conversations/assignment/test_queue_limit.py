"""A queue's limit holds when many conversations are routed at the same moment."""

import pytest

from omnichannel.conversations.assignment.classify import classify_conversation
from omnichannel.conversations.models import Conversation
from routing.models import State
from tests import builders
from tests.concurrency import run_concurrently
from tests.conversations.routing_fixtures import create_new_conversation, create_orders_queue, create_overflow_rule

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("limit", [1, 4])
def test_a_queue_takes_no_more_than_its_limit_however_many_come_at_once(limit: int) -> None:
    orders = create_orders_queue()
    create_overflow_rule(orders, "work_item_limit", "end", limit=limit)
    number = builders.create_number()
    newcomers = [create_new_conversation(number=number).pk for _ in range(12)]
    assert run_concurrently(*[lambda pk=pk: classify_conversation(pk) for pk in newcomers]) == [None] * len(newcomers)
    states = list(Conversation.objects.values_list("state", flat=True))
    assert (states.count(State.OPEN), states.count(State.CLOSED)) == (limit, len(newcomers) - limit)
