"""Notifications for agents whose page is in the background, each only for the agents concerned."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from omnichannel.conversations.models import Attachment, MessageKind
from omnichannel.conversations.notes import add_note
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for

pytestmark = pytest.mark.django_db
SIGN_IN_QUERIES = 2  # one for the session, one for the user with permissions and agent


def fetch_notifications(client: Client, since: str = "") -> Any:
    return client.get(reverse("desk:notifications"), {"since": since}, **HTMX_HEADERS).json()


def test_a_page_that_was_just_opened_has_no_news(desk: DeskScenario) -> None:
    builders.create_inbound_message(desk.conversation, "long ago")
    response = fetch_notifications(client_for(desk.dana))
    assert response["notifications"] == []
    assert fetch_notifications(client_for(desk.dana), response["cursor"]) == response


def test_customer_message_notifies_the_assigned_agent_once(desk: DeskScenario) -> None:
    places = {
        person: fetch_notifications(client_for(getattr(desk, person)))["cursor"]
        for person in ("dana", "omar", "eve", "supervisor")
    }
    builders.create_inbound_message(desk.conversation, "Where is it?")
    builders.create_outbound_message(desk.conversation, "On its way")
    response = fetch_notifications(client_for(desk.dana), places["dana"])
    conversation_path = reverse("desk:conversation", args=[desk.conversation.pk])
    message = {"kind": "message", "id": desk.conversation.pk, "sender_name": "Amara Diallo", "text": "Where is it?"}
    assert response["notifications"] == [{**message, "url": conversation_path}]
    assert fetch_notifications(client_for(desk.dana), response["cursor"])["notifications"] == []
    for person in ("omar", "eve", "supervisor"):
        assert fetch_notifications(client_for(getattr(desk, person)), places[person])["notifications"] == []


def test_mentioned_agent_is_notified(desk: DeskScenario) -> None:
    place = fetch_notifications(client_for(desk.omar))["cursor"]
    add_note(desk.conversation, desk.dana.user, "@omar have a look")
    response = fetch_notifications(client_for(desk.omar), place)
    assert [
        (notification["kind"], notification["sender_name"], notification["text"])
        for notification in response["notifications"]
    ] == [("mention", "Dana", "@omar have a look")]
    assert fetch_notifications(client_for(desk.omar), response["cursor"])["notifications"] == []


def test_file_notification_names_its_kind(desk: DeskScenario) -> None:
    place = fetch_notifications(client_for(desk.dana))["cursor"]
    picture = builders.create_inbound_message(desk.conversation, "", kind=MessageKind.MEDIA)
    Attachment.objects.create(message=picture, declared_type="image/jpeg")
    assert [
        notification["text"] for notification in fetch_notifications(client_for(desk.dana), place)["notifications"]
    ] == ["Photo"]


@pytest.mark.parametrize("since", ["x", "~", "1", "-1~-1", "9999999999999999999999~1"])
def test_invalid_cursor_causes_no_error(desk: DeskScenario, since: str) -> None:
    assert "cursor" in fetch_notifications(client_for(desk.dana), since)


@pytest.mark.parametrize("count", [3, 40])
def test_notifications_take_five_queries(
    desk: DeskScenario, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_for(desk.dana)
    place = fetch_notifications(client)["cursor"]
    for _ in range(count):
        builders.create_inbound_message(desk.conversation)
        add_note(desk.conversation, desk.omar.user, "@dana look")
    with django_assert_max_num_queries(SIGN_IN_QUERIES + 4):
        assert len(fetch_notifications(client, place)["notifications"]) == min(20, 2 * count)


def test_user_without_role_gets_no_notifications(desk: DeskScenario) -> None:
    assert client_for(desk.stranger).get(reverse("desk:notifications")).status_code == 403
    assert Client().get(reverse("desk:notifications")).status_code == 302
