"""The colleagues at a conversation, as pages ask for them."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from omnichannel.conversations.models import Viewer
from tests import builders
from tests.desk.people import HTMX, Desk, browser

pytestmark = pytest.mark.django_db
WHO = 2  # the session; the person, with their permissions and the agent they are


def address(desk: Desk, name: str = "viewers") -> str:
    return reverse(f"desk:{name}", args=[desk.conversation.pk])


def looks(client: Client, desk: Desk, **fields: Any) -> str:
    return client.post(address(desk), fields, **HTMX).content.decode()


def test_a_page_says_that_it_is_looked_at_and_learns_who_else_does(desk: Desk) -> None:
    dana, omar = browser(desk.dana), browser(desk.omar)
    assert "<li" not in looks(dana, desk)
    assert 'title="Dana"' in looks(omar, desk)
    assert 'title="Omar"' in dana.get(address(desk), **HTMX).content.decode()
    looks(omar, desk, gone=1)
    assert "<li" not in dana.get(address(desk), **HTMX).content.decode()


def test_who_is_writing_is_said_in_words(desk: Desk) -> None:
    for who in (desk.dana, desk.omar):
        browser(who).post(address(desk, "typing"))
    shown = looks(browser(desk.ada), desk)
    assert "<bdi>Dana</bdi> and <bdi>Omar</bdi> are writing…" in shown
    browser(desk.omar).post(address(desk, "typing"), {"stopped": "1"})
    assert "<bdi>Dana</bdi> is writing…" in looks(browser(desk.ada), desk)


def test_looking_without_saying_so_leaves_no_trace(desk: Desk) -> None:
    browser(desk.dana).get(address(desk), **HTMX)
    assert not Viewer.objects.exists()


@pytest.mark.parametrize("name", ["viewers", "typing"])
@pytest.mark.parametrize(
    ("who", "status"), [("dana", 0), ("omar", 0), ("sue", 0), ("ada", 0), ("eve", 404), ("stranger", 403)]
)
def test_only_those_who_see_the_conversation_say_that_they_are_there(
    desk: Desk, name: str, who: str, status: int
) -> None:
    answer = browser(getattr(desk, who)).post(address(desk, name))
    assert answer.status_code == (status or (200 if name == "viewers" else 204))
    assert Viewer.objects.exists() is not bool(status)


def test_an_agent_of_another_queue_does_not_learn_who_looks(desk: Desk) -> None:
    looks(browser(desk.dana), desk)
    assert browser(desk.eve).get(address(desk), **HTMX).status_code == 404


@pytest.mark.parametrize("count", [1, 30])
def test_who_looks_takes_four_more_than_knowing_who_asks(
    desk: Desk, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        looks(browser(builders.agent(queue=desk.queue)), desk)
    client = browser(desk.dana)
    with django_assert_max_num_queries(WHO + 4):
        shown = client.get(address(desk), **HTMX).content.decode()
    assert shown.count("<li") == count
