"""Presence at sign-in, sign-out and disconnects."""

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
from omnichannel.events.models import Event
from routing.agents import set_presence_manually
from routing.models import Agent, BasePresence, State
from routing.presence import get_built_in_presence
from tests import builders

pytestmark = pytest.mark.django_db


def shown_presence(agent: Agent) -> str:
    return Agent.objects.select_related("presence").get(pk=agent.pk).presence.base_status


def set_last_seen(agent: Agent, at: datetime) -> None:
    Agent.objects.filter(pk=agent.pk).update(last_seen_at=at)


def record_open_page(agent: Agent) -> None:
    sessions.record_page_activity(Agent.objects.get(pk=agent.pk).user)


# -- Sign-in and sign-out ----------------------------------------------------------------------------------------------


def sign_in(name: str, **form: str) -> Client:
    client = Client()
    client.post(reverse("sign_in"), {"username": name, "password": "correct horse", **form})
    return client


@pytest.mark.parametrize("before", ["offline", "inactive"])
def test_sign_in_sets_available(before: str) -> None:
    dana = builders.create_agent("Dana", presence=before)
    sign_in("dana")
    assert shown_presence(dana) == "available"


def test_sign_in_sets_the_default_presence() -> None:
    dana = builders.create_agent("Dana", presence="offline")
    Agent.objects.update(default_presence=get_built_in_presence(BasePresence.AWAY))
    sign_in("dana")
    assert shown_presence(dana) == "away"


def test_signing_in_a_second_time_changes_nothing() -> None:
    dana = builders.create_agent("Dana", presence="away")
    sign_in("dana")
    assert shown_presence(dana) == "away"


def test_signing_in_after_a_night_does_not_count_as_absence() -> None:
    dana, now = builders.create_agent("Dana", presence="offline"), timezone.now()
    set_last_seen(dana, now - timedelta(hours=12))
    sign_in("dana")
    sessions.update_presences(now)
    assert shown_presence(dana) == "available"


def test_signing_in_to_the_admin_does_not_set_available() -> None:
    ada = builders.create_agent("Ada", role="Administrator", presence="offline")
    sign_in("ada", next="/admin/")
    assert shown_presence(ada) == "offline"


def test_user_without_role_can_sign_in_but_is_no_agent() -> None:
    builders.create_user("", "Stranger")
    sign_in("stranger")
    assert not Agent.objects.exists()


def test_sign_out_sets_offline() -> None:
    dana = builders.create_agent("Dana")
    sign_in("dana").post(reverse("sign_out"))
    assert shown_presence(dana) == "offline"


def test_signing_out_in_the_admin_sets_offline() -> None:
    ada = builders.create_agent("Ada", role="Administrator")
    ada.user.is_staff = True
    ada.user.save()
    client = Client()
    client.force_login(ada.user, backend="omnichannel.auth.AgentAuthBackend")
    assert f'action="{reverse("sign_out")}"' in client.get(reverse("admin:index")).content.decode()


# -- Pages -------------------------------------------------------------------------------------------------------------


def test_an_open_page_is_noted() -> None:
    dana = builders.create_agent("Dana")
    record_open_page(dana)
    dana.refresh_from_db()
    assert dana.last_seen_at is not None


def test_agent_without_a_page_for_three_minutes_goes_offline() -> None:
    now = timezone.now()
    absent_agent, reloads, never = (builders.create_agent(name) for name in ("Gone", "Reloads", "Never"))
    set_last_seen(absent_agent, now - timedelta(minutes=3, seconds=1))
    set_last_seen(reloads, now - timedelta(seconds=45))
    sessions.update_presences(now)
    assert [shown_presence(agent) for agent in (absent_agent, reloads, never)] == ["offline", "available", "available"]


def leave_and_return(agent: Agent) -> None:
    now = timezone.now()
    set_last_seen(agent, now - timedelta(minutes=4))
    sessions.update_presences(now)
    assert shown_presence(agent) == "offline"
    record_open_page(agent)


def test_returning_page_restores_the_presence() -> None:
    dana = builders.create_agent("Dana")
    leave_and_return(dana)
    assert shown_presence(dana) == "available"


@pytest.mark.parametrize("base", [BasePresence.AWAY, BasePresence.OFFLINE])
def test_manually_set_away_is_kept_when_a_page_returns(base: BasePresence) -> None:
    dana = builders.create_agent("Dana")
    set_presence_manually(dana, get_built_in_presence(base))
    leave_and_return(dana)
    assert shown_presence(dana) == "offline"


# -- Load --------------------------------------------------------------------------------------------------------------


def test_presence_follows_the_load(django_capture_on_commit_callbacks: Any) -> None:
    builders.update_work_stream(capacity=100)
    dana, waiting = builders.create_agent("Dana"), builders.create_conversation()
    for verb, expected in [
        (take_conversation, "busy_dnd"),
        (end_conversation, "busy_dnd"),
        (close_conversation, "available"),
    ]:
        with django_capture_on_commit_callbacks(execute=True):
            verb(waiting, dana)
        assert shown_presence(dana) == expected
    assert Event.objects.filter(kind="presence", subject_id=dana.pk).count() == 3


def test_the_load_of_an_agent_who_chose_by_hand_only_counts(django_capture_on_commit_callbacks: Any) -> None:
    dana = builders.create_agent("Dana")
    set_presence_manually(dana, get_built_in_presence(BasePresence.AVAILABLE))
    builders.create_conversation(agent=dana)
    with django_capture_on_commit_callbacks(execute=True):
        schedule_load_refresh(dana.pk, None)
    assert (shown_presence(dana), used_capacity([dana.pk])) == ("available", {dana.pk: 30})


def test_wrap_up_uses_capacity_for_as_long_as_the_work_stream_says() -> None:
    builders.update_work_stream(wrap_up_seconds=60)
    dana, now = builders.create_agent("Dana", presence="busy"), timezone.now()
    builders.create_conversation(agent=dana, state=State.WRAP_UP, state_since=now)
    assert used_capacity([dana.pk], now + timedelta(seconds=59)) == {dana.pk: 30}
    assert used_capacity([dana.pk], now + timedelta(seconds=60)) == {dana.pk: 0}
    refresh_agent_loads(now)
    assert shown_presence(dana) == "busy"
    Conversation.objects.update(state_since=now - timedelta(seconds=60))
    refresh_agent_loads(now)
    assert shown_presence(dana) == "available"


def test_waiting_conversations_use_no_capacity() -> None:
    dana = builders.create_agent("Dana")
    builders.create_conversation(agent=dana, state=State.WAITING)
    assert used_capacity([dana.pk]) == {dana.pk: 0}
