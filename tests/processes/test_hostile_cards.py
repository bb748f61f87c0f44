"""Contact cards made to keep a parser busy: the desk works on, in the same worker."""

import pytest

from tests.conversations.contacts.hostile_cards import HOSTILE
from tests.processes.desk import STARTS_WITHIN, Desk
from tests.processes.programs import is_running, wait_until

pytestmark = pytest.mark.process

FILED_WITHIN, STORED_WITHIN = 30.0, 60.0  # seconds


def test_hostile_cards_are_stored_and_the_next_customers_message_is_filed(desk: Desk) -> None:
    desk.ask("open_shop")
    desk.ask("customers_write", count=3)
    desk.serve()
    wait_until(desk.worker_is_running, STARTS_WITHIN, "the worker runs")
    workers = desk.worker_pids()
    desk.ask("customers_send_hostile_cards")
    desk.ask("customer_writes", name="Amara", text="Where is my lamp?")
    wait_until(lambda: desk.ask("is_filed", text="Where is my lamp?"), FILED_WITHIN, "the next message is filed")
    stored = {"text/vcard stored": len(HOSTILE)}
    wait_until(lambda: desk.ask("files_by_state") == stored, STORED_WITHIN, "every card is stored")
    assert desk.ask("file_sizes") == sorted(map(len, HOSTILE.values()))
    assert desk.worker_pids() == workers
    assert all(map(is_running, workers))
