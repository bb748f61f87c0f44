"""Pages and jobs read as many rows as they show and as work is open, however many conversations are closed."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from omnichannel.conversations.agent_load import used_capacity
from omnichannel.conversations.assignment.classify import count_waiting
from omnichannel.conversations.assignment.dispatch import offer_waiting_conversations, request_assignment_if_waiting
from omnichannel.conversations.assignment.former_agents import enqueue_former_agents
from omnichannel.conversations.assignment.offers import request_overdue_offer_check, run_offers_lane
from omnichannel.conversations.automated_messages.queue_position import send_queue_positions
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.lifecycle.close import close_stale_conversations
from omnichannel.conversations.models import AutomatedMessage, Conversation, MessageTrigger
from omnichannel.conversations.outbound.delivery import check_overdue_statuses, deliver_messages
from omnichannel.conversations.outbound.failed_replies import get_failed_replies
from omnichannel.conversations.presence.disconnects import enqueue_missed_disconnects, release_overdue_conversations
from omnichannel.desk.inbox import queries
from omnichannel.jobs.lanes import Lease
from routing.models import Agent, Queue
from tests import builders
from tests.benchmarks.large_desk import DeskSize, Staff, fill_desk
from tests.query_plans import RowsRead, run_and_measure

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.may_skip,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="Only PostgreSQL counts the rows that it reads."),
]

OPEN_WORK = 400
SIZE = DeskSize(conversations=20_000, max_open=OPEN_WORK, messages_each=1, agents=20)
# A page may read this many rows for each that it shows, besides the open work.
ROWS_PER_ROW_SHOWN = 20


@pytest.fixture(scope="module")
def staff(django_db_setup: None, django_db_blocker: Any) -> Iterator[Staff]:
    """Fill a desk, which the tests of this module share."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield fill_desk(SIZE, report=lambda text: None)
        transaction.set_rollback(True)


def find_excessive(function: Callable[[], object]) -> list[RowsRead]:
    """Return the queries that read more rows than they may."""
    measured = run_and_measure(function)
    assert measured, "Nothing was read."
    return [query for query in measured if query.read > ROWS_PER_ROW_SHOWN * query.returned + OPEN_WORK]


def find_excessive_of_page(agent: Agent, path: str) -> list[RowsRead]:
    client = Client()
    client.force_login(agent.user)

    def load() -> None:
        assert client.get(path, secure=True).status_code == 200

    return find_excessive(load)


PEOPLE = ["agent_of_one_queue", "agent_of_all_queues", "supervisor"]
LISTS = [
    "/desk/?view=my&sort=newest",
    "/desk/?view=open&sort=newest",
    "/desk/?view=open&sort=customer&unread=1",
    "/desk/?view=ongoing&sort=newest",
    "/desk/?view=ongoing&sort=window",
    "/desk/?view=closed&sort=newest",
    "/desk/?view=closed&sort=newest&include_older=1",
]


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("path", LISTS)
def test_inbox_reads_open_work_and_the_rows_it_shows(staff: Staff, person: str, path: str) -> None:
    assert find_excessive_of_page(getattr(staff, person), path) == []


