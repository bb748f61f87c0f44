"""Mentions in the note field: the colleagues to choose from, and a warning about names that nobody has."""

from typing import Any

import pytest

from omnichannel.conversations.models import Note
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for, conversation_url

pytestmark = pytest.mark.django_db


def get_choices(desk: DeskScenario, person: str = "dana") -> Any:
    return client_for(getattr(desk, person)).get(conversation_url(desk, "mention_choices"))


def post_note(desk: DeskScenario, text: str, **form: str) -> Any:
    url = conversation_url(desk, "create_note")
    return client_for(desk.dana).post(url, {"text": text, **form}, **HTMX_HEADERS)


@pytest.mark.parametrize("person", ["dana", "omar", "supervisor", "administrator"])
def test_those_who_see_the_conversation_choose_from_their_colleagues(desk: DeskScenario, person: str) -> None:
    shown = get_choices(desk, person).content.decode()
    expected = {"dana": "Dana", "omar": "Omar", "supervisor": "Sue", "administrator": "Ada"}
    for key, name in expected.items():
        assert (f'data-text="@{name}"' in shown) == (key != person)
    assert "Eve" not in shown


@pytest.mark.parametrize(("person", "status"), [("eve", 404), ("stranger", 403)])
def test_others_see_no_choices(desk: DeskScenario, person: str, status: int) -> None:
    assert get_choices(desk, person).status_code == status


def test_choices_are_found_without_accents_and_told_apart_by_user_name(desk: DeskScenario) -> None:
    for username in ("zoe1", "zoe2"):
        agent = builders.create_agent(username, queue=desk.queue)
        agent.user.first_name = "Zoë"
        agent.user.save()
    shown = get_choices(desk).content.decode()
    assert 'data-text="@zoe1"' in shown
    assert 'data-search="zoe zoe2"' in shown


def test_a_name_that_nobody_has_is_pointed_out_before_the_note_is_saved(desk: DeskScenario) -> None:
    answer = post_note(desk, "@omarr look")
    assert answer.status_code == 422
    shown = answer.content.decode()
    assert "Nobody is called @omarr." in shown
    assert 'name="unknown_mentions" value="omarr"' in shown
    assert "@omarr look" in shown
    assert not Note.objects.exists()


def test_the_note_is_saved_when_the_warning_was_seen(desk: DeskScenario) -> None:
    assert post_note(desk, "@omarr look", unknown_mentions="omarr").status_code == 200
    assert Note.objects.get().text == "@omarr look"
    assert post_note(desk, "@omarr and @evee", unknown_mentions="omarr").status_code == 422


def test_somebody_who_may_not_see_the_conversation_is_pointed_out(desk: DeskScenario) -> None:
    answer = post_note(desk, "@eve look")
    assert answer.status_code == 422
    assert "Eve can&#x27;t see this conversation" in answer.content.decode()
    assert not Note.objects.exists()
