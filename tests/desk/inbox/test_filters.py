"""The list's filters and orders: in the address, remembered, and the counts of the tabs what they are."""

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
from routing.models import State
from tests import builders
from tests.desk.people import HTMX, Desk, browser

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def shown(client: Client, view: str = "open", **query: Any) -> list[Conversation]:
    answer = client.get(reverse("desk:inbox"), {"view": view, "sort": "newest", **query}, **HTMX)
    return [row.conversation for row in answer.context["inbox"].rows]


@pytest.fixture
def dana(desk: Desk) -> Client:
    return browser(desk.dana)


def waiting(desk: Desk, **fields: Any) -> Conversation:
    return builders.conversation(**{"in_queue": desk.queue, **fields})


def test_each_filter_leaves_what_it_says(desk: Desk, dana: Client) -> None:
    now = timezone.now()
    plain = waiting(desk)
    unread = waiting(desk, unread_count=2)
    closing = waiting(desk, wrote=now - 23 * HOUR)
    over = waiting(desk, wrote=now - 25 * HOUR)
    urgent = waiting(desk, priority=1)
    elsewhere = waiting(desk, in_queue=builders.Queue.objects.default())
    label = Label.objects.create(name="VIP")
    update_labels(plain, add=[label], remove=[], by=desk.dana.user)
    assert shown(dana, unread=1) == [unread]
    assert shown(dana, soon=1) == [closing]
    assert shown(dana, priority=1) == [urgent]
    assert shown(dana, label=label.pk) == [plain]
    assert shown(dana, queue=elsewhere.queue_id) == [elsewhere]
    assert set(shown(dana, stream=plain.work_stream_id)) == {plain, unread, closing, over, urgent, elsewhere}
    assert shown(dana, unread=1, priority=1) == []


def test_the_counts_of_the_tabs_stay_what_they_are_whatever_is_filtered(desk: Desk, dana: Client) -> None:
    waiting(desk)
    waiting(desk, unread_count=1)
    answer = dana.get(reverse("desk:inbox"), {"view": "open", "sort": "newest", "unread": 1}, **HTMX)
    assert [tab.count for tab in answer.context["inbox"].tabs] == [1, 2, 0]


def test_what_is_snoozed_is_beside_ones_own_work_not_in_it(desk: Desk, dana: Client) -> None:
    now = timezone.now()
    asleep = builders.conversation(with_agent=desk.dana, state=State.WAITING, snoozed_at=now, snoozed_until=now + HOUR)
    back = builders.conversation(with_agent=desk.dana, state=State.WAITING, snoozed_at=now, snoozed_until=now - HOUR)
    assert set(shown(dana, "my")) == {desk.conversation, back}
    assert shown(dana, "my", snoozed=1) == [asleep]
    page = dana.get(reverse("desk:inbox"), {"view": "my"}).content.decode()
    assert "1 snoozed" in page
    assert "Snooze ended" in page


def test_supervisors_see_one_agents_work(desk: Desk) -> None:
    other = builders.conversation(with_agent=desk.omar)
    assert shown(browser(desk.sue), "ongoing", agent=desk.omar.pk) == [other]


def test_closed_is_the_last_24_hours_until_older_is_asked_for(desk: Desk, dana: Client) -> None:
    closed = [
        waiting(desk, state=State.CLOSED, closed_at=at, state_since=at)
        for at in (timezone.now() - HOUR, timezone.now() - 30 * HOUR)
    ]
    assert shown(dana, "closed") == closed[:1]
    assert shown(dana, "closed", older=1) == closed


ORDERED = {
    "newest": ["late", "early"],
    "waiting": ["early", "late"],
    "window": ["late", "early"],
    "priority": ["early", "late"],
    "created": ["late", "early"],
    "customer": ["early", "late"],
}


@pytest.mark.parametrize("sort", SORT_ORDERS)
def test_each_order_is_what_it_says(desk: Desk, dana: Client, sort: str) -> None:
    now = timezone.now()
    begun = {"early": now - 25 * HOUR, "late": now - 2 * HOUR}
    found = {
        name: waiting(desk, wrote=at, created_at=at, priority=1 + place, of=builders.contact(name))
        for place, (name, at) in enumerate(begun.items())
    }
    assert shown(dana, sort=sort) == [found[name] for name in ORDERED[sort]]


