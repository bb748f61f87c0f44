"""Transfer, consult and notes on the desk's pages: for whom, with and without the script."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from omnichannel.accounts.models import User
from omnichannel.conversations.assignment.consult import invite
from omnichannel.conversations.models import Conversation, Note
from omnichannel.conversations.notes import add_note
from omnichannel.desk.thread.timeline import Noted
from routing.models import Agent, Skill, SkillType, State
from tests import builders
from tests.desk.people import HTMX, Desk, browser, compact

pytestmark = pytest.mark.django_db

DIALOGS = ["transfer", "consult", "assign"]
POSTS = ["transfer", "consult", "assign", "note", "monitor", "join", "step_out", "release_to_queue"]
EVERYBODY = ["dana", "omar", "eve", "sue", "ada", "stranger"]


def address(desk: Desk, name: str) -> str:
    return reverse(f"desk:{name}", args=[desk.conversation.pk])


def press(desk: Desk, name: str, who: str = "dana", *, plain: bool = False, **fields: str) -> Any:
    return browser(getattr(desk, who)).post(address(desk, name), fields, **({} if plain else HTMX))


def opened(desk: Desk, who: str = "dana") -> str:
    return str(browser(getattr(desk, who)).get(address(desk, "conversation")).content.decode())


def agent_value(desk: Desk, who: str) -> str:
    return f"agent-{getattr(desk, who).pk}"


WHO_GETS: dict[str, dict[str, int]] = {
    "transfer": {"dana": 422, "omar": 409, "eve": 404, "sue": 409, "ada": 409, "stranger": 403},
    "consult": {"dana": 422, "omar": 409, "eve": 404, "sue": 409, "ada": 409, "stranger": 403},
    "assign": {"dana": 409, "omar": 409, "eve": 404, "sue": 409, "ada": 409, "stranger": 403},
    "note": {"dana": 200, "omar": 200, "eve": 404, "sue": 200, "ada": 200, "stranger": 403},
    "monitor": {"dana": 409, "omar": 409, "eve": 404, "sue": 200, "ada": 200, "stranger": 403},
    "join": {"dana": 409, "omar": 409, "eve": 404, "sue": 200, "ada": 200, "stranger": 403},
    "step_out": {"dana": 409, "omar": 409, "eve": 404, "sue": 409, "ada": 409, "stranger": 403},
    "release_to_queue": {"dana": 409, "omar": 409, "eve": 404, "sue": 200, "ada": 200, "stranger": 403},
}


@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize("name", POSTS)
def test_each_button_is_for_those_it_is_for(desk: Desk, name: str, who: str) -> None:
    assert press(desk, name, who, text="Look here").status_code == WHO_GETS[name][who]


@pytest.mark.parametrize("name", DIALOGS)
@pytest.mark.parametrize("who", EVERYBODY)
def test_each_dialog_opens_for_those_it_is_for(desk: Desk, name: str, who: str) -> None:
    status = browser(getattr(desk, who)).get(address(desk, name), **HTMX).status_code
    assert status == {422: 200}.get(WHO_GETS[name][who], WHO_GETS[name][who])


def test_where_a_conversation_can_go_is_said_in_the_readers_language(desk: Desk) -> None:
    kind = SkillType.objects.create(name="Trades")
    desk.conversation.required_skills.create(skill=Skill.objects.create(name="Repairs", type=kind), rating=1)
    User.objects.update(language="de")
    shown = browser(desk.dana).get(address(desk, "transfer"), **HTMX).content.decode()
    assert "0 von 1 Fähigkeit" in shown
    assert "100 von 100 frei" in shown
    Agent.objects.update(capacity=0)
    assert "über der Kapazität" in browser(desk.dana).get(address(desk, "transfer"), **HTMX).content.decode()


def test_the_reason_for_a_transfer_stays_when_somebody_was_faster(desk: Desk) -> None:
    to = agent_value(desk, "omar")
    Conversation.objects.update(state="wrap_up")
    answer = press(desk, "transfer", to=to, reason="Knows the lamps")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "That can&#x27;t be done with this conversation now." in page
    assert "Knows the lamps</textarea>" in page
    assert f'value="{to}" required checked' in compact(page)


@pytest.mark.parametrize(("who", "status"), [*((w, 200) for w in ("dana", "omar", "sue", "ada")), ("eve", 404)])
def test_who_is_in_it_is_for_those_who_see_it(desk: Desk, who: str, status: int) -> None:
    assert browser(getattr(desk, who)).get(address(desk, "colleagues")).status_code == status


@pytest.mark.parametrize("name", [*POSTS, "colleagues"])
def test_who_is_not_signed_in_is_sent_to_the_sign_in(desk: Desk, name: str) -> None:
    answer = Client().get(address(desk, name)) if name == "colleagues" else Client().post(address(desk, name))
    assert answer["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("name", ["note", "monitor", "join", "step_out", "release_to_queue"])
def test_what_changes_something_is_never_a_link(desk: Desk, name: str) -> None:
    assert browser(desk.sue).get(address(desk, name)).status_code == 405


@pytest.mark.parametrize("plain", [True, False])
def test_a_transfer_gives_the_conversation_to_a_colleague(desk: Desk, plain: bool) -> None:
    answer = press(desk, "transfer", to=agent_value(desk, "omar"), reason="Speaks Thai.", plain=plain)
    assert answer.status_code == (302 if plain else 200)
    desk.conversation.refresh_from_db()
    assert desk.conversation.agent == desk.omar
    shown = opened(desk, "omar")
    assert "with you" in shown
    assert "Dana transferred the conversation to Omar: Speaks Thai." in shown


@pytest.mark.parametrize("plain", [True, False])
def test_a_refused_transfer_keeps_what_was_chosen_and_says_why(desk: Desk, plain: bool) -> None:
    answer = press(desk, "transfer", to=agent_value(desk, "omar"), reason=" ", plain=plain)
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "Write why, for whoever reads this next." in shown
    assert f'value="{agent_value(desk, "omar")}" required checked' in compact(shown)
    assert ("<html" in shown) == plain


def test_the_dialog_shows_presence_skills_and_free_capacity(desk: Desk) -> None:
    for _ in range(3):
        builders.conversation(with_agent=desk.omar, in_queue=desk.queue)
    builders.agent("Gone", queue=desk.queue, presence="offline")
    shown = browser(desk.dana).get(address(desk, "transfer"), **HTMX).content.decode()
    assert "10 free, this needs 30: over capacity" in shown
    assert 'class="dot available"' in shown
    assert "Gone" not in shown
    assert "Returns" in shown
    assert "<dialog" in shown


@pytest.mark.parametrize("plain", [True, False])
def test_who_can_no_longer_see_what_they_transferred_comes_to_the_inbox(desk: Desk, plain: bool) -> None:
    elsewhere = builders.queue("Elsewhere")
    answer = press(desk, "transfer", to=f"queue-{elsewhere.pk}", reason="Theirs.", plain=plain)
    assert answer["Location" if plain else "HX-Redirect"] == reverse("desk:inbox")


def test_something_else_than_what_is_offered_is_refused(desk: Desk) -> None:
    answer = press(desk, "transfer", to=agent_value(desk, "eve"), reason="Hers.")
    assert answer.status_code == 422
    assert "That is no longer possible." in answer.content.decode()


def test_a_consulted_colleague_finds_it_among_theirs_and_writes_notes_only(desk: Desk) -> None:
    assert press(desk, "consult", to=agent_value(desk, "eve")).status_code == 200
    inbox = browser(desk.eve).get(reverse("desk:inbox")).content.decode()
    assert f'id="row-{desk.conversation.pk}"' in inbox
    shown = opened(desk, "eve")
    assert 'id="note-text"' in shown
    assert 'id="reply-text"' not in shown
    assert 'id="do-step_out"' in shown
    assert press(desk, "reply", "eve", text="Hello").status_code == 422
    assert press(desk, "note", "eve", text="Recalled.").status_code == 200
    assert "Eve" in browser(desk.dana).get(address(desk, "colleagues")).content.decode()
    assert press(desk, "step_out", "eve")["HX-Redirect"] == reverse("desk:inbox")


def test_a_consulted_colleagues_unread_messages_are_not_counted_as_theirs(desk: Desk) -> None:
    Conversation.objects.update(unread_count=3)
    invite(desk.conversation, desk.eve, by=desk.dana)
    assert 'data-unread="0"' in browser(desk.eve).get(reverse("desk:inbox")).content.decode()


@pytest.mark.parametrize("plain", [True, False])
def test_a_refused_note_keeps_its_text(desk: Desk, plain: bool) -> None:
    answer = press(desk, "note", text="@eve look at this", plain=plain)
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "Eve can&#x27;t see this conversation." in shown
    assert "@eve look at this</textarea>" in shown
    assert not Note.objects.exists()


def test_a_note_is_shown_between_the_messages_with_whom_it_is_for(desk: Desk) -> None:
    builders.inbound(desk.conversation, "Before")
    add_note(desk.conversation, desk.dana.user, "For @omar: <b>second</b> lamp, see https://lamps.example/?q=@omar")
    builders.inbound(desk.conversation, "After")
    shown = compact(opened(desk, "omar"))
    assert shown.index(">Before<") < shown.index("Note for @Omar") < shown.index(">After<")
    assert "<strong>@omar</strong>: &lt;b&gt;second&lt;/b&gt; lamp" in shown
    assert "only colleagues see this" in shown


def test_a_new_note_comes_with_the_pieces(desk: Desk) -> None:
    add_note(desk.conversation, desk.omar.user, "Look")
    answer = browser(desk.dana).get(address(desk, "pieces") + "?after=0", **HTMX)
    assert [entry.note.text for entry in answer.context["thread"].entries if isinstance(entry, Noted)] == ["Look"]


def test_a_mention_marks_the_row_until_the_conversation_is_opened(desk: Desk) -> None:
    add_note(desk.conversation, desk.dana.user, "@omar look")
    inbox = reverse("desk:inbox")
    assert "A note mentions you" in browser(desk.omar).get(inbox).content.decode()
    assert "A note mentions you" not in browser(desk.dana).get(inbox).content.decode()
    opened(desk, "omar")
    assert "A note mentions you" not in browser(desk.omar).get(inbox).content.decode()


def test_a_mention_in_what_is_open_already_is_seen_there(desk: Desk) -> None:
    add_note(desk.conversation, desk.dana.user, "@omar look")
    assert 'data-unread="1"' in browser(desk.omar).get(address(desk, "pieces"), **HTMX).content.decode()
    assert press(desk, "read", "omar").status_code == 204
    assert 'data-unread="0"' in browser(desk.omar).get(address(desk, "pieces"), **HTMX).content.decode()


@pytest.mark.parametrize("state", State)
def test_notes_are_written_until_it_is_closed(desk: Desk, state: State) -> None:
    if state == State.CLOSED:
        Conversation.objects.update(state=state, closed_at=desk.conversation.created_at)
    else:
        Conversation.objects.update(state=state, agent=None if state == State.OPEN else desk.dana)
    assert ('id="note-text"' in opened(desk)) == (state != State.CLOSED)