@pytest.mark.parametrize("person", PEOPLE)
def test_later_pages_of_closed_conversations_read_no_earlier_rows(staff: Staff, person: str) -> None:
    agent = getattr(staff, person)
    client = Client()
    client.force_login(agent.user)
    path = "/desk/?view=closed&sort=newest&include_older=1"
    inbox = client.get(path, secure=True).context["inbox"]
    for _ in range(3):
        inbox = client.get(f"/desk/?{inbox.next_query}", secure=True).context["inbox"]
    assert len(inbox.rows) == 30
    assert find_excessive_of_page(agent, f"/desk/?{inbox.next_query}") == []


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("query", ["sort=newest&unread=1", "sort=priority"])
def test_other_orders_of_closed_conversations_look_at_the_newest_ones(
    staff: Staff, person: str, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MAX_CLOSED_CANDIDATES", 300)
    assert find_excessive_of_page(getattr(staff, person), f"/desk/?view=closed&include_older=1&{query}") == []


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("part", ["", "customer-details/", "previous-conversations/", "timeline/", "updates/?after=1"])
def test_conversation_reads_the_customers_rows(staff: Staff, person: str, part: str) -> None:
    agent = getattr(staff, person)
    unclosed = Conversation.objects.unclosed().order_by("pk")
    visible = unclosed if person == "supervisor" else unclosed.filter(agent=agent)
    pk = visible.values_list("pk", flat=True)[0]
    assert find_excessive_of_page(agent, f"/desk/conversations/{pk}/{part}") == []


ADMIN_LISTS = [
    "conversations/conversation/",
    "conversations/conversation/?state__exact=active",
    "conversations/conversation/?p=3",
    "conversations/contact/",
    "channels_whatsapp/webhookdelivery/",
    "channels_whatsapp/webhookdelivery/?needs_attention__exact=1",
]


@pytest.mark.parametrize("path", ADMIN_LISTS)
def test_administration_lists_read_the_rows_they_show_and_count_ten_thousand(staff: Staff, path: str) -> None:
    ada = builders.create_user("Administrator", "Ada", is_superuser=True, is_staff=True)
    client = Client()
    client.force_login(ada)
    excessive = find_excessive(lambda: client.get(f"/admin/{path}", secure=True))
    counts = [query for query in excessive if "LIMIT 10001" in query.sql and query.read <= 10_001]
    assert excessive == counts


def create_lease(kind: LaneKind, key: int = 0) -> Lease:
    return Lease(lane_id=0, kind=kind, key=key, owner=uuid.uuid4(), token=uuid.uuid4(), attempts=1)


JOBS: dict[str, Callable[[], object]] = {
    "assignment": lambda: offer_waiting_conversations(timezone.now(), limit=5),
    "request assignment": request_assignment_if_waiting,
    "load of agents": lambda: used_capacity([Agent.objects.values_list("pk", flat=True)[0]]),
    "length of a queue": lambda: count_waiting(Queue.objects.get_default()),
    "overdue offers": request_overdue_offer_check,
    "offers": lambda: run_offers_lane(create_lease(LaneKind.OFFERS)),
    "former agents": enqueue_former_agents,
    "missed disconnects": enqueue_missed_disconnects,
    "disconnect": lambda: release_overdue_conversations(Agent.objects.values_list("pk", flat=True)[0], timezone.now()),
    "stale conversations": close_stale_conversations,
    "overdue statuses": check_overdue_statuses,
    "queue positions": send_queue_positions,
    "next message": lambda: deliver_messages(create_lease(LaneKind.SEND, 7)),
    "failed replies": lambda: list(get_failed_replies(Agent.objects.select_related("user")[0])[:3]),
}


@pytest.mark.parametrize("job", JOBS)
def test_jobs_read_open_work(job: str) -> None:
    AutomatedMessage.objects.create(trigger=MessageTrigger.QUEUE_POSITION, text="You are number {position}.")
    assert find_excessive(JOBS[job]) == []


UNCLOSED_INDEXES = ["unclosed_by_agent", "unclosed_by_queue", "unclosed_by_state"]


@pytest.mark.parametrize(
    ("indexes", "person", "path"),
    [
        (UNCLOSED_INDEXES, "agent_of_one_queue", "/desk/?view=my&sort=newest"),
        (UNCLOSED_INDEXES, "supervisor", "/desk/?view=ongoing&sort=newest"),
        (["closed_by_queue"], "agent_of_one_queue", "/desk/?view=closed&sort=newest&include_older=1"),
        (["closed_by_agent"], "agent_of_one_queue", "/desk/?view=closed&sort=newest&include_older=1"),
        (["closed_by_time"], "supervisor", "/desk/?view=closed&sort=newest&include_older=1"),
    ],
)
def test_a_missing_index_is_noticed(staff: Staff, indexes: list[str], person: str, path: str) -> None:
    with connection.cursor() as cursor:
        for name in indexes:
            cursor.execute(f"DROP INDEX {name}")
    assert find_excessive_of_page(getattr(staff, person), path) != []
