"""What an agent shows, and when it changes by itself."""

from datetime import timedelta

import pytest
from django.utils import timezone

from routing.agents import show_presence
from routing.models import Agent, BasePresence, Presence
from routing.presence import (
    automatic,
    built_in,
    follow_load,
    go_offline,
    note_seen,
    show,
    show_default,
    whose_pages_are_gone,
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
    assert automatic(shown, used, capacity) == follows


@pytest.mark.parametrize("shown", MANUAL_PRESENCES)
@pytest.mark.parametrize("used", [0, 50, 100])
def test_load_does_not_change_manual_absence(shown: BasePresence, used: int) -> None:
    assert automatic(shown, used, 100) == shown


def stored_presence(agent: Agent) -> tuple[str, bool]:
    found = Agent.objects.select_related("presence").get(pk=agent.pk)
    return found.presence.base_status, found.presence_by_hand


def test_manual_presence_is_kept_under_load(db: None) -> None:
    dana = builders.create_agent("Dana")
    show_presence(dana, built_in(AVAILABLE))
    assert not follow_load(dana, 100)
    assert stored_presence(dana) == ("available", True)


def test_automatic_presence_follows_the_load(db: None) -> None:
    dana = builders.create_agent("Dana")
    shown = []
    for used in (30, 100, 60, 0):
        assert follow_load(dana, used)
        shown.append(stored_presence(dana)[0])
    assert shown == ["busy", "busy_dnd", "busy", "available"]
    assert not follow_load(dana, 0)


def test_a_presence_of_the_companys_own_is_left_alone(db: None) -> None:
    dana = builders.create_agent("Dana")
    training = Presence.objects.create(name="Training", text="In training", base_status=BUSY)
    show(dana, training, by_hand=False)
    assert not follow_load(dana, 0)


def test_a_load_that_comes_too_late_does_not_undo_a_choice(db: None) -> None:
    dana = builders.create_agent("Dana")
    before = Agent.objects.select_related("presence").get(pk=dana.pk)
    show_presence(dana, built_in(BasePresence.AWAY))
    assert not follow_load(before, 100)
    assert stored_presence(dana) == ("away", True)


def test_the_default_presence_is_available_or_the_agents_own(db: None) -> None:
    dana = builders.create_agent("Dana", presence="offline")
    show_default(dana)
    assert stored_presence(dana) == ("available", False)
    dana.default_presence = built_in(BasePresence.AWAY)
    show_default(dana)
    assert stored_presence(dana) == ("away", False)


def test_a_page_is_noted_every_half_minute_at_most(db: None) -> None:
    dana, now = builders.create_agent("Dana"), timezone.now()
    note_seen(dana, now)
    note_seen(dana, now + timedelta(seconds=15))
    assert dana.last_seen_at == now
    note_seen(dana, now + timedelta(seconds=31))
    assert dana.last_seen_at == now + timedelta(seconds=31)


@pytest.mark.parametrize(("ago", "was_gone"), [(None, False), (60, False), (179, False), (181, True)])
def test_only_who_was_gone_for_three_minutes_has_come_back(db: None, ago: int | None, was_gone: bool) -> None:
    dana, now = builders.create_agent("Dana"), timezone.now()
    dana.last_seen_at = None if ago is None else now - timedelta(seconds=ago)
    assert note_seen(dana, now) == was_gone


def test_agent_is_gone_after_three_minutes_without_a_page(db: None) -> None:
    now = timezone.now()
    builders.create_agent("Never")
    gone, there = builders.create_agent("Gone"), builders.create_agent("There")
    offline = builders.create_agent("Offline", presence="offline")
    Agent.objects.filter(pk__in=[gone.pk, offline.pk]).update(last_seen_at=now - timedelta(minutes=4))
    Agent.objects.filter(pk=there.pk).update(last_seen_at=now - timedelta(minutes=2))
    assert whose_pages_are_gone(now) == [gone]


def test_agent_who_returns_concurrently_stays_present(db: None) -> None:
    dana, now = builders.create_agent("Dana"), timezone.now()
    note_seen(dana, now)
    assert not go_offline(dana, unless_seen_since=now - timedelta(minutes=3))
    assert stored_presence(dana) == ("available", False)


@pytest.mark.parametrize(
    ("base", "by_hand", "stays"), [(BasePresence.AWAY, True, True), (AVAILABLE, True, False), (BUSY, False, False)]
)
def test_only_who_was_away_by_hand_has_to_come_back_by_hand(
    db: None, base: BasePresence, by_hand: bool, stays: bool
) -> None:
    dana = builders.create_agent("Dana")
    show(dana, built_in(base), by_hand=by_hand)
    now = timezone.now()
    note_seen(dana, now - timedelta(hours=1))
    assert go_offline(dana, unless_seen_since=now)
    assert stored_presence(dana) == ("offline", stays)
