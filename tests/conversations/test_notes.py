"""Notes are for colleagues, and mentions notify some of them."""

import pytest

from omnichannel.conversations.access import agents_with_access, conversations_visible_to, get_conversation_or_404
from omnichannel.conversations.assignment.consult import invite_colleague
from omnichannel.conversations.assignment.supervise import monitor_conversation
from omnichannel.conversations.models import Conversation, Mention, Note
from omnichannel.conversations.notes import (
    NoteError,
    add_note,
    find_mentioned_agents,
    find_unknown_mentions,
    mark_mentions_seen,
    mentionable_agents,
)
from omnichannel.events.models import Event
from routing.models import Agent, Queue
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana(orders: Queue) -> Agent:
    return builders.create_agent("Dana", queue=orders)


@pytest.fixture
def omar(orders: Queue) -> Agent:
    omar = builders.create_agent("Omar", queue=orders)
    omar.user.last_name = "Haddad"
    omar.user.save()
    return omar


@pytest.fixture
def conversation(orders: Queue, dana: Agent) -> Conversation:
    return builders.create_conversation(agent=dana, queue=orders)


def test_a_note_is_written_down_and_never_a_message(conversation: Conversation, dana: Agent) -> None:
    note = add_note(conversation, dana.user, " Second broken lamp.\r\nSame batch. ")
    assert (note.text, note.author) == ("Second broken lamp.\nSame batch.", dana.user)
    assert not conversation.messages.exists()


@pytest.mark.parametrize(
    "text",
    ["@omar look", "look, @OMAR!", "@Omar Haddad, look", "(@omar haddad)", "for @omar\nhaddad", "@omar and @omar"],
)
def test_a_colleague_is_mentioned_by_user_name_or_full_name(
    conversation: Conversation, dana: Agent, omar: Agent, text: str
) -> None:
    assert list(add_note(conversation, dana.user, text).mentions.all()) == [omar]


@pytest.mark.parametrize("text", ["omar", "someone@omar.example", "@omarion", "@nobody", "@ omar", "@"])
def test_other_words_with_an_at_mention_nobody(conversation: Conversation, dana: Agent, omar: Agent, text: str) -> None:
    assert not add_note(conversation, dana.user, text).mentions.exists()


def test_longest_matching_name_is_mentioned(omar: Agent) -> None:
    other = builders.create_agent("Haddad")
    other.user.username = "omar h"
    assert find_mentioned_agents("@Omar H is meant", [omar, other]) == [other]


def test_self_mention_creates_no_mark(conversation: Conversation, dana: Agent) -> None:
    assert not add_note(conversation, dana.user, "@dana remember").mentions.exists()


def test_colleague_without_access_is_not_mentioned(conversation: Conversation, dana: Agent, eve: Agent) -> None:
    with pytest.raises(NoteError, match="Eve can't see this conversation"):
        add_note(conversation, dana.user, "@eve look")
    assert not Note.objects.exists()
    invite_colleague(conversation, eve, agent=dana)
    assert list(add_note(conversation, dana.user, "@eve look").mentions.all()) == [eve]


def test_agents_with_access_matches_conversation_visibility(
    conversation: Conversation, dana: Agent, eve: Agent
) -> None:
    people = [dana, eve, *(builders.create_agent(role, role=role) for role in ("Agent", "Supervisor", "Administrator"))]
    invite_colleague(conversation, builders.create_agent("Consulted", queue=builders.create_queue("Else")), agent=dana)
    for each in (
        conversation,
        builders.create_conversation(),
        builders.create_conversation(agent=eve, queue=dana.queues.get()),
    ):
        seers = set(agents_with_access(each))
        for person in [*people, *Agent.objects.all()]:
            assert (person in seers) == conversations_visible_to(person.user).filter(pk=each.pk).exists()


def test_mentioned_colleague_is_notified_and_marked_until_they_open_it(
    conversation: Conversation, dana: Agent, omar: Agent
) -> None:
    add_note(conversation, dana.user, "@omar look")
    assert f"agent:{omar.pk}" in Event.objects.latest("pk").topics
    assert get_conversation_or_404(omar.user, conversation.pk).has_unread_mention
    assert not get_conversation_or_404(dana.user, conversation.pk).has_unread_mention
    mark_mentions_seen(get_conversation_or_404(omar.user, conversation.pk), omar)
    assert not get_conversation_or_404(omar.user, conversation.pk).has_unread_mention
    assert Mention.objects.get().seen_at


@pytest.mark.parametrize(("text", "error_code"), [("  ", "Enter a note"), ("x" * 4001, "up to 4,000 characters")])
def test_an_empty_or_endless_note_is_refused(
    conversation: Conversation, dana: Agent, text: str, error_code: str
) -> None:
    with pytest.raises(NoteError, match=error_code):
        add_note(conversation, dana.user, text)


def test_monitoring_supervisor_cannot_write_notes(conversation: Conversation) -> None:
    sue = builders.create_agent("Sue", role="Supervisor")
    add_note(conversation, sue.user, "I see it anyway.")
    monitor_conversation(conversation, sue)
    with pytest.raises(NoteError, match="Join the conversation"):
        add_note(conversation, sue.user, "Silent?")


def test_no_notes_in_a_closed_conversation_nor_by_strangers(conversation: Conversation, dana: Agent) -> None:
    with pytest.raises(NoteError):
        add_note(conversation, builders.create_user(""), "Hello")
    closed = builders.create_conversation(state="closed", closed_at=conversation.created_at)
    with pytest.raises(NoteError, match="closed"):
        add_note(closed, dana.user, "Too late")


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("@nobody look", ["nobody"]),
        ("@omarion, @Nobody. and @nobody", ["omarion", "nobody"]),
        ("@omar and @Omar Haddad look", []),
        ("someone@omar.example, @ omar, @14:00, @", []),
    ],
)
def test_mentions_of_nobody_are_found(omar: Agent, text: str, unknown: list[str]) -> None:
    assert find_unknown_mentions(text) == unknown


def test_only_colleagues_who_may_see_the_conversation_can_be_mentioned(
    conversation: Conversation, dana: Agent, omar: Agent, eve: Agent
) -> None:
    gone = builders.create_agent("Gone", queue=conversation.queue)
    gone.user.is_active = False
    gone.user.save()
    sue = builders.create_agent("Sue", role="Supervisor")
    assert set(mentionable_agents(conversation, dana)) == {omar, sue}
