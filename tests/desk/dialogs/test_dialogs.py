"""The dialogs for labels, priority, snooze, close and search."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from omnichannel.accounts.models import User
from omnichannel.conversations.models import Conversation, DispositionCode, Label
from omnichannel.desk.dialogs.snooze_times import get_snooze_options
from routing.models import State
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for, compact, conversation_url

pytestmark = pytest.mark.django_db

DIALOG_URL_NAMES = ["labels", "customer_labels", "priority", "snooze", "end_and_close"]


def post_dialog(desk: DeskScenario, dialog: str, person: str = "dana", **form: Any) -> Any:
    return client_for(getattr(desk, person)).post(conversation_url(desk, dialog), form, **HTMX_HEADERS)


@pytest.mark.parametrize("name", DIALOG_URL_NAMES)
def test_a_dialog_is_for_those_who_see_the_conversation(desk: DeskScenario, name: str) -> None:
    for client, status in [(client_for(desk.eve), 404), (client_for(desk.stranger), 403), (Client(), 302)]:
        assert client.get(conversation_url(desk, name)).status_code == status
        assert client.post(conversation_url(desk, name)).status_code == status


@pytest.mark.parametrize("name", DIALOG_URL_NAMES)
@pytest.mark.parametrize("plain", [True, False])
def test_a_dialog_is_a_page_without_the_script(desk: DeskScenario, name: str, plain: bool) -> None:
    page = client_for(desk.dana).get(conversation_url(desk, name), **({} if plain else HTMX_HEADERS)).content.decode()
    assert ("<html" in page) == plain
    assert ('<dialog id="dialog"' in page) != plain


@pytest.mark.parametrize("name", ["priority", "snooze", "end_and_close"])
def test_dialogs_of_a_colleagues_conversation_are_refused(desk: DeskScenario, name: str) -> None:
    form = {"priority": 1, "when": "message"}
    assert client_for(desk.omar).get(conversation_url(desk, name), **HTMX_HEADERS).status_code == 409
    assert post_dialog(desk, name, "omar", **form).status_code == 409
    desk.conversation.refresh_from_db()
    assert (desk.conversation.state, desk.conversation.priority) == (State.ACTIVE, 3)


@pytest.mark.parametrize("person", ["dana", "omar", "supervisor", "administrator"])
def test_everybody_who_sees_a_conversation_labels_it(desk: DeskScenario, person: str) -> None:
    vip = Label.objects.create(name="VIP <b>")
    answer = post_dialog(desk, "labels", person, labels=[vip.pk])
    assert answer.status_code == 200
    assert "VIP &lt;b&gt;" in answer.content.decode()
    assert set(desk.conversation.labels.all()) == {vip}
    assert post_dialog(desk, "customer_labels", person, labels=[vip.pk]).status_code == 200
    assert set(desk.conversation.contact.labels.all()) == {vip}


def test_label_added_meanwhile_is_kept(desk: DeskScenario) -> None:
    shown, meanwhile, new = (Label.objects.create(name=name) for name in ("Shown", "Meanwhile", "New"))
    desk.conversation.labels.set([shown, meanwhile])
    post_dialog(desk, "labels", labels=[new.pk], previous_labels=[shown.pk])
    assert set(desk.conversation.labels.all()) == {meanwhile, new}


def test_supervisors_create_a_label_while_they_use_it_and_agents_do_not(desk: DeskScenario) -> None:
    refused = post_dialog(desk, "labels", create=1, name="VIP")
    assert refused.status_code == 422
    assert "Ask a supervisor to create it." in refused.content.decode()
    assert post_dialog(desk, "labels", "supervisor", create=1, name="VIP").status_code == 200
    assert desk.conversation.labels.get().name == "VIP"


def test_a_typed_time_is_in_the_agents_zone(desk: DeskScenario) -> None:
    client = client_for(desk.dana)
    client.cookies["timezone"] = quote("Asia/Tokyo", safe="")
    at = (timezone.now() + timedelta(days=2)).astimezone(ZoneInfo("Asia/Tokyo")).replace(hour=9, minute=30)
    client.post(conversation_url(desk, "snooze"), {"when": "at", "at": f"{at:%Y-%m-%dT%H:%M}"}, **HTMX_HEADERS)
    desk.conversation.refresh_from_db()
    assert desk.conversation.snoozed_until == at.replace(second=0, microsecond=0)


@pytest.mark.parametrize(("when", "at"), [("at", ""), ("at", "x"), ("at", "2020-01-01T09:00"), ("never", ""), ("", "")])
def test_invalid_time_is_shown_in_the_dialog(desk: DeskScenario, when: str, at: str) -> None:
    answer = post_dialog(desk, "snooze", when=when, at=at)
    assert answer.status_code == 422
    assert 'class="field-error"' in answer.content.decode()


@time_machine.travel(datetime(2026, 3, 28, 10, 0, tzinfo=ZoneInfo("Europe/Berlin")), tick=False)
def test_offered_snooze_times_use_local_time() -> None:
    with timezone.override(ZoneInfo("Europe/Berlin")):
        offered = {
            option.name: f"{timezone.localtime(option.until):%d %H:%M}"
            for option in get_snooze_options(timezone.now())
            if option.until
        }
    # Daylight saving time starts in the night to the 29th.
    assert offered == {"hour": "28 11:00", "later": "28 13:00", "tomorrow": "29 09:00", "monday": "30 09:00"}


@pytest.mark.parametrize("name", ["close", "end_and_close"])
def test_a_required_code_is_asked_for_beside_its_field(desk: DeskScenario, name: str) -> None:
    code = DispositionCode.objects.create(name="Solved")
    builders.update_work_stream(disposition_required=True)
    Conversation.objects.update(state=State.WRAP_UP if name == "close" else State.ACTIVE)
    answer = post_dialog(desk, name, note="Kept")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Choose an outcome." in page
    assert "Kept</textarea>" in page
    assert post_dialog(desk, name, codes=[code.pk]).status_code == 200
    desk.conversation.refresh_from_db()
    assert desk.conversation.state == State.CLOSED


@pytest.mark.parametrize("name", ["close", "end_and_close"])
def test_closing_note_is_kept_when_a_message_arrives_meanwhile(desk: DeskScenario, name: str) -> None:
    code = DispositionCode.objects.create(name="Solved")
    state = State.WRAP_UP if name == "close" else State.ACTIVE
    Conversation.objects.update(state=state, unread_count=1)
    answer = post_dialog(desk, name, codes=[code.pk], note="A long story")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "The customer sent a new message." in page
    assert "A long story</textarea>" in page
    assert f'value="{code.pk}" checked' in compact(page)
    desk.conversation.refresh_from_db()
    assert (desk.conversation.state, desk.conversation.notes.count()) == (state, 0)


def test_error_uses_plural_forms_of_the_readers_language(desk: DeskScenario) -> None:
    User.objects.update(language="de")
    page = post_dialog(desk, "end_and_close", note="x" * 4001).content.decode()
    assert "4.000" in page
    assert "4,000" not in page


def test_a_code_that_is_no_longer_used_is_not_offered(desk: DeskScenario) -> None:
    DispositionCode.objects.create(name="Old", is_active=False)
    Conversation.objects.update(state=State.WRAP_UP)
    assert "Old" not in client_for(desk.dana).get(conversation_url(desk, "close"), **HTMX_HEADERS).content.decode()


def test_the_head_shows_labels_priority_and_until_when_it_is_snoozed(desk: DeskScenario) -> None:
    until = timezone.now() + timedelta(hours=5)
    Conversation.objects.update(priority=1, state=State.WAITING, snoozed_at=timezone.now(), snoozed_until=until)
    desk.conversation.labels.add(Label.objects.create(name="VIP", color="purple"))
    page = client_for(desk.dana).get(conversation_url(desk, "conversation")).content.decode()
    assert '<span class="label purple" dir="auto">VIP</span>' in page
    assert "snoozed until" in page
    assert 'class="label priority p1"' in page


# -- Search ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("person", "finds"), [("dana", True), ("supervisor", True), ("eve", False)])
def test_search_results_are_limited_to_visible_conversations(desk: DeskScenario, person: str, finds: bool) -> None:
    message = builders.create_inbound_message(desk.conversation, "Where is <b>order</b> 4711?")
    page = client_for(getattr(desk, person)).get(reverse("desk:search"), {"q": "4711"}, **HTMX_HEADERS).content.decode()
    assert ("<mark>4711</mark>" in compact(page)) == finds
    assert (f"?message={message.pk}" in page) == finds
    assert "<b>order" not in page


def test_search_is_limited_to_desk_users(desk: DeskScenario) -> None:
    assert client_for(desk.stranger).get(reverse("desk:search"), {"q": "4711"}).status_code == 403


def test_nothing_found_and_nothing_typed_are_not_the_same(desk: DeskScenario) -> None:
    client = client_for(desk.dana)
    assert "No results" in client.get(reverse("desk:search"), {"q": "xyzzy"}, **HTMX_HEADERS).content.decode()
    assert not client.get(reverse("desk:search"), {"q": ""}, **HTMX_HEADERS).content.decode().strip()
    assert "<html" in client.get(reverse("desk:search"), {"q": "amara"}).content.decode()
