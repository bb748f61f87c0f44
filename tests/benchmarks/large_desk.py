"""`python -m tests.benchmarks.large_desk --conversations 1000000`: fill a database with a desk of this size.

TEST_DATABASE_URL names the database, which must be empty; a command that measures can run after this one:

    python -m tests.postgres sh -c "python -m tests.benchmarks.large_desk && …"

All rows come from a few statements, and indexes are built after the load. Whatever the size, 10,000 conversations are
open (or all, if there are fewer); the others were closed at times spread over two years.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()

from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection, models, transaction
from django.utils import timezone

from channels_whatsapp.models import WebhookDelivery, WhatsAppNumber
from omnichannel.accounts.models import User
from omnichannel.conversations.models import Contact, Conversation, ConversationEvent, Message
from omnichannel.conversations.models.search import CONTACT_INDEX, MESSAGE_INDEX
from omnichannel.conversations.search.index import ensure_index
from omnichannel.core.localized_text import localized
from omnichannel.core.text.search_words import build_search_words
from omnichannel.core.word_index import BLOCK_BITS
from routing.models import Agent, BasePresence, Presence, Queue, QueueMembership
from tests import builders

TWO_YEARS, ONE_WEEK = 2 * 365 * 86400, 7 * 86400  # seconds
CHINESE: Final = "订单何时发货"  # in every hundredth message
CHUNK: Final = 200_000  # conversations of one statement
TABLES: Final = tuple(
    model._meta.db_table for model in (Contact, Conversation, Message, ConversationEvent, WebhookDelivery)
)
Columns = Mapping[str, str]
Report = Callable[[str], None]


@dataclass(frozen=True)
class DeskSize:
    """The number of rows of each kind.

    Attributes:
        queues: Without the default queue.
    """

    conversations: int = 1_000_000
    max_open: int = 10_000
    messages_each: int = 5
    agents: int = 200
    queues: int = 20

    @property
    def open_conversations(self) -> int:
        return min(self.max_open, self.conversations)

    @property
    def closed_conversations(self) -> int:
        return self.conversations - self.open_conversations

    @property
    def contacts(self) -> int:
        """Return a third of the conversations, and one for each open conversation at least."""
        return max(self.open_conversations, self.conversations // 3)


@dataclass(frozen=True)
class Staff:
    """The people of the desk, and what refers to them; the other agents' ids follow each other."""

    agent_of_one_queue: Agent
    agent_of_all_queues: Agent
    supervisor: Agent
    first_agent: int
    first_user: int
    first_queue: int
    default_queue: int
    number: WhatsAppNumber


def print_report(text: str) -> None:
    print(f"  {text} …", file=sys.stderr, flush=True)


def fill_desk(size: DeskSize, report: Report = print_report) -> Staff:
    """Fill the migrated, empty database and return who works there."""
    staff = create_staff(size)
    with _fast_load(report):
        _insert_rows(size, staff, report)
    report("statistics")
    with connection.cursor() as cursor:
        is_vacuum_possible = connection.vendor == "postgresql" and not connection.in_atomic_block
        cursor.execute("VACUUM ANALYZE" if is_vacuum_possible else "ANALYZE")
    return staff


def create_staff(size: DeskSize) -> Staff:
    """Create agents and queues: the first agent is in one queue besides the default one, the second in all."""
    number = builders.create_number()
    queues = Queue.objects.bulk_create(Queue(name=f"Queue {index}") for index in range(size.queues))
    agents = _create_agents(size.agents)
    QueueMembership.objects.bulk_create(
        QueueMembership(agent=agent, queue=queue)
        for place, agent in enumerate(agents)
        for queue in _queues_of(place, queues)
    )
    supervisor = builders.create_agent("Large Supervisor", role="Supervisor")
    first_queue, first_agent, first_user = (rows[0].pk for rows in (queues, agents, [agents[0].user]))
    assert agents[-1].pk == first_agent + size.agents - 1, "The ids of the agents must follow each other."
    assert agents[-1].user_id == first_user + size.agents - 1, "The ids of the users must follow each other."
    assert queues[-1].pk == first_queue + size.queues - 1, "The ids of the queues must follow each other."
    default_queue = Queue.objects.get_default().pk
    return Staff(agents[0], agents[1], supervisor, first_agent, first_user, first_queue, default_queue, number)


def _create_agents(count: int) -> list[Agent]:
    available = Presence.objects.get(base_status=BasePresence.AVAILABLE, is_built_in=True)
    users = User.objects.bulk_create(User(username=f"large{place}", password="!") for place in range(count))
    role = Group.objects.get(name="Agent")
    User.groups.through.objects.bulk_create(User.groups.through(user=user, group=role) for user in users)
    return Agent.objects.bulk_create(Agent(user=user, presence=available) for user in users)


