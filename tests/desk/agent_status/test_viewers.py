"""The fragment with the viewers of a conversation."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from omnichannel.conversations.models import Viewer
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for, conversation_url

pytestmark = pytest.mark.django_db
SIGN_IN_QUERIES = 2  # one for the session, one for the user with permissions and agent


def post_viewing(client: Client, desk: DeskScenario, **fields: Any) -> str:
    return client.post(conversation_url(desk, "viewers"), fields, **HTMX_HEADERS).content.decode()


def test_page_reports_its_viewer_and_gets_the_others(desk: DeskScenario) -> None:
    dana, omar = client_for(desk.dana), client_for(desk.omar)
    assert "<li" not in post_viewing(dana, desk)
    assert 'title="Dana"' in post_viewing(omar, desk)
    assert 'title="Omar"' in dana.get(conversation_url(desk, "viewers"), **HTMX_HEADERS).content.decode()
    post_viewing(omar, desk, closed=1)
    assert "<li" not in dana.get(conversation_url(desk, "viewers"), **HTMX_HEADERS).content.decode()


def test_typing_colleague_is_named(desk: DeskScenario) -> None:
    for agent in (desk.dana, desk.omar):
        client_for(agent).post(conversation_url(desk, "typing"))
    shown = post_viewing(client_for(desk.administrator), desk)
    assert "<bdi>Dana</bdi> and <bdi>Omar</bdi> are typing…" in shown
    client_for(desk.omar).post(conversation_url(desk, "typing"), {"stopped": "1"})
    assert "<bdi>Dana</bdi> is typing…" in post_viewing(client_for(desk.administrator), desk)


def test_get_request_does_not_record_a_viewer(desk: DeskScenario) -> None:
    client_for(desk.dana).get(conversation_url(desk, "viewers"), **HTMX_HEADERS)
    assert not Viewer.objects.exists()


@pytest.mark.parametrize("name", ["viewers", "typing"])
@pytest.mark.parametrize(
    ("person", "status"),
    [("dana", 0), ("omar", 0), ("supervisor", 0), ("administrator", 0), ("eve", 404), ("stranger", 403)],
)
def test_only_users_with_access_can_be_viewers(desk: DeskScenario, name: str, person: str, status: int) -> None:
    answer = client_for(getattr(desk, person)).post(conversation_url(desk, name))
    assert answer.status_code == (status or (200 if name == "viewers" else 204))
    assert Viewer.objects.exists() is not bool(status)


def test_agent_of_another_queue_gets_no_viewers(desk: DeskScenario) -> None:
    post_viewing(client_for(desk.dana), desk)
    assert client_for(desk.eve).get(conversation_url(desk, "viewers"), **HTMX_HEADERS).status_code == 404


@pytest.mark.parametrize("count", [1, 30])
def test_viewers_take_four_queries(
    desk: DeskScenario, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        post_viewing(client_for(builders.create_agent(queue=desk.queue)), desk)
    client = client_for(desk.dana)
    with django_assert_max_num_queries(SIGN_IN_QUERIES + 4):
        shown = client.get(conversation_url(desk, "viewers"), **HTMX_HEADERS).content.decode()
    assert shown.count("<li") == count
