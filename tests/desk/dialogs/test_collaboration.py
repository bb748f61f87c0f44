"""Transfer, consult and notes, with and without JavaScript, for each kind of user."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from omnichannel.accounts.models import User
from omnichannel.conversations.assignment.consult import invite_colleague
from omnichannel.conversations.models import Conversation, Note
from omnichannel.conversations.notes import add_note
from omnichannel.desk.thread.timeline import NoteEntry
from routing.models import Agent, Skill, SkillType, State
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for, compact, conversation_url

pytestmark = pytest.mark.django_db

DIALOG_URL_NAMES = ["transfer", "consult", "assign"]
POST_URL_NAMES = [
    "transfer",
    "consult",
    "assign",
    "create_note",
    "monitor",
    "join",
    "leave_conversation",
    "release_to_queue",
]
ALL_USERS = ["dana", "omar", "eve", "supervisor", "administrator", "stranger"]


def post_action(
    desk: DeskScenario, name: str, username: str = "dana", *, without_htmx: bool = False, **fields: str
) -> Any:
    return client_for(getattr(desk, username)).post(
        conversation_url(desk, name), fields, **({} if without_htmx else HTMX_HEADERS)
    )


def get_conversation_page(desk: DeskScenario, person: str = "dana") -> str:
    return str(client_for(getattr(desk, person)).get(conversation_url(desk, "conversation")).content.decode())


def agent_value(desk: DeskScenario, person: str) -> str:
    return f"agent-{getattr(desk, person).pk}"


def is_checked(page: str, value: str) -> bool:
    return re.search(rf'value="{value}"\s+required\s+checked', page) is not None


EXPECTED_STATUSES: dict[str, dict[str, int]] = {
    "transfer": {"dana": 422, "omar": 409, "eve": 404, "supervisor": 409, "administrator": 409, "stranger": 403},
    "consult": {"dana": 422, "omar": 409, "eve": 404, "supervisor": 409, "administrator": 409, "stranger": 403},
    "assign": {"dana": 409, "omar": 409, "eve": 404, "supervisor": 409, "administrator": 409, "stranger": 403},
    "create_note": {"dana": 200, "omar": 200, "eve": 404, "supervisor": 200, "administrator": 200, "stranger": 403},
    "monitor": {"dana": 409, "omar": 409, "eve": 404, "supervisor": 200, "administrator": 200, "stranger": 403},
    "join": {"dana": 409, "omar": 409, "eve": 404, "supervisor": 200, "administrator": 200, "stranger": 403},
    "leave_conversation": {
        "dana": 409,
        "omar": 409,
        "eve": 404,
        "supervisor": 409,
        "administrator": 409,
        "stranger": 403,
    },
    "release_to_queue": {
        "dana": 409,
        "omar": 409,
        "eve": 404,
        "supervisor": 200,
        "administrator": 200,
        "stranger": 403,
    },
}


@pytest.mark.parametrize("person", ALL_USERS)
@pytest.mark.parametrize("name", POST_URL_NAMES)
def test_each_action_is_limited_to_permitted_users(desk: DeskScenario, name: str, person: str) -> None:
    assert post_action(desk, name, person, text="Look here").status_code == EXPECTED_STATUSES[name][person]


@pytest.mark.parametrize("name", DIALOG_URL_NAMES)
@pytest.mark.parametrize("person", ALL_USERS)
def test_each_dialog_opens_only_for_permitted_users(desk: DeskScenario, name: str, person: str) -> None:
    status = client_for(getattr(desk, person)).get(conversation_url(desk, name), **HTMX_HEADERS).status_code
    assert status == {422: 200}.get(EXPECTED_STATUSES[name][person], EXPECTED_STATUSES[name][person])


def test_transfer_targets_are_in_the_readers_language(desk: DeskScenario) -> None:
    kind = SkillType.objects.create(name="Trades")
    desk.conversation.required_skills.create(skill=Skill.objects.create(name="Repairs", type=kind), rating=1)
    User.objects.update(language="de")
    shown = client_for(desk.dana).get(conversation_url(desk, "transfer"), **HTMX_HEADERS).content.decode()
    assert "0 von 1 Fähigkeit" in shown
    assert "100 von 100 frei" in shown
    Agent.objects.update(capacity=0)
    assert (
        "Über Kapazität"
        in client_for(desk.dana).get(conversation_url(desk, "transfer"), **HTMX_HEADERS).content.decode()
    )


def test_transfer_reason_is_kept_after_a_conflict(desk: DeskScenario) -> None:
    to = agent_value(desk, "omar")
    Conversation.objects.update(state="wrap_up")
    answer = post_action(desk, "transfer", to=to, reason="Knows the lamps")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Only active conversations can be transferred." in page
    assert "Knows the lamps</textarea>" in page
    assert is_checked(page, to)


@pytest.mark.parametrize(
    ("person", "status"), [*((w, 200) for w in ("dana", "omar", "supervisor", "administrator")), ("eve", 404)]
)
def test_participants_are_shown_only_to_those_with_access(desk: DeskScenario, person: str, status: int) -> None:
    assert client_for(getattr(desk, person)).get(conversation_url(desk, "participants")).status_code == status


@pytest.mark.parametrize("name", [*POST_URL_NAMES, "participants"])
def test_anonymous_user_is_redirected_to_sign_in(desk: DeskScenario, name: str) -> None:
    answer = (
        Client().get(conversation_url(desk, name))
        if name == "participants"
        else Client().post(conversation_url(desk, name))
    )
    assert answer["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("name", ["create_note", "monitor", "join", "leave_conversation", "release_to_queue"])
def test_changes_require_post(desk: DeskScenario, name: str) -> None:
    assert client_for(desk.supervisor).get(conversation_url(desk, name)).status_code == 405


@pytest.mark.parametrize("plain", [True, False])
def test_a_transfer_gives_the_conversation_to_a_colleague(desk: DeskScenario, plain: bool) -> None:
    answer = post_action(desk, "transfer", to=agent_value(desk, "omar"), reason="Speaks Thai.", without_htmx=plain)
    assert answer.status_code == (302 if plain else 200)
    desk.conversation.refresh_from_db()
    assert desk.conversation.agent == desk.omar
    shown = get_conversation_page(desk, "omar")
    assert "with you" in shown
    assert "Dana transferred the conversation to Omar: Speaks Thai." in shown


@pytest.mark.parametrize("plain", [True, False])
def test_refused_transfer_keeps_the_form_and_shows_the_reason(desk: DeskScenario, plain: bool) -> None:
    answer = post_action(desk, "transfer", to=agent_value(desk, "omar"), reason=" ", without_htmx=plain)
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "Enter a reason for the transfer." in shown
    assert is_checked(shown, agent_value(desk, "omar"))
    assert ("<html" in shown) == plain


def test_the_dialog_shows_presence_skills_and_free_capacity(desk: DeskScenario) -> None:
    for _ in range(3):
        builders.create_conversation(agent=desk.omar, queue=desk.queue)
    builders.create_agent("Gone", queue=desk.queue, presence="offline")
    shown = client_for(desk.dana).get(conversation_url(desk, "transfer"), **HTMX_HEADERS).content.decode()
    assert "Over capacity: 30 needed, 10 free" in shown
    assert 'class="presence-dot available"' in shown
    assert "Gone" not in shown
    assert "Returns" in shown
    assert "<dialog" in shown


@pytest.mark.parametrize("plain", [True, False])
def test_transfer_out_of_sight_redirects_to_the_inbox(desk: DeskScenario, plain: bool) -> None:
    elsewhere = builders.create_queue("Elsewhere")
    answer = post_action(desk, "transfer", to=f"queue-{elsewhere.pk}", reason="Theirs.", without_htmx=plain)
    assert answer["Location" if plain else "HX-Redirect"] == reverse("desk:inbox")


def test_something_else_than_what_is_offered_is_refused(desk: DeskScenario) -> None:
    answer = post_action(desk, "transfer", to=agent_value(desk, "eve"), reason="Hers.")
    assert answer.status_code == 422
    assert "This is no longer possible." in answer.content.decode()


def test_consulted_colleague_has_it_in_their_inbox_and_can_only_write_notes(desk: DeskScenario) -> None:
    assert post_action(desk, "consult", to=agent_value(desk, "eve")).status_code == 200
    inbox = client_for(desk.eve).get(reverse("desk:inbox")).content.decode()
    assert f'id="row-{desk.conversation.pk}"' in inbox
    shown = get_conversation_page(desk, "eve")
    assert 'id="note-text"' in shown
    assert 'id="reply-text"' not in shown
    assert 'id="do-leave_conversation"' in shown
    assert post_action(desk, "reply", "eve", text="Hello").status_code == 422
    assert post_action(desk, "create_note", "eve", text="Recalled.").status_code == 200
    assert "Eve" in client_for(desk.dana).get(conversation_url(desk, "participants")).content.decode()
    assert post_action(desk, "leave_conversation", "eve")["HX-Redirect"] == reverse("desk:inbox")


def test_a_consulted_colleagues_unread_messages_are_not_counted_as_theirs(desk: DeskScenario) -> None:
    Conversation.objects.update(unread_count=3)
    invite_colleague(desk.conversation, desk.eve, agent=desk.dana)
    assert 'data-unread="0"' in client_for(desk.eve).get(reverse("desk:inbox")).content.decode()


@pytest.mark.parametrize("plain", [True, False])
def test_a_refused_note_keeps_its_text(desk: DeskScenario, plain: bool) -> None:
    answer = post_action(desk, "create_note", text="@eve look at this", without_htmx=plain)
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "Eve can&#x27;t see this conversation." in shown
    assert "@eve look at this</textarea>" in shown
    assert not Note.objects.exists()


def test_a_note_is_shown_between_the_messages_with_whom_it_is_for(desk: DeskScenario) -> None:
    builders.create_inbound_message(desk.conversation, "Before")
    add_note(desk.conversation, desk.dana.user, "For @omar: <b>second</b> lamp, see https://lamps.example/?q=@omar")
    builders.create_inbound_message(desk.conversation, "After")
    shown = compact(get_conversation_page(desk, "omar"))
    assert shown.index(">Before<") < shown.index("Note for @Omar") < shown.index(">After<")
    assert "<strong>@omar</strong>: &lt;b&gt;second&lt;/b&gt; lamp" in shown
    assert "only visible to colleagues" in shown


def test_new_note_is_included_in_the_fragments(desk: DeskScenario) -> None:
    add_note(desk.conversation, desk.omar.user, "Look")
    answer = client_for(desk.dana).get(conversation_url(desk, "updates") + "?after=0", **HTMX_HEADERS)
    assert [entry.note.text for entry in answer.context["thread"].entries if isinstance(entry, NoteEntry)] == ["Look"]


def test_a_mention_marks_the_row_until_the_conversation_is_opened(desk: DeskScenario) -> None:
    add_note(desk.conversation, desk.dana.user, "@omar look")
    inbox = reverse("desk:inbox")
    assert "You were mentioned in a note" in client_for(desk.omar).get(inbox).content.decode()
    assert "You were mentioned in a note" not in client_for(desk.dana).get(inbox).content.decode()
    get_conversation_page(desk, "omar")
    assert "You were mentioned in a note" not in client_for(desk.omar).get(inbox).content.decode()


def test_a_mention_in_what_is_open_already_is_seen_there(desk: DeskScenario) -> None:
    add_note(desk.conversation, desk.dana.user, "@omar look")
    assert (
        'data-unread="1"'
        in client_for(desk.omar).get(conversation_url(desk, "updates"), **HTMX_HEADERS).content.decode()
    )
    assert post_action(desk, "mark_read", "omar").status_code == 204
    assert (
        'data-unread="0"'
        in client_for(desk.omar).get(conversation_url(desk, "updates"), **HTMX_HEADERS).content.decode()
    )


@pytest.mark.parametrize("state", State)
def test_notes_are_written_until_it_is_closed(desk: DeskScenario, state: State) -> None:
    if state == State.CLOSED:
        Conversation.objects.update(state=state, closed_at=desk.conversation.created_at)
    else:
        Conversation.objects.update(state=state, agent=None if state == State.OPEN else desk.dana)
    assert ('id="note-text"' in get_conversation_page(desk)) == (state != State.CLOSED)