@pytest.mark.parametrize(("view", "sort"), [("closed", "newest"), *(("open", sort) for sort in SORT_ORDERS)])
def test_each_order_goes_on_where_the_page_ended(desk: Desk, dana: Client, view: str, sort: str) -> None:
    number, at = builders.number(), timezone.now()
    for place in range(64):
        same = {"created_at": at - HOUR * (place % 7), "priority": place % 4 + 1, "state_since": at}
        closed = {"state": State.CLOSED, "closed_at": at} if view == "closed" else {}
        waiting(desk, on=number, wrote=at - HOUR * (place % 30), of=builders.contact(f"C{place % 5}"), **same, **closed)
    everything = shown(dana, view, sort=sort, shown=100)
    paged, before = [], ""
    for _ in range(3):
        query = {"view": view, "sort": sort, **({"before": before} if before else {})}
        inbox = dana.get(reverse("desk:inbox"), query, **HTMX).context["inbox"]
        paged += [row.conversation for row in inbox.rows]
        before = inbox.more
    assert not before
    assert len(paged) == 64
    assert paged == everything


def test_a_choice_is_remembered_for_each_agent_and_cleared(desk: Desk, dana: Client) -> None:
    plain, unread = waiting(desk), waiting(desk, unread_count=1)
    assert shown(dana, unread=1) == [unread]
    again = dana.get(reverse("desk:inbox"), {"view": "open"}).context["inbox"]
    assert [row.conversation for row in again.rows] == [unread]
    assert "Clear all" in dana.get(reverse("desk:inbox"), {"view": "open"}).content.decode()
    dana.force_login(desk.omar.user)
    assert len(dana.get(reverse("desk:inbox"), {"view": "open"}).context["inbox"].rows) == 2
    dana.force_login(desk.dana.user)
    assert set(shown(dana)) == {plain, unread}
    assert len(dana.get(reverse("desk:inbox"), {"view": "open"}).context["inbox"].rows) == 2


def test_the_address_says_what_is_shown_only_on_the_inbox_page(desk: Desk, dana: Client) -> None:
    inbox = reverse("desk:inbox")
    here = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{inbox}?view=my"}
    answer = dana.get(inbox, {"view": "open", "sort": "waiting", "unread": 1}, headers=here)
    assert answer["HX-Push-Url"] == f"{inbox}?view=open&unread=1&sort=waiting"
    beside = {**here, "HX-Current-URL": f"http://testserver{inbox}conversations/1/"}
    assert "HX-Push-Url" not in dana.get(inbox, {"view": "open", "sort": "waiting"}, headers=beside)


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
def test_nonsense_in_the_address_is_never_an_error(desk: Desk, dana: Client, query: dict[str, str]) -> None:
    assert dana.get(reverse("desk:inbox"), {"view": "open", **query}, **HTMX).status_code == 200


def test_filters_that_leave_nothing_say_so(desk: Desk, dana: Client) -> None:
    page = dana.get(reverse("desk:inbox"), {"view": "open", "sort": "newest", "unread": 1}).content.decode()
    assert "Nothing fits these filters" in page


@pytest.mark.parametrize("who", ["dana", "sue", "ada"])
def test_what_can_be_filtered_by_is_what_one_may_see(desk: Desk, who: str) -> None:
    Label.objects.create(name="VIP")
    page = browser(getattr(desk, who)).get(reverse("desk:filters")).content.decode()
    assert "VIP" in page
    assert ("Returns" in page) == (who != "dana")
    assert ('name="agent"' in page) == (who != "dana")


@pytest.mark.parametrize("count", [1, 300])
def test_a_filtered_list_takes_eight_questions_however_long_it_is(
    desk: Desk, dana: Client, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    number, label = builders.number(), Label.objects.create(name="VIP")
    contacts = [
        Contact(address=f"whatsapp:+49151{place:07d}", identity=f"whatsapp:+49151{place:07d}") for place in range(count)
    ]
    fields = {"number": number, "work_stream": number.work_stream, "queue": desk.queue, "unread_count": 1}
    found = Conversation.objects.bulk_create(
        Conversation(contact=contact, **fields) for contact in Contact.objects.bulk_create(contacts)
    )
    through = Conversation.labels.through
    through.objects.bulk_create(through(conversation_id=one.pk, label_id=label.pk) for one in found)
    query = {"view": "open", "sort": "window", "queue": desk.queue.pk, "label": label.pk, "shown": 240}
    with django_assert_max_num_queries(8):
        answer = dana.get(reverse("desk:inbox"), query, **HTMX)
    assert len(answer.context["inbox"].rows) == min(count, 240)
    assert answer.content.decode().count(">VIP</span>") >= min(count, 240)