def _queues_of(place: int, queues: list[Queue]) -> list[Queue]:
    match place:
        case 0:
            return queues[:1]
        case 1:
            return queues
        case _:
            return [queues[place % len(queues)], queues[(place + 7) % len(queues)]]


# -- Rows -------------------------------------------------------------------------------------------------------------


def _insert_rows(size: DeskSize, staff: Staff, report: Report) -> None:
    """Insert rows whose ids are 1, 2, 3 …: the messages of conversation i have the ids up to i times messages_each."""
    now = int(timezone.now().timestamp())
    per_conversation = _Expressions(size, staff, now)
    _insert(Contact, per_conversation.contact(), size.contacts, report)
    _insert(Conversation, per_conversation.conversation(), size.conversations, report)
    for place in range(1, size.messages_each + 1):
        _insert(Message, per_conversation.message(place), size.conversations, report)
    _insert(ConversationEvent, per_conversation.created_event(), size.conversations, report)
    _insert(ConversationEvent, per_conversation.closed_event(), size.closed_conversations, report)
    _insert(WebhookDelivery, per_conversation.delivery(), size.conversations, report)
    _insert_message_words(size, report)


def _insert_message_words(size: DeskSize, report: Report) -> None:
    """Insert the words of all messages by SQL; `ensure_index` would build them in Python."""
    block = f"id >> {BLOCK_BITS}"
    mark = f"to_hex({block}) || ':'" if _is_postgresql() else f"printf('%%x:', {block})"
    text = f"replace(lower(body), '{CHINESE}', '{' '.join(build_search_words(CHINESE))}')"
    words = f"{mark} || replace({text}, ' ', ' ' || {mark})"
    vector = f"array_to_tsvector(string_to_array({words}, ' '))" if _is_postgresql() else words
    last = size.conversations * size.messages_each
    with connection.cursor() as cursor:
        if _is_postgresql():
            cursor.execute(f"DROP INDEX IF EXISTS {MESSAGE_INDEX.name}, {CONTACT_INDEX.name}")
        for start in range(1, last + 1, CHUNK):
            end = min(start + CHUNK - 1, last)
            report(f"words of messages up to {end:,} of {last:,}")
            cursor.execute(
                f"INSERT INTO {MESSAGE_INDEX.table} (message_id, words)"  # noqa: S608 (names and numbers)
                f" SELECT id, {vector} FROM conversations_message WHERE id BETWEEN %s AND %s",
                [start, end],
            )


