"""Agents come, go and come back; what they have taken on shows."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from omnichannel.conversations.agent_load import refresh_agent_loads, schedule_load_refresh, used_capacity
from omnichannel.conversations.assignment.pick import take_conversation
from omnichannel.conversations.lifecycle.close import close_conversation, end_conversation
from omnichannel.conversations.models import Conversation
from omnichannel.conversations.presence import sessions
from omnichannel.live.models import LiveEvent
from routing.agents import show_presence
from routing.models import Agent, BasePresence, State
from routing.presence import built_in
from tests import builders

pytestmark = pytest.mark.django_db


def shown(agent: Agent) -> str:
    return Agent.objects.select_related("presence").get(pk=agent.pk).presence.base_status


def last_seen(agent: Agent, at: datetime) -> None:
    Agent.objects.filter(pk=agent.pk).update(last_seen_at=at)


def opens_a_page(agent: Agent) -> None:
    sessions.record_page_activity(Agent.objects.get(pk=agent.pk).user)


# -- Sign-in and sign-out ---------------------------------------------------------------------------------------------


def sign_in(name: str, **form: str) -> Client:
    client = Client()
    client.post(reverse("sign_in"), {"username": name, "password": "correct horse", **form})
    return client


@pytest.mark.parametrize("before", ["offline", "inactive"])
def test_who_signs_in_is_available(before: str) -> None:
    dana = builders.agent("Dana", presence=before)
    sign_in("dana")
    assert shown(dana) == "available"


def test_who_signs_in_shows_their_default_presence() -> None:
    dana = builders.agent("Dana", presence="offline")
    Agent.objects.update(default_presence=built_in(BasePresence.AWAY))
    sign_in("dana")
    assert shown(dana) == "away"


def test_signing_in_a_second_time_changes_nothing() -> None:
    dana = builders.agent("Dana", presence="away")
    sign_in("dana")
    assert shown(dana) == "away"


def test_who_signs_in_in_the_morning_is_not_gone_because_of_the_night() -> None:
    dana, now = builders.agent("Dana", presence="offline"), timezone.now()
    last_seen(dana, now - timedelta(hours=12))
    sign_in("dana")
    sessions.update_presences(now)
    assert shown(dana) == "available"


def test_who_goes_to_the_administration_is_not_given_work() -> None:
    ada = builders.agent("Ada", role="Administrator", presence="offline")
    sign_in("ada", next="/admin/")
    assert shown(ada) == "offline"


def test_somebody_without_a_role_signs_in_and_becomes_nobodys_agent() -> None:
    builders.user("", "Stranger")
    sign_in("stranger")
    assert not Agent.objects.exists()


def test_who_signs_out_is_offline() -> None:
    dana = builders.agent("Dana")
    sign_in("dana").post(reverse("sign_out"))
    assert shown(dana) == "offline"


def test_signing_out_in_the_administration_is_signing_out() -> None:
    ada = builders.agent("Ada", role="Administrator")
    ada.user.is_staff = True
    ada.user.save()
    client = Client()
    client.force_login(ada.user, backend="omnichannel.auth.AgentAuthBackend")
    assert f'action="{reverse("sign_out")}"' in client.get(reverse("admin:index")).content.decode()


# -- Pages ------------------------------------------------------------------------------------------------------------


def test_an_open_page_is_noted() -> None:
    dana = builders.agent("Dana")
    opens_a_page(dana)
    dana.refresh_from_db()
    assert dana.last_seen_at is not None


def test_whoever_has_no_page_for_three_minutes_is_offline_and_who_reloads_is_not() -> None:
    now = timezone.now()
    gone, reloads, never = (builders.agent(name) for name in ("Gone", "Reloads", "Never"))
    last_seen(gone, now - timedelta(minutes=3, seconds=1))
    last_seen(reloads, now - timedelta(seconds=45))
    sessions.update_presences(now)
    assert [shown(agent) for agent in (gone, reloads, never)] == ["offline", "available", "available"]


def goes_and_comes_back(agent: Agent) -> None:
    now = timezone.now()
    last_seen(agent, now - timedelta(minutes=4))
    sessions.update_presences(now)
    assert shown(agent) == "offline"
    opens_a_page(agent)


def test_whose_pages_come_back_is_there_again() -> None:
    dana = builders.agent("Dana")
    goes_and_comes_back(dana)
    assert shown(dana) == "available"


@pytest.mark.parametrize("base", [BasePresence.AWAY, BasePresence.OFFLINE])
def test_who_chose_to_be_away_is_not_brought_back_by_a_page(base: BasePresence) -> None:
    dana = builders.agent("Dana")
    show_presence(dana, built_in(base))
    goes_and_comes_back(dana)
    assert shown(dana) == "offline"


# -- Load -------------------------------------------------------------------------------------------------------------


def test_work_that_comes_and_goes_shows(django_capture_on_commit_callbacks: Any) -> None:
    builders.work_stream(capacity=100)
    dana, waiting = builders.agent("Dana"), builders.conversation()
    for verb, then in [
        (take_conversation, "busy_dnd"),
        (end_conversation, "busy_dnd"),
        (close_conversation, "available"),
    ]:
        with django_capture_on_commit_callbacks(execute=True):
            verb(waiting, dana)
        assert shown(dana) == then
    assert LiveEvent.objects.filter(kind="presence", subject_id=dana.pk).count() == 3


def test_the_load_of_an_agent_who_chose_by_hand_only_counts(django_capture_on_commit_callbacks: Any) -> None:
    dana = builders.agent("Dana")
    show_presence(dana, built_in(BasePresence.AVAILABLE))
    builders.conversation(with_agent=dana)
    with django_capture_on_commit_callbacks(execute=True):
        schedule_load_refresh(dana.pk, None)
    assert (shown(dana), used_capacity([dana.pk])) == ("available", {dana.pk: 30})


def test_wrap_up_uses_capacity_for_as_long_as_the_work_stream_says() -> None:
    builders.work_stream(wrap_up_seconds=60)
    dana, now = builders.agent("Dana", presence="busy"), timezone.now()
    builders.conversation(with_agent=dana, state=State.WRAP_UP, state_since=now)
    assert used_capacity([dana.pk], now + timedelta(seconds=59)) == {dana.pk: 30}
    assert used_capacity([dana.pk], now + timedelta(seconds=60)) == {dana.pk: 0}
    refresh_agent_loads(now)
    assert shown(dana) == "busy"
    Conversation.objects.update(state_since=now - timedelta(seconds=60))
    refresh_agent_loads(now)
    assert shown(dana) == "available"


def test_what_waits_for_the_customer_uses_nothing() -> None:
    dana = builders.agent("Dana")
    builders.conversation(with_agent=dana, state=State.WAITING)
    assert used_capacity([dana.pk]) == {dana.pk: 0}
