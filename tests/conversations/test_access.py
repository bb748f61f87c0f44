"""Access to conversations is the same for pages, search, files and live events."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.db import transaction
from django.http import Http404

from omnichannel.conversations.access import (
    Scope,
    agent_for_user,
    can_reply,
    conversations_visible_to,
    get_attachment_or_404,
    get_conversation_or_404,
    get_message_or_404,
    live_topics_for,
)
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Attachment, Conversation
from omnichannel.events.models import Event
from routing.models import Agent, Queue, QueueMembership, State
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana(orders: Queue) -> Agent:
    """Return an agent of the queue Orders."""
    return builders.create_agent("Dana", queue=orders)


@pytest.fixture
def eli() -> Agent:
    """Return an agent of the queue Returns."""
    return builders.create_agent("Eli", queue=builders.create_queue("Returns"))


def can_see(person: Any, conversation: Conversation) -> bool:
    """Return whether the user sees the conversation; all access functions must agree."""
    listed = conversations_visible_to(person).filter(pk=conversation.pk).exists()
    message = conversation.messages.first() or builders.create_inbound_message(conversation)
    file, _ = Attachment.objects.get_or_create(message=message)
    ways: list[Callable[[], Any]] = [
        lambda: get_conversation_or_404(person, conversation.pk),
        lambda: get_message_or_404(person, message.pk),
        lambda: get_attachment_or_404(person, file.pk),
    ]
    if (agent := getattr(person, "agent", None)) is not None:
        in_scope = Conversation.objects.filter(Scope.load(agent).build_condition(), pk=conversation.pk).exists()
        assert in_scope == listed
    for way in ways:
        try:
            way()
        except Http404:
            assert not listed
        else:
            assert listed
    return listed


def receives_events(person: Any, conversation: Conversation) -> bool:
    """Return whether the user's pages get events of the conversation."""
    with transaction.atomic():
        publish_event(LiveEventKind.CONVERSATION, conversation)
    return bool(live_topics_for(person) & set(Event.objects.latest("pk").topics))


@pytest.mark.parametrize("role", ["Administrator", "Supervisor"])
def test_administrators_and_supervisors_see_everything(role: str, orders: Queue, dana: Agent) -> None:
    person = builders.create_user(role)
    assert can_see(person, builders.create_conversation(queue=orders))
    assert can_see(person, builders.create_conversation(queue=orders, agent=dana))


def test_an_agent_sees_the_conversations_of_the_queues_they_work_in(orders: Queue, dana: Agent, eli: Agent) -> None:
    conversation = builders.create_conversation(queue=orders)
    assert (can_see(dana.user, conversation), can_see(eli.user, conversation)) == (True, False)


def test_every_agent_works_in_the_default_queue(dana: Agent, eli: Agent) -> None:
    conversation = builders.create_conversation()
    assert (can_see(dana.user, conversation), can_see(eli.user, conversation)) == (True, True)


def test_an_agent_sees_what_they_have_wherever_it_waits(orders: Queue, eli: Agent) -> None:
    assert can_see(eli.user, builders.create_conversation(queue=orders, agent=eli))


def test_an_agent_sees_no_more_of_a_queue_they_have_left(orders: Queue, dana: Agent) -> None:
    conversation = builders.create_conversation(queue=orders)
    QueueMembership.objects.all().delete()
    assert not can_see(dana.user, conversation)


def deactivate_user(dana: Agent) -> Any:
    dana.user.is_active = False
    dana.user.save()
    return type(dana.user).objects.get(pk=dana.user.pk)


def remove_roles(dana: Agent) -> Any:
    dana.user.groups.clear()
    return type(dana.user).objects.get(pk=dana.user.pk)


UNAUTHORISED_USERS: list[Callable[[Agent], Any]] = [
    lambda dana: builders.create_user(""),
    lambda dana: builders.create_user("Agent"),  # A user with the role but without an agent record.
    lambda dana: builders.create_user("Supervisor", is_active=False),
    lambda dana: builders.create_user("", is_superuser=True, is_active=False),
    lambda dana: builders.create_user("", is_staff=True),
    lambda dana: AnonymousUser(),
    deactivate_user,
    remove_roles,
]


@pytest.mark.parametrize("make", UNAUTHORISED_USERS)
def test_unauthorised_users_see_and_receive_nothing(make: Callable[[Agent], Any], orders: Queue, dana: Agent) -> None:
    conversations = [
        builders.create_conversation(),
        builders.create_conversation(queue=orders),
        builders.create_conversation(agent=dana),
    ]
    person = make(dana)
    assert not any(can_see(person, conversation) for conversation in conversations)
    assert (live_topics_for(person), agent_for_user(person)) == (set(), None)


def test_missing_and_invisible_conversations_are_indistinguishable(dana: Agent) -> None:
    for pk in (0, -1, 987654321, 10**30):
        for find in (get_conversation_or_404, get_message_or_404, get_attachment_or_404):
            with pytest.raises(Http404):
                find(dana.user, pk)


def test_events_reach_exactly_those_with_access(orders: Queue, dana: Agent, eli: Agent) -> None:
    both = builders.create_agent("Noor", queue=orders)
    QueueMembership.objects.create(queue=Queue.objects.get(name="Returns"), agent=both)
    people = [
        dana.user,
        eli.user,
        both.user,
        builders.create_user("Administrator"),
        builders.create_user("Supervisor"),
        builders.create_agent("Sam", role="Supervisor", queue=orders).user,
        builders.create_user("", is_superuser=True),
        builders.create_user(""),
        AnonymousUser(),
    ]
    for queue, agent in itertools.product(Queue.objects.all(), [None, dana, eli]):
        conversation = builders.create_conversation(queue=queue, agent=agent)
        for person in people:
            assert can_see(person, conversation) == receives_events(person, conversation), (queue, agent, person)


@pytest.mark.parametrize("state", State)
def test_only_the_agent_who_has_it_may_answer_and_only_while_they_work_on_it(
    state: State, dana: Agent, eli: Agent
) -> None:
    conversation = Conversation(state=state, agent=dana)
    assert can_reply(dana, conversation) == (state in {State.ACTIVE, State.WRAP_UP})
    assert not can_reply(eli, conversation)
    assert not can_reply(None, conversation)
    assert not can_reply(None, Conversation(state=state, agent=None))


def test_access_follows_the_role_as_soon_as_it_is_given(orders: Queue) -> None:
    person, conversation = builders.create_user(""), builders.create_conversation(queue=orders)
    assert not can_see(person, conversation)
    person.groups.add(Group.objects.get(name="Supervisor"))
    assert can_see(type(person).objects.get(pk=person.pk), conversation)
