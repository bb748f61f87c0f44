"""Contact cards made to keep a parser busy: the desk works on, in the same worker."""

import pytest

from tests.conversations.contacts.hostile_cards import HOSTILE_VCARDS
from tests.processes.desk import START_TIMEOUT, AppInstance
from tests.processes.programs import is_running, wait_until

pytestmark = pytest.mark.process

MESSAGE_TIMEOUT, FILE_TIMEOUT = 30.0, 60.0  # seconds


def test_hostile_cards_are_stored_and_the_next_customers_message_is_filed(desk: AppInstance) -> None:
    desk.ask("create_shop")
    desk.ask("create_customer_conversations", count=3)
    desk.serve()
    wait_until(desk.worker_is_running, START_TIMEOUT, "the worker runs")
    workers = desk.worker_pids()
    desk.ask("send_hostile_vcards")
    desk.ask("send_from_new_customer", name="Amara", text="Where is my lamp?")
    wait_until(lambda: desk.ask("has_message", text="Where is my lamp?"), MESSAGE_TIMEOUT, "the next message is filed")
    stored = {"text/vcard stored": len(HOSTILE_VCARDS)}
    wait_until(lambda: desk.ask("count_files_by_state") == stored, FILE_TIMEOUT, "every card is stored")
    assert desk.ask("list_file_sizes") == sorted(map(len, HOSTILE_VCARDS.values()))
    assert desk.worker_pids() == workers
    assert all(map(is_running, workers))
