"""Presences of agents and their automatic changes."""

from datetime import timedelta

import pytest
from django.utils import timezone

from routing.agents import set_presence_manually
from routing.models import Agent, BasePresence, Presence
from routing.presence import (
    get_agents_without_open_pages,
    get_built_in_presence,
    get_presence_for_load,
    record_last_seen,
    set_default_presence,
    set_offline,
    set_presence,
    update_presence_for_load,
)
from tests import builders

AVAILABLE, BUSY, DND = BasePresence.AVAILABLE, BasePresence.BUSY, BasePresence.BUSY_DND
MANUAL_PRESENCES = [BasePresence.AWAY, BasePresence.INACTIVE, BasePresence.OFFLINE]


@pytest.mark.parametrize("shown", [AVAILABLE, BUSY, DND])
@pytest.mark.parametrize(
    ("used", "capacity", "follows"),
    [(0, 100, AVAILABLE), (1, 100, BUSY), (99, 100, BUSY), (100, 100, DND), (130, 100, DND), (0, 0, AVAILABLE)],
)
def test_the_load_decides_between_available_busy_and_do_not_disturb(
    shown: BasePresence, used: int, capacity: int, follows: BasePresence
) -> None:
    assert get_presence_for_load(shown, used, capacity) == follows


@pytest.mark.parametrize("shown", MANUAL_PRESENCES)
@pytest.mark.parametrize("used", [0, 50, 100])
def test_load_does_not_change_manual_absence(shown: BasePresence, used: int) -> None:
    assert get_presence_for_load(shown, used, 100) == shown


def stored_presence(agent: Agent) -> tuple[str, bool]:
    agent_row = Agent.objects.select_related("presence").get(pk=agent.pk)
    return agent_row.presence.base_status, agent_row.is_presence_manual


def test_manual_presence_is_kept_under_load(db: None) -> None:
    dana = builders.create_agent("Dana")
    set_presence_manually(dana, get_built_in_presence(AVAILABLE))
    assert not update_presence_for_load(dana, 100)
    assert stored_presence(dana) == ("available", True)


def test_automatic_presence_follows_the_load(db: None) -> None:
    dana = builders.create_agent("Dana")
    shown = []
    for used in (30, 100, 60, 0):
        assert update_presence_for_load(dana, used)
        shown.append(stored_presence(dana)[0])
    assert shown == ["busy", "busy_dnd", "busy", "available"]
    assert not update_presence_for_load(dana, 0)


def test_a_presence_of_the_companys_own_is_left_alone(db: None) -> None:
    dana = builders.create_agent("Dana")
    training = Presence.objects.create(name="Training", text="In training", base_status=BUSY)
    set_presence(dana, training, is_manual=False)
    assert not update_presence_for_load(dana, 0)


def test_a_load_that_comes_too_late_does_not_undo_a_choice(db: None) -> None:
    dana = builders.create_agent("Dana")
    before = Agent.objects.select_related("presence").get(pk=dana.pk)
    set_presence_manually(dana, get_built_in_presence(BasePresence.AWAY))
    assert not update_presence_for_load(before, 100)
    assert stored_presence(dana) == ("away", True)


def test_the_default_presence_is_available_or_the_agents_own(db: None) -> None:
    dana = builders.create_agent("Dana", presence="offline")
    set_default_presence(dana)
    assert stored_presence(dana) == ("available", False)
    dana.default_presence = get_built_in_presence(BasePresence.AWAY)
    set_default_presence(dana)
    assert stored_presence(dana) == ("away", False)


def test_a_page_is_noted_every_half_minute_at_most(db: None) -> None:
    dana, now = builders.create_agent("Dana"), timezone.now()
    record_last_seen(dana, now)
    record_last_seen(dana, now + timedelta(seconds=15))
    assert dana.last_seen_at == now
    record_last_seen(dana, now + timedelta(seconds=31))
    assert dana.last_seen_at == now + timedelta(seconds=31)


@pytest.mark.parametrize(("ago", "was_gone"), [(None, False), (60, False), (179, False), (181, True)])
def test_only_who_was_gone_for_three_minutes_has_come_back(db: None, ago: int | None, was_gone: bool) -> None:
    dana, now = builders.create_agent("Dana"), timezone.now()
    dana.last_seen_at = None if ago is None else now - timedelta(seconds=ago)
    assert record_last_seen(dana, now) == was_gone


def test_agent_is_gone_after_three_minutes_without_a_page(db: None) -> None:
    now = timezone.now()
    builders.create_agent("Never")
    absent_agent, present_agent = builders.create_agent("Gone"), builders.create_agent("There")
    offline = builders.create_agent("Offline", presence="offline")
    Agent.objects.filter(pk__in=[absent_agent.pk, offline.pk]).update(last_seen_at=now - timedelta(minutes=4))
    Agent.objects.filter(pk=present_agent.pk).update(last_seen_at=now - timedelta(minutes=2))
    assert get_agents_without_open_pages(now) == [absent_agent]


def test_agent_who_returns_concurrently_stays_present(db: None) -> None:
    dana, now = builders.create_agent("Dana"), timezone.now()
    record_last_seen(dana, now)
    assert not set_offline(dana, unless_seen_since=now - timedelta(minutes=3))
    assert stored_presence(dana) == ("available", False)


@pytest.mark.parametrize(
    ("base", "by_hand", "stays"), [(BasePresence.AWAY, True, True), (AVAILABLE, True, False), (BUSY, False, False)]
)
def test_only_who_was_away_by_hand_has_to_come_back_by_hand(
    db: None, base: BasePresence, by_hand: bool, stays: bool
) -> None:
    dana = builders.create_agent("Dana")
    set_presence(dana, get_built_in_presence(base), is_manual=by_hand)
    now = timezone.now()
    record_last_seen(dana, now - timedelta(hours=1))
    assert set_offline(dana, unless_seen_since=now)
    assert stored_presence(dana) == ("offline", stays)
