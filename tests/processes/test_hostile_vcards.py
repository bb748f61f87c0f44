"""Hostile contact cards do not stop the worker."""

import pytest

from tests.conversations.contacts.hostile_vcards import HOSTILE_VCARDS
from tests.processes.support.app_instance import START_TIMEOUT, AppInstance
from tests.processes.support.managed_process import is_running, wait_until

pytestmark = pytest.mark.process

MESSAGE_TIMEOUT, FILE_TIMEOUT = 30.0, 60.0  # seconds


def test_hostile_cards_are_stored_and_the_next_customers_message_is_filed(app: AppInstance) -> None:
    app.call("create_shop")
    app.call("create_customer_conversations", count=3)
    app.start_server()
    wait_until(app.worker_is_running, START_TIMEOUT, "the worker runs")
    workers = app.worker_pids()
    app.call("send_hostile_vcards")
    app.call("send_from_new_customer", name="Amara", text="Where is my lamp?")
    wait_until(lambda: app.call("has_message", text="Where is my lamp?"), MESSAGE_TIMEOUT, "the next message is filed")
    stored = {"text/vcard stored": len(HOSTILE_VCARDS)}
    wait_until(lambda: app.call("count_files_by_state") == stored, FILE_TIMEOUT, "every card is stored")
    assert app.call("list_file_sizes") == sorted(map(len, HOSTILE_VCARDS.values()))
    assert app.worker_pids() == workers
    assert all(map(is_running, workers))
