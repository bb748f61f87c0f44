"""Bulk actions apply the rules to each conversation and report failures per row."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from omnichannel.conversations.models import Conversation, Label, Priority
from routing.models import State
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for

pytestmark = pytest.mark.django_db


def post_bulk_action(
    client: Client, action: str, *conversations: Conversation, without_htmx: bool = False, **form: Any
) -> Any:
    data = {"action": action, "pk": [conversation.pk for conversation in conversations], **form}
    return client.post(reverse("desk:bulk_action"), data, **({} if without_htmx else HTMX_HEADERS))


def create_own_conversation(desk: DeskScenario, **fields: Any) -> Conversation:
    return builders.create_conversation(**{"agent": desk.dana, "queue": desk.queue, **fields})


def conversation_states(*conversations: Conversation) -> list[str]:
    return [Conversation.objects.get(pk=conversation.pk).state for conversation in conversations]


def test_bulk_action_reports_failures_per_row(desk: DeskScenario) -> None:
    fine, unread, colleagues_conversation = (
        create_own_conversation(desk),
        create_own_conversation(desk, unread_count=1),
        create_own_conversation(desk, agent=desk.omar),
    )
    answer = post_bulk_action(client_for(desk.dana), "close", fine, unread, colleagues_conversation)
    page = answer.content.decode()
    assert "1 updated, 2 failed" in page
    assert "The customer sent a new message." in page
    assert "Only the assigned agent" in page
    assert conversation_states(fine, unread, colleagues_conversation) == [State.CLOSED, State.ACTIVE, State.ACTIVE]


def test_complete_bulk_action_shows_only_a_summary(desk: DeskScenario) -> None:
    first, second = create_own_conversation(desk), create_own_conversation(desk)
    answer = post_bulk_action(client_for(desk.dana), "priority", first, second, priority=Priority.URGENT)
    assert answer.status_code == 204
    assert "Priority: 2 updated." in answer["HX-Trigger"]
    assert set(Conversation.objects.filter(priority=Priority.URGENT)) == {first, second}


@pytest.mark.parametrize(
    ("action", "form", "after"),
    [
        ("end", {}, State.WRAP_UP),
        ("snooze", {"when": "message"}, State.WAITING),
        ("close", {"note": "Bye"}, State.CLOSED),
        ("transfer", {"reason": "Theirs"}, State.OPEN),
    ],
)
def test_agents_use_bulk_actions_on_their_own_conversations(
    desk: DeskScenario, action: str, form: dict[str, Any], after: State
) -> None:
    conversation = create_own_conversation(desk)
    target: dict[str, Any] = {"to": f"queue-{desk.eve.queues.get().pk}"} if action == "transfer" else {}
    assert post_bulk_action(client_for(desk.dana), action, conversation, **form, **target).status_code == 204
    assert conversation_states(conversation) == [after]


def test_labels_all_of_them_have_are_ticked_and_what_is_unticked_comes_off(desk: DeskScenario) -> None:
    first, second = create_own_conversation(desk), create_own_conversation(desk)
    both, unticked, new = (Label.objects.create(name=name) for name in ("Both", "One", "New"))
    first.labels.set([both, unticked])
    second.labels.set([both])
    client = client_for(desk.dana)
    query: dict[str, Any] = {"action": "labels", "pk": [first.pk, second.pk]}
    shown = client.get(reverse("desk:bulk_action"), query, **HTMX_HEADERS).context["form"]
    assert {label.name for label, is_chosen in shown.choices if is_chosen} == {"Both"}
    post_bulk_action(client, "labels", first, second, labels=[new.pk], previous_labels=[both.pk])
    assert set(first.labels.all()) == {unticked, new}
    assert set(second.labels.all()) == {new}


def test_bulk_mark_read_applies_only_to_own_conversations(desk: DeskScenario) -> None:
    own_conversation, colleagues_conversation = (
        create_own_conversation(desk, unread_count=3),
        create_own_conversation(desk, agent=desk.omar, unread_count=3),
    )
    assert (
        "1 updated, 1 failed"
        in post_bulk_action(
            client_for(desk.dana), "mark_read", own_conversation, colleagues_conversation
        ).content.decode()
    )
    assert set(Conversation.objects.filter(unread_count=3)) == {colleagues_conversation}


def test_supervisors_assign_release_and_close(desk: DeskScenario) -> None:
    supervisor = client_for(desk.supervisor)
    waiting = builders.create_conversation(queue=desk.queue)
    wrapped = create_own_conversation(desk, state=State.WRAP_UP)
    active = create_own_conversation(desk)
    assert post_bulk_action(supervisor, "assign", waiting, to=f"agent-{desk.omar.pk}").status_code == 204
    assert post_bulk_action(supervisor, "release", active).status_code == 204
    assert post_bulk_action(supervisor, "close", wrapped).status_code == 204
    assert conversation_states(waiting, active, wrapped) == [State.ACTIVE, State.OPEN, State.CLOSED]


@pytest.mark.parametrize("action", ["assign", "release", "drop"])
def test_agents_have_no_supervisor_bulk_actions(desk: DeskScenario, action: str) -> None:
    assert post_bulk_action(client_for(desk.dana), action, desk.conversation).status_code == 404


def test_invisible_conversations_are_counted_but_unchanged(desk: DeskScenario) -> None:
    page = post_bulk_action(client_for(desk.eve), "labels", desk.conversation).content.decode()
    assert "0 updated, 1 failed" in page
    assert "no longer have access to" in page
    assert desk.conversation.contact.display_name not in page


@pytest.mark.parametrize("count", [0, 201])
def test_none_and_more_than_two_hundred_are_refused(desk: DeskScenario, count: int) -> None:
    answer = client_for(desk.dana).post(
        reverse("desk:bulk_action"), {"action": "end", "pk": list(range(1, count + 1))}, **HTMX_HEADERS
    )
    assert answer.status_code == 422
    assert "Select 1 to 200 conversations." in answer.content.decode()


def test_incomplete_bulk_form_is_refused(desk: DeskScenario) -> None:
    answer = post_bulk_action(client_for(desk.dana), "snooze", desk.conversation, when="at")
    assert answer.status_code == 422
    assert "Choose a date and time." in answer.content.decode()
    assert conversation_states(desk.conversation) == [State.ACTIVE]


@pytest.mark.parametrize("action", ["labels", "priority", "snooze", "transfer", "mark_read", "end", "close", "assign"])
def test_every_dialog_is_a_page_without_the_script(desk: DeskScenario, action: str) -> None:
    query: dict[str, Any] = {"action": action, "pk": [desk.conversation.pk]}
    page = client_for(desk.supervisor).get(reverse("desk:bulk_action"), query)
    assert page.status_code == 200
    assert "<html" in page.content.decode()
    assert "1 conversation" in page.content.decode()


def test_user_without_role_cannot_use_bulk_actions(desk: DeskScenario) -> None:
    assert post_bulk_action(client_for(desk.stranger), "end", desk.conversation).status_code == 403
    assert post_bulk_action(Client(), "end", desk.conversation, without_htmx=True).status_code == 302
