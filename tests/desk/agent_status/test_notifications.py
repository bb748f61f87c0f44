"""What a page tells its agent of while they look elsewhere, and that nobody is told of what is not theirs."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from omnichannel.conversations.models import Attachment, MessageKind
from omnichannel.conversations.notes import add_note
from tests import builders
from tests.desk.people import HTMX, Desk, browser

pytestmark = pytest.mark.django_db
WHO = 2  # the session; the person, with their permissions and the agent they are


def ask(client: Client, since: str = "") -> Any:
    return client.get(reverse("desk:news"), {"since": since}, **HTMX).json()


def test_a_page_that_was_just_opened_has_no_news(desk: Desk) -> None:
    builders.inbound(desk.conversation, "long ago")
    told = ask(browser(desk.dana))
    assert told["news"] == []
    assert ask(browser(desk.dana), told["place"]) == told


def test_a_customers_message_is_told_to_the_agent_who_has_the_conversation_and_once(desk: Desk) -> None:
    places = {who: ask(browser(getattr(desk, who)))["place"] for who in ("dana", "omar", "eve", "sue")}
    builders.inbound(desk.conversation, "Where is it?")
    builders.outbound(desk.conversation, "On its way")
    told = ask(browser(desk.dana), places["dana"])
    here = reverse("desk:conversation", args=[desk.conversation.pk])
    message = {"kind": "message", "id": desk.conversation.pk, "who": "Amara Diallo", "text": "Where is it?"}
    assert told["news"] == [{**message, "address": here}]
    assert ask(browser(desk.dana), told["place"])["news"] == []
    for who in ("omar", "eve", "sue"):
        assert ask(browser(getattr(desk, who)), places[who])["news"] == []


def test_who_is_mentioned_is_told(desk: Desk) -> None:
    place = ask(browser(desk.omar))["place"]
    add_note(desk.conversation, desk.dana.user, "@omar have a look")
    told = ask(browser(desk.omar), place)
    assert [(one["kind"], one["who"], one["text"]) for one in told["news"]] == [
        ("mention", "Dana", "@omar have a look")
    ]
    assert ask(browser(desk.omar), told["place"])["news"] == []


def test_a_file_is_told_in_a_word(desk: Desk) -> None:
    place = ask(browser(desk.dana))["place"]
    picture = builders.inbound(desk.conversation, "", kind=MessageKind.MEDIA)
    Attachment.objects.create(message=picture, declared_type="image/jpeg")
    assert [one["text"] for one in ask(browser(desk.dana), place)["news"]] == ["Photo"]


@pytest.mark.parametrize("since", ["x", "~", "1", "-1~-1", "9999999999999999999999~1"])
def test_a_place_that_means_nothing_is_no_error(desk: Desk, since: str) -> None:
    assert "place" in ask(browser(desk.dana), since)


@pytest.mark.parametrize("count", [3, 40])
def test_news_take_five_more_than_knowing_who_asks(
    desk: Desk, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = browser(desk.dana)
    place = ask(client)["place"]
    for _ in range(count):
        builders.inbound(desk.conversation)
        add_note(desk.conversation, desk.omar.user, "@dana look")
    with django_assert_max_num_queries(WHO + 4):
        assert len(ask(client, place)["news"]) == min(20, 2 * count)


def test_somebody_without_a_role_hears_nothing(desk: Desk) -> None:
    assert browser(desk.stranger).get(reverse("desk:news")).status_code == 403
    assert Client().get(reverse("desk:news")).status_code == 302
