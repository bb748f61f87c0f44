"""Filters and sort orders of the inbox, in the URL and as stored preferences."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from omnichannel.conversations.lifecycle.labels import update_labels
from omnichannel.conversations.models import Contact, Conversation, Label
from omnichannel.desk.inbox.sorting import SORT_ORDERS
from routing.models import Queue, State
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for

pytestmark = pytest.mark.django_db

ONE_HOUR = timedelta(hours=1)


def listed_conversations(client: Client, view: str = "open", **query: Any) -> list[Conversation]:
    answer = client.get(reverse("desk:inbox"), {"view": view, "sort": "newest", **query}, **HTMX_HEADERS)
    return [row.conversation for row in answer.context["inbox"].rows]


@pytest.fixture
def dana_client(desk: DeskScenario) -> Client:
    return client_for(desk.dana)


def create_waiting_conversation(desk: DeskScenario, **fields: Any) -> Conversation:
    return builders.create_conversation(**{"queue": desk.queue, **fields})


def test_each_filter_selects_its_conversations(desk: DeskScenario, dana_client: Client) -> None:
    now = timezone.now()
    plain = create_waiting_conversation(desk)
    unread = create_waiting_conversation(desk, unread_count=2)
    closing = create_waiting_conversation(desk, last_inbound_at=now - 23 * ONE_HOUR)
    over = create_waiting_conversation(desk, last_inbound_at=now - 25 * ONE_HOUR)
    urgent = create_waiting_conversation(desk, priority=1)
    elsewhere = create_waiting_conversation(desk, queue=Queue.objects.get_default())
    label = Label.objects.create(name="VIP")
    update_labels(plain, add=[label], remove=[], actor=desk.dana.user)
    assert listed_conversations(dana_client, unread=1) == [unread]
    assert listed_conversations(dana_client, closing_soon=1) == [closing]
    assert listed_conversations(dana_client, priority=1) == [urgent]
    assert listed_conversations(dana_client, label=label.pk) == [plain]
    assert listed_conversations(dana_client, queue=elsewhere.queue_id) == [elsewhere]
    assert set(listed_conversations(dana_client, work_stream=plain.work_stream_id)) == {
        plain,
        unread,
        closing,
        over,
        urgent,
        elsewhere,
    }
    assert listed_conversations(dana_client, unread=1, priority=1) == []


def test_the_counts_of_the_tabs_stay_what_they_are_whatever_is_filtered(
    desk: DeskScenario, dana_client: Client
) -> None:
    create_waiting_conversation(desk)
    create_waiting_conversation(desk, unread_count=1)
    query: dict[str, Any] = {"view": "open", "sort": "newest", "unread": 1}
    answer = dana_client.get(reverse("desk:inbox"), query, **HTMX_HEADERS)
    assert [tab.count for tab in answer.context["inbox"].tabs] == [1, 2, 0]


def test_snoozed_conversations_have_a_separate_filter(desk: DeskScenario, dana_client: Client) -> None:
    now = timezone.now()
    asleep = builders.create_conversation(
        agent=desk.dana, state=State.WAITING, snoozed_at=now, snoozed_until=now + ONE_HOUR
    )
    returned = builders.create_conversation(
        agent=desk.dana, state=State.WAITING, snoozed_at=now, snoozed_until=now - ONE_HOUR
    )
    assert set(listed_conversations(dana_client, "my")) == {desk.conversation, returned}
    assert listed_conversations(dana_client, "my", snoozed=1) == [asleep]
    page = dana_client.get(reverse("desk:inbox"), {"view": "my"}).content.decode()
    assert "1 snoozed" in page
    assert "Snooze ended" in page


def test_supervisors_see_one_agents_work(desk: DeskScenario) -> None:
    other = builders.create_conversation(agent=desk.omar)
    assert listed_conversations(client_for(desk.supervisor), "ongoing", agent=desk.omar.pk) == [other]


def test_closed_view_shows_24_hours_unless_older_is_requested(desk: DeskScenario, dana_client: Client) -> None:
    closed = [
        create_waiting_conversation(desk, state=State.CLOSED, closed_at=at, state_since=at)
        for at in (timezone.now() - ONE_HOUR, timezone.now() - 30 * ONE_HOUR)
    ]
    assert listed_conversations(dana_client, "closed") == closed[:1]
    assert listed_conversations(dana_client, "closed", include_older=1) == closed


EXPECTED_ORDERS = {
    "newest": ["late", "early"],
    "waiting": ["early", "late"],
    "window": ["late", "early"],
    "priority": ["early", "late"],
    "created": ["late", "early"],
    "customer": ["early", "late"],
}


@pytest.mark.parametrize("sort", SORT_ORDERS)
def test_each_sort_order_is_correct(desk: DeskScenario, dana_client: Client, sort: str) -> None:
    now = timezone.now()
    start_times = {"early": now - 25 * ONE_HOUR, "late": now - 2 * ONE_HOUR}
    conversations = {
        name: create_waiting_conversation(
            desk, last_inbound_at=at, created_at=at, priority=1 + place, contact=builders.create_contact(name)
        )
        for place, (name, at) in enumerate(start_times.items())
    }
    assert listed_conversations(dana_client, sort=sort) == [conversations[name] for name in EXPECTED_ORDERS[sort]]


@pytest.mark.parametrize(("view", "sort"), [("closed", "newest"), *(("open", sort) for sort in SORT_ORDERS)])
def test_each_sort_order_paginates_correctly(desk: DeskScenario, dana_client: Client, view: str, sort: str) -> None:
    number, at = builders.create_number(), timezone.now()
    for place in range(64):
        same = {"created_at": at - ONE_HOUR * (place % 7), "priority": place % 4 + 1, "state_since": at}
        closed = {"state": State.CLOSED, "closed_at": at} if view == "closed" else {}
        create_waiting_conversation(
            desk,
            number=number,
            last_inbound_at=at - ONE_HOUR * (place % 30),
            contact=builders.create_contact(f"C{place % 5}"),
            **same,
            **closed,
        )
    everything = listed_conversations(dana_client, view, sort=sort, shown=100)
    paged, before = [], ""
    for _ in range(3):
        query = {"view": view, "sort": sort, **({"before": before} if before else {})}
        inbox = dana_client.get(reverse("desk:inbox"), query, **HTMX_HEADERS).context["inbox"]
        paged += [row.conversation for row in inbox.rows]
        before = inbox.next_cursor
    assert not before
    assert len(paged) == 64
    assert paged == everything


def test_a_choice_is_remembered_for_each_agent_and_cleared(desk: DeskScenario, dana_client: Client) -> None:
    plain, unread = create_waiting_conversation(desk), create_waiting_conversation(desk, unread_count=1)
    assert listed_conversations(dana_client, unread=1) == [unread]
    second_visit = dana_client.get(reverse("desk:inbox"), {"view": "open"}).context["inbox"]
    assert [row.conversation for row in second_visit.rows] == [unread]
    assert "Clear all" in dana_client.get(reverse("desk:inbox"), {"view": "open"}).content.decode()
    dana_client.force_login(desk.omar.user)
    assert len(dana_client.get(reverse("desk:inbox"), {"view": "open"}).context["inbox"].rows) == 2
    dana_client.force_login(desk.dana.user)
    assert set(listed_conversations(dana_client)) == {plain, unread}
    assert len(dana_client.get(reverse("desk:inbox"), {"view": "open"}).context["inbox"].rows) == 2


def test_the_address_says_what_is_shown_only_on_the_inbox_page(desk: DeskScenario, dana_client: Client) -> None:
    inbox = reverse("desk:inbox")
    request_headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{inbox}?view=my"}
    query: dict[str, Any] = {"view": "open", "sort": "waiting", "unread": 1}
    answer = dana_client.get(inbox, query, headers=request_headers)
    assert answer["HX-Push-Url"] == f"{inbox}?view=open&unread=1&sort=waiting"
    conversation_page = {**request_headers, "HX-Current-URL": f"http://testserver{inbox}conversations/1/"}
    assert "HX-Push-Url" not in dana_client.get(inbox, {"view": "open", "sort": "waiting"}, headers=conversation_page)


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "x", "queue": "x", "label": "-1", "priority": "9", "unread": "yes"},
        {"sort": "customer", "before": '["\\u0000", 1]'},
        {"sort": "priority", "before": "[1, 2]"},
        {"sort": "newest", "before": "[" * 5000},
        {"sort": "newest", "before": '["2026-01-01T00:00:00+00:00", 99999999999999999999]'},
        {"queue": "99999999999", "sort": "newest"},
    ],
)
def test_invalid_query_parameters_cause_no_error(
    desk: DeskScenario, dana_client: Client, query: dict[str, Any]
) -> None:
    assert dana_client.get(reverse("desk:inbox"), {"view": "open", **query}, **HTMX_HEADERS).status_code == 200


def test_filters_that_leave_nothing_say_so(desk: DeskScenario, dana_client: Client) -> None:
    query: dict[str, Any] = {"view": "open", "sort": "newest", "unread": 1}
    page = dana_client.get(reverse("desk:inbox"), query).content.decode()
    assert "No matches for these filters" in page


@pytest.mark.parametrize("person", ["dana", "supervisor", "administrator"])
def test_filter_choices_are_limited_to_visible_records(desk: DeskScenario, person: str) -> None:
    Label.objects.create(name="VIP")
    page = client_for(getattr(desk, person)).get(reverse("desk:filters")).content.decode()
    assert "VIP" in page
    assert ("Returns" in page) == (person != "dana")
    assert ('name="agent"' in page) == (person != "dana")


@pytest.mark.parametrize("count", [1, 300])
def test_filtered_list_takes_eight_queries(
    desk: DeskScenario, dana_client: Client, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    number, label = builders.create_number(), Label.objects.create(name="VIP")
    contacts = [
        Contact(address=f"whatsapp:+49151{place:07d}", identity=f"whatsapp:+49151{place:07d}") for place in range(count)
    ]
    fields = {"number": number, "work_stream": number.work_stream, "queue": desk.queue, "unread_count": 1}
    conversations = Conversation.objects.bulk_create(
        Conversation(contact=contact, **fields) for contact in Contact.objects.bulk_create(contacts)
    )
    through = Conversation.labels.through
    through.objects.bulk_create(
        through(conversation_id=conversation.pk, label_id=label.pk) for conversation in conversations
    )
    query: dict[str, Any] = {"view": "open", "sort": "window", "queue": desk.queue.pk, "label": label.pk, "shown": 240}
    with django_assert_max_num_queries(8):
        answer = dana_client.get(reverse("desk:inbox"), query, **HTMX_HEADERS)
    assert len(answer.context["inbox"].rows) == min(count, 240)
    assert answer.content.decode().count(">VIP</span>") >= min(count, 240)
