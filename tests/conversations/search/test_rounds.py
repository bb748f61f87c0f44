"""A search reads the newest texts only, whatever the size of the desk, and says when there may be more."""

from typing import Any

import pytest
from django.db import OperationalError, connection

from omnichannel.accounts.models import User
from omnichannel.conversations.models import Conversation, Message
from omnichannel.conversations.models.search import CONTACT_INDEX, MESSAGE_INDEX
from omnichannel.conversations.search import contacts, query, rounds
from omnichannel.conversations.search.query import search
from omnichannel.core import time_limited_queries as time_limited_queries_module
from omnichannel.core import word_index
from omnichannel.core.time_limited_queries import QueryTimeoutError, time_limited_queries
from omnichannel.core.word_index import RequiredWord
from routing.models import Agent
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, client_for

pytestmark = pytest.mark.django_db

LAMP = [[RequiredWord("lamp", is_prefix=True)]]
ENDLESS_QUERY = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) SELECT max(i) FROM n"
)


def create_messages(first_key: int, *bodies: str, **fields: Any) -> list[int]:
    """Create messages of one conversation with these keys, one after the other."""
    conversation = builders.create_conversation(**fields)
    messages = [
        Message(pk=first_key + place, conversation=conversation, direction="inbound", status="received", body=body)
        for place, body in enumerate(bodies)
    ]
    return [message.pk for message in Message.objects.bulk_create(messages)]


@pytest.fixture
def small_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "ROUNDS", (1, 2, 3))


def test_the_newest_texts_of_all_blocks_are_found_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_index, "NEWEST_ROWS", 1)
    block = 1 << word_index.BLOCK_BITS
    keys = [
        key
        for start in (1, block - 1, 5 * block, 40 * block)
        for key in create_messages(start, "lamp", "desk", "lamps")
    ]
    lamps = [key for place, key in enumerate(keys) if place % 3 != 1][::-1]
    assert MESSAGE_INDEX.find(LAMP, limit=10) == lamps
    assert MESSAGE_INDEX.find(LAMP, limit=3) == lamps[:3]
    for place in range(len(lamps)):
        assert MESSAGE_INDEX.find(LAMP, limit=10, before=lamps[place]) == lamps[place + 1 :]


def test_a_text_has_all_words_of_one_of_the_alternatives() -> None:
    keys = create_messages(1, "red lamp", "red desk", "blue desk")
    both = [[RequiredWord("red", False), RequiredWord("lamp", False)], [RequiredWord("blu", True)]]
    assert MESSAGE_INDEX.find(both, limit=10) == [keys[2], keys[0]]
    assert MESSAGE_INDEX.find([[RequiredWord("re", False)]], limit=10) == []


@pytest.mark.usefixtures("small_rounds")
def test_older_messages_are_searched_until_enough_are_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    orders, returns = builders.create_queue("Orders"), builders.create_queue("Returns")
    dana = builders.create_agent("Dana", queue=orders)
    create_messages(1, "lamp", queue=orders)
    create_messages(2, "lamp", queue=orders)
    create_messages(3, *["lamp"] * 3, queue=returns)
    results = search(dana.user, "lamp")
    assert [result.message.pk for result in results.conversations] == [2, 1]
    assert results.is_complete
    monkeypatch.setattr(query, "MAX_MESSAGES", 1)
    assert [result.message.pk for result in search(dana.user, "lamp").conversations] == [2]


@pytest.mark.usefixtures("small_rounds")
def test_a_user_is_told_to_narrow_a_search_that_ended_early() -> None:
    orders, returns = builders.create_queue("Orders"), builders.create_queue("Returns")
    dana = builders.create_agent("Dana", queue=orders)
    create_messages(1, "lamp", queue=orders)
    create_messages(2, *["lamp"] * 6, queue=returns)
    results = search(dana.user, "lamp")
    assert results.is_empty
    assert not results.is_complete
    page = client_for(dana).get("/desk/search/?q=lamp", headers=HTMX_HEADERS).content.decode()
    assert "Narrow your search" in page
    assert "No results" not in page


@pytest.fixture
def slow_database(monkeypatch: pytest.MonkeyPatch, sue: Agent) -> None:
    """Let every search take until its time is over."""
    builders.create_user("", "Ada", is_superuser=True, is_staff=True)
    builders.create_conversation(agent=sue)
    is_sqlite = connection.vendor == "sqlite"
    for module in (query, contacts):
        monkeypatch.setattr(module, "SECONDS", 0 if is_sqlite else 0.05)
    monkeypatch.setattr(time_limited_queries_module, "INSTRUCTIONS_BETWEEN_CHECKS", 1)
    if is_sqlite:
        return
    connection.check_constraints()  # PostgreSQL renames no table while these are pending.
    with connection.cursor() as cursor:
        for table in (MESSAGE_INDEX.table, CONTACT_INDEX.table):
            cursor.execute(f"ALTER TABLE {table} RENAME TO {table}_quick")
            cursor.execute(f"CREATE VIEW {table} AS SELECT quick.* FROM {table}_quick quick, pg_sleep(60)")


@pytest.mark.usefixtures("slow_database")
def test_a_search_that_takes_too_long_is_answered_with_advice(sue: Agent) -> None:
    conversation, client = Conversation.objects.get(), client_for(sue)
    for url in ("/desk/search/?q=lamp", f"/desk/conversations/{conversation.pk}/merge/?q=lamp"):
        answer = client.get(url, headers=HTMX_HEADERS)
        assert answer.status_code == 200
        assert "The search took too long." in answer.content.decode()


@pytest.mark.usefixtures("slow_database")
def test_a_search_in_the_administration_that_takes_too_long_is_answered_with_advice() -> None:
    administrator = User.objects.get(username="ada")
    for model in ("contact", "conversation"):
        answer = client_for(administrator).get(f"/admin/conversations/{model}/?q=lamp")
        assert answer.status_code == 200
        assert "The search took too long." in answer.content.decode()


def test_a_time_limit_ends_with_its_block() -> None:
    with pytest.raises(QueryTimeoutError), time_limited_queries(0.05), connection.cursor() as cursor:
        cursor.execute(ENDLESS_QUERY)
    settings = read_settings()
    with time_limited_queries(0.05):
        assert connection.vendor == "sqlite" or read_settings() == ("50ms", "off", "off")
    assert read_settings() == settings


def read_settings() -> tuple[str, ...]:
    if connection.vendor == "sqlite":
        return ()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('statement_timeout'), current_setting('jit'), current_setting('enable_seqscan')"
        )
        return tuple(cursor.fetchone())


def test_other_errors_of_the_database_are_not_taken_for_a_time_limit() -> None:
    with pytest.raises(OperationalError), time_limited_queries(5):
        raise OperationalError("disk full")
