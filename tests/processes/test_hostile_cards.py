"""Contact cards made to keep a parser busy: the desk works on, in the same worker."""

import pytest

from tests.conversations.contacts.hostile_cards import HOSTILE_VCARDS
from tests.processes.desk import START_TIMEOUT, AppInstance
from tests.processes.programs import is_running, wait_until

pytestmark = pytest.mark.process

MESSAGE_TIMEOUT, FILE_TIMEOUT = 30.0, 60.0  # seconds


def test_hostile_cards_are_stored_and_the_next_customers_message_is_filed(desk: AppInstance) -> None:
    desk.call("create_shop")
    desk.call("create_customer_conversations", count=3)
    desk.start_server()
    wait_until(desk.worker_is_running, START_TIMEOUT, "the worker runs")
    workers = desk.worker_pids()
    desk.call("send_hostile_vcards")
    desk.call("send_from_new_customer", name="Amara", text="Where is my lamp?")
    wait_until(lambda: desk.call("has_message", text="Where is my lamp?"), MESSAGE_TIMEOUT, "the next message is filed")
    stored = {"text/vcard stored": len(HOSTILE_VCARDS)}
    wait_until(lambda: desk.call("count_files_by_state") == stored, FILE_TIMEOUT, "every card is stored")
    assert desk.call("list_file_sizes") == sorted(map(len, HOSTILE_VCARDS.values()))
    assert desk.worker_pids() == workers
    assert all(map(is_running, workers))