@dataclass(frozen=True)
class _Expressions:
    """SQL expressions of the columns; `i` is the number of the conversation, the newest one last."""

    size: DeskSize
    staff: Staff
    now: int

    @property
    def is_open(self) -> str:
        return f"i > {self.size.closed_conversations}"

    @property
    def place_of_agent(self) -> str:
        """Return the place of the agent: 20 in a row have the same one, so that each has some in every state."""
        return f"i / 20 % {self.size.agents}"

    @property
    def closed_at(self) -> str:
        step = f"(CAST({self.size.closed_conversations} - i AS bigint) * {TWO_YEARS} / {self.size.conversations})"
        return f"{self.now} - 60 - {step}"

    @property
    def started_at(self) -> str:
        closed = f"{self.closed_at} - 600 - i * 7919 % 172800"
        return f"CASE WHEN {self.is_open} THEN {self.now} - 3600 - i * 7919 % {ONE_WEEK} ELSE {closed} END"

    @property
    def last_activity_at(self) -> str:
        return f"{self.started_at} + {60 * self.size.messages_each}"

    @property
    def state(self) -> str:
        """Of 20 open conversations three wait for an agent, two are active, one is in wrap-up, the others waiting."""
        shares = "CASE i % 20 WHEN 0 THEN 'open' WHEN 1 THEN 'open' WHEN 2 THEN 'open' WHEN 3 THEN 'active'"
        shares += " WHEN 4 THEN 'active' WHEN 5 THEN 'wrap_up' ELSE 'waiting' END"
        return f"CASE WHEN {self.is_open} THEN {shares} ELSE 'closed' END"

    @property
    def queue(self) -> str:
        place = f"i * 31 / 7 % {self.size.queues + 1}"
        return f"CASE {place} WHEN 0 THEN {self.staff.default_queue} ELSE {self.staff.first_queue - 1} + {place} END"

    def contact(self) -> Columns:
        digits = f"({4_915_000_000_000} + i)"
        return {
            "id": "i",
            "name": "CASE i % 3 WHEN 0 THEN 'Customer ' || i ELSE '' END",
            "profile_name": "'Person ' || i || ' of town ' || i % 997",
            "address": f"'whatsapp:+' || {digits}",
            "identity": f"'+' || {digits}",
            "created_at": _timestamp(f"{self.now} - {TWO_YEARS} + i"),
        }

    def conversation(self) -> Columns:
        last_activity, has_agent = _timestamp(self.last_activity_at), f"NOT ({self.is_open} AND i % 20 < 3)"
        return {
            "id": "i",
            "contact_id": f"1 + i % {self.size.contacts}",
            "number_id": f"{self.staff.number.pk}",
            "work_stream_id": f"{self.staff.number.work_stream_id}",
            "queue_id": self.queue,
            "agent_id": f"CASE WHEN {has_agent} THEN {self.staff.first_agent} + {self.place_of_agent} END",
            "state": self.state,
            "state_since": f"CASE WHEN {self.is_open} THEN {last_activity} ELSE {_timestamp(self.closed_at)} END",
            "queued_at": _timestamp(self.started_at),
            "closed_at": f"CASE WHEN NOT {self.is_open} THEN {_timestamp(self.closed_at)} END",
            "last_inbound_at": last_activity,
            "window_closes_at": _timestamp(f"{self.last_activity_at} + 86400"),
            "unread_count": f"CASE WHEN {self.is_open} AND i % 10 < 4 THEN 1 + i % 3 ELSE 0 END",
            "last_message_id": f"i * {self.size.messages_each}",
            "last_activity_at": last_activity,
            "created_at": _timestamp(self.started_at),
            "routed_at": _timestamp(self.started_at),
            "priority": "CASE i % 25 WHEN 1 THEN 1 WHEN 2 THEN 2 WHEN 3 THEN 4 ELSE 3 END",
        }

    def message(self, place: int) -> Columns:
        """Return the columns of the messages in this place, from 1; every second one is a reply."""
        pk, at = f"((i - 1) * {self.size.messages_each} + {place})", _timestamp(f"{self.started_at} + {60 * place}")
        body = f"'Order ' || {pk} || ' about topic' || {pk} % 997 || ' and delivery to town' || i % 89"
        body = f"CASE {pk} % 100 WHEN 0 THEN {body} || ' {CHINESE}' ELSE {body} END"
        is_reply = place % 2 == 0
        return {
            "id": pk,
            "conversation_id": "i",
            "direction": "'outbound'" if is_reply else "'inbound'",
            "status": "'read'" if is_reply else "'received'",
            "author_id": f"{self.staff.first_user} + {self.place_of_agent}" if is_reply else "NULL",
            "body": body,
            "public_id": _random_uuid(),
            "twilio_sid": _sid(pk),
            "sent_to": f"'whatsapp:+' || ({4_915_000_000_000} + 1 + i % {self.size.contacts})" if is_reply else "''",
            "created_at": at,
            "updated_at": at,
        }

    def created_event(self) -> Columns:
        text = _literal(localized("The customer started the conversation."), ConversationEvent, "text")
        created_at = _timestamp(self.started_at)
        return {"id": "i", "conversation_id": "i", "kind": "'created'", "text": text, "created_at": created_at}

    def closed_event(self) -> Columns:
        text = _literal(localized("Closed automatically due to inactivity."), ConversationEvent, "text")
        return {
            "id": f"i + {self.size.conversations}",
            "conversation_id": "i",
            "kind": "'closed'",
            "text": text,
            "created_at": _timestamp(self.closed_at),
        }

    def delivery(self) -> Columns:
        return {
            "id": "i",
            "account_id": f"{self.staff.number.account_id}",
            "kind": "CASE i % 3 WHEN 0 THEN 'status' ELSE 'inbound' END",
            "fingerprint": f"'inbound:' || {_sid('i')}",
            "received_at": _timestamp(f"{self.started_at} + 60"),
            "state": "'applied'",
            "attempts": "1",
            "payload": '\'{"Body": "Hello", "NumMedia": "0"}\'',
        }


def _insert(model: type[models.Model], columns: Columns, count: int, report: Report) -> None:
    """Insert `count` rows, a chunk per statement; columns without an expression get their default."""
    fields = {str(field.column): field for field in model._meta.concrete_fields}
    known = {column: expression for column, expression in columns.items() if column in fields}
    defaults = {column: _default(field) for column, field in fields.items() if column not in known}
    expressions: dict[str, str] = {**defaults, **known}
    for start in range(1, count + 1, CHUNK):
        end = min(start + CHUNK - 1, count)
        report(f"{model._meta.verbose_name_plural} up to {end:,} of {count:,}")
        table, names, values = model._meta.db_table, ", ".join(expressions), ", ".join(expressions.values())
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {table} ({names}) SELECT {values} FROM {_series(start, end)}")  # noqa: S608


