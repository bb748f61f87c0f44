"""The simulation of a day is repeatable, and equal agents get equal shares."""

from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import call_command

from routing.assignment.simulation import SimulationSettings, run_simulation
from routing.models import AssignmentMethod, SkillMatching

pytestmark = pytest.mark.slow

SMALL_DAY = SimulationSettings(agents=20, queues=4, conversations=600)


def test_the_same_seed_gives_the_same_day() -> None:
    assert run_simulation(SMALL_DAY) == run_simulation(SMALL_DAY)
    assert run_simulation(SMALL_DAY) != run_simulation(
        SimulationSettings(seed=2, agents=20, queues=4, conversations=600)
    )


FULL_EQUAL_DAY, SMALL_EQUAL_DAY = (
    SimulationSettings(has_identical_agents=True),
    SimulationSettings(has_identical_agents=True, agents=40, queues=4, conversations=2000),
)


@pytest.mark.parametrize("day", [FULL_EQUAL_DAY, replace(SMALL_EQUAL_DAY, method=AssignmentMethod.ROUND_ROBIN)])
def test_of_equal_agents_nobody_gets_more_than_a_fifth_more_than_the_mean(day: SimulationSettings) -> None:
    report = run_simulation(day)
    assert sum(report.assigned_per_agent) == day.conversations
    assert report.max_to_mean_ratio <= 1.2


def test_simulated_conversations_are_assigned_or_remain() -> None:
    day = SimulationSettings(agents=8, queues=4, conversations=900)
    report = run_simulation(day)
    assert sum(report.unassigned_by_queue.values()) > 0, "too few agents for so much work"
    assert sum(report.assigned_per_agent) + sum(report.unassigned_by_queue.values()) == day.conversations
    assert report.utilization > 0.8


def test_exact_matching_gives_work_only_to_those_who_have_the_skills() -> None:
    exact = run_simulation(SimulationSettings(agents=40, queues=2, conversations=800, matching=SkillMatching.EXACT))
    anybody = run_simulation(SimulationSettings(agents=40, queues=2, conversations=800, matching=SkillMatching.NONE))
    assert exact.skill_match_rate == 1.0 > anybody.skill_match_rate


def test_the_command_prints_the_figures_of_the_day() -> None:
    printed = StringIO()
    call_command("simulate_day", agents=20, queues=4, conversations=600, stdout=printed)
    for text in ("20 agents, 4 queues, 600 conversations", "utilization", "skill match rate", "work items left"):
        assert text in printed.getvalue()
