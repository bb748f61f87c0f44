"""One thing done with several conversations: each by its own rules, told row by row, within what one may see."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from omnichannel.conversations.models import Conversation, Label, Priority
from routing.models import State
from tests import builders
from tests.desk.people import HTMX, Desk, browser

pytestmark = pytest.mark.django_db


def bulk(client: Client, verb: str, *conversations: Conversation, plain: bool = False, **form: Any) -> Any:
    given = {"verb": verb, "pk": [one.pk for one in conversations], **form}
    return client.post(reverse("desk:bulk"), given, **({} if plain else HTMX))


def mine(desk: Desk, **fields: Any) -> Conversation:
    return builders.conversation(**{"with_agent": desk.dana, "in_queue": desk.queue, **fields})


def states(*conversations: Conversation) -> list[str]:
    return [Conversation.objects.get(pk=one.pk).state for one in conversations]


def test_what_can_be_done_is_done_and_the_rest_said_row_by_row(desk: Desk) -> None:
    fine, unread, theirs = mine(desk), mine(desk, unread_count=1), mine(desk, with_agent=desk.omar)
    answer = bulk(browser(desk.dana), "close", fine, unread, theirs)
    page = answer.content.decode()
    assert "1 done, 2 could not" in page
    assert "The customer has written in the meantime." in page
    assert "Only the agent who has this conversation" in page
    assert states(fine, unread, theirs) == [State.CLOSED, State.ACTIVE, State.ACTIVE]


def test_when_all_is_done_the_page_only_says_so(desk: Desk) -> None:
    first, second = mine(desk), mine(desk)
    answer = bulk(browser(desk.dana), "priority", first, second, priority=Priority.URGENT)
    assert answer.status_code == 204
    assert "Priority: 2 done." in answer["HX-Trigger"]
    assert set(Conversation.objects.filter(priority=Priority.URGENT)) == {first, second}


@pytest.mark.parametrize(
    ("verb", "form", "after"),
    [
        ("end", {}, State.WRAP_UP),
        ("snooze", {"when": "message"}, State.WAITING),
        ("close", {"note": "Bye"}, State.CLOSED),
        ("transfer", {"reason": "Theirs"}, State.OPEN),
    ],
)
def test_agents_do_it_with_their_own(desk: Desk, verb: str, form: dict[str, str], after: State) -> None:
    found = mine(desk)
    to = {"to": f"queue-{desk.eve.queues.get().pk}"} if verb == "transfer" else {}
    assert bulk(browser(desk.dana), verb, found, **form, **to).status_code == 204
    assert states(found) == [after]


def test_labels_all_of_them_have_are_ticked_and_what_is_unticked_comes_off(desk: Desk) -> None:
    first, second = mine(desk), mine(desk)
    both, one, new = (Label.objects.create(name=name) for name in ("Both", "One", "New"))
    first.labels.set([both, one])
    second.labels.set([both])
    client = browser(desk.dana)
    shown = client.get(reverse("desk:bulk"), {"verb": "labels", "pk": [first.pk, second.pk]}, **HTMX).context["form"]
    assert {label.name for label, is_chosen in shown.choices if is_chosen} == {"Both"}
    bulk(client, "labels", first, second, labels=[new.pk], before=[both.pk])
    assert set(first.labels.all()) == {one, new}
    assert set(second.labels.all()) == {new}


def test_marking_as_read_is_for_ones_own(desk: Desk) -> None:
    own, theirs = mine(desk, unread_count=3), mine(desk, with_agent=desk.omar, unread_count=3)
    assert "1 done, 1 could not" in bulk(browser(desk.dana), "read", own, theirs).content.decode()
    assert set(Conversation.objects.filter(unread_count=3)) == {theirs}


def test_supervisors_assign_release_and_close(desk: Desk) -> None:
    sue = browser(desk.sue)
    waiting = builders.conversation(in_queue=desk.queue)
    wrapped = mine(desk, state=State.WRAP_UP)
    active = mine(desk)
    assert bulk(sue, "assign", waiting, to=f"agent-{desk.omar.pk}").status_code == 204
    assert bulk(sue, "release", active).status_code == 204
    assert bulk(sue, "close", wrapped).status_code == 204
    assert states(waiting, active, wrapped) == [State.ACTIVE, State.OPEN, State.CLOSED]


@pytest.mark.parametrize("verb", ["assign", "release", "drop"])
def test_agents_have_none_of_that(desk: Desk, verb: str) -> None:
    assert bulk(browser(desk.dana), verb, desk.conversation).status_code == 404


def test_what_one_may_not_see_is_counted_and_not_touched(desk: Desk) -> None:
    page = bulk(browser(desk.eve), "labels", desk.conversation).content.decode()
    assert "0 done, 1 could not" in page
    assert "out of your sight" in page
    assert desk.conversation.contact.display_name not in page


@pytest.mark.parametrize("count", [0, 201])
def test_none_and_more_than_two_hundred_are_refused(desk: Desk, count: int) -> None:
    answer = browser(desk.dana).post(reverse("desk:bulk"), {"verb": "end", "pk": list(range(1, count + 1))}, **HTMX)
    assert answer.status_code == 422
    assert "Select up to 200 conversations first." in answer.content.decode()


def test_what_is_missing_in_the_form_is_said_and_nothing_done(desk: Desk) -> None:
    answer = bulk(browser(desk.dana), "snooze", desk.conversation, when="at")
    assert answer.status_code == 422
    assert "Choose a day and a time." in answer.content.decode()
    assert states(desk.conversation) == [State.ACTIVE]


@pytest.mark.parametrize("verb", ["labels", "priority", "snooze", "transfer", "read", "end", "close", "assign"])
def test_every_dialog_is_a_page_without_the_script(desk: Desk, verb: str) -> None:
    page = browser(desk.sue).get(reverse("desk:bulk"), {"verb": verb, "pk": [desk.conversation.pk]})
    assert page.status_code == 200
    assert "<html" in page.content.decode()
    assert "1 conversation" in page.content.decode()


def test_a_stranger_does_nothing(desk: Desk) -> None:
    assert bulk(browser(desk.stranger), "end", desk.conversation).status_code == 403
    assert bulk(Client(), "end", desk.conversation, plain=True).status_code == 302