def _default(field: Any) -> str:
    return "NULL" if field.null else _to_sql(field, field.get_default())


def _literal(value: Any, model: type[models.Model], name: str) -> str:
    return _to_sql(model._meta.get_field(name), value)


def _to_sql(field: Any, value: Any) -> str:
    prepared = field.get_prep_value(value)
    match prepared:
        case bool() | int():
            return str(prepared).upper()
        case str() if not isinstance(field, models.JSONField):
            text = prepared
        case _ if isinstance(field, models.JSONField):
            text = json.dumps(prepared)
        case _:
            text = str(field.get_db_prep_save(value, connection))
    return "'" + text.replace("'", "''") + "'"


def _is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def _series(start: int, end: int) -> str:
    if _is_postgresql():
        return f"generate_series(CAST({start} AS bigint), {end}) AS series(i)"
    steps = f"SELECT {start} AS i UNION ALL SELECT i + 1 FROM series WHERE i < {end}"  # noqa: S608 (numbers)
    return f"(WITH RECURSIVE series AS ({steps}) SELECT i FROM series)"  # noqa: S608


def _timestamp(seconds: str) -> str:
    return f"to_timestamp({seconds})" if _is_postgresql() else f"datetime({seconds}, 'unixepoch')"


def _random_uuid() -> str:
    return "gen_random_uuid()" if _is_postgresql() else "lower(hex(randomblob(16)))"


def _sid(number: str) -> str:
    return f"'SM' || lpad(to_hex({number}), 32, '0')" if _is_postgresql() else f"printf('SM%032x', {number})"


# -- Indexes ----------------------------------------------------------------------------------------------------------


@contextmanager
def _fast_load(report: Report) -> Iterator[None]:
    """Load without indexes, triggers and checks of foreign keys; create them all at the end."""
    with _fast_load_postgresql(report) if _is_postgresql() else _fast_load_sqlite(report):
        yield


@contextmanager
def _fast_load_postgresql(report: Report) -> Iterator[None]:
    database: Any = connection
    with database.without_statement_timeout(), connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        constraints, indexes = _read_constraints(cursor), _read_indexes(cursor)
        for table, name, _ in constraints:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        yield
        for table, name, definition in constraints:
            report(f"constraint {name}")
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        for name, definition in indexes:
            report(f"index {name}")
            cursor.execute(definition)
        for table in TABLES:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")  # noqa: S608
        report("search index")
        ensure_index()
        cursor.execute("SET session_replication_role = DEFAULT")


def _read_constraints(cursor: Any) -> list[tuple[str, str, str]]:
    """Return table, name and definition of each unique constraint."""
    cursor.execute(
        "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'u' AND conrelid::regclass::text = ANY(%s)",
        [list(TABLES)],
    )
    return list(cursor.fetchall())


def _read_indexes(cursor: Any) -> list[tuple[str, str]]:
    """Return name and definition of each index that belongs to no constraint."""
    cursor.execute(
        "SELECT quote_ident(indexname), indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND NOT EXISTS"
        " (SELECT FROM pg_constraint WHERE conindid = quote_ident(indexname)::regclass)",
        [list(TABLES)],
    )
    return list(cursor.fetchall())


@contextmanager
def _fast_load_sqlite(report: Report) -> Iterator[None]:
    with connection.cursor() as cursor, connection.constraint_checks_disabled():
        cursor.execute("SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql <> ''")
        parts = cursor.fetchall()
        indexes = [(name, sql) for kind, name, sql in parts if kind == "index" and _is_of_table(sql)]
        for kind, name, _ in parts:
            if kind == "trigger":  # they keep the search index, which `ensure_index` creates again
                cursor.execute(f"DROP TRIGGER {name}")
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        with transaction.atomic():
            yield
        for name, sql in indexes:
            report(f"index {name}")
            cursor.execute(sql)
        report("search index")
        ensure_index()


def _is_of_table(sql: str) -> bool:
    return any(f'ON "{table}"' in sql for table in TABLES)


def main() -> None:
    parser = argparse.ArgumentParser(description="Fill an empty database with a large desk.")
    parser.add_argument("--conversations", type=int, default=DeskSize.conversations)
    options = parser.parse_args()
    if not os.environ.get("TEST_DATABASE_URL"):
        parser.error("Set TEST_DATABASE_URL to the address of an empty database.")
    begin = time.monotonic()
    call_command("migrate", verbosity=0)
    if Conversation.objects.exists():
        parser.error("The database is not empty.")
    fill_desk(DeskSize(conversations=options.conversations))
    print(f"{options.conversations:,} conversations in {time.monotonic() - begin:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
