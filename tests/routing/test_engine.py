"""The assignment engine follows the documented order and examples."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from omnichannel.core.localized_text import LocalizedText
from routing.assignment.engine import (
    NO_OBSTACLES,
    AssignmentRequirements,
    Candidate,
    Choice,
    choose_agent,
    get_presence_obstacle,
    get_skill_distance,
)
from routing.models import AssignmentMethod, BasePresence, SkillMatching

MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC)
GILDA, BERT, SAMUEL, DANA = 1, 2, 3, 4
GERMAN, BILLING = 10, 11
SKILL_NAMES = {GERMAN: "German", BILLING: "Billing"}


def make_candidate(pk: int, free: int = 100, **fields: Any) -> Candidate:
    return Candidate(pk, free, **fields)


def make_need(matching: SkillMatching, german: int, billing: int, **fields: Any) -> AssignmentRequirements:
    return AssignmentRequirements(30, {GERMAN: german, BILLING: billing}, matching, skill_names=SKILL_NAMES, **fields)


def make_skilled_candidate(pk: int, german: int, billing: int, free: int = 100) -> Candidate:
    known = {skill: rating for skill, rating in ((GERMAN, german), (BILLING, billing)) if rating}
    return make_candidate(pk, free, skills=known)


def choice_texts(choice: Choice, more: Mapping[LocalizedText, int] = NO_OBSTACLES) -> tuple[str, str]:
    """Return the reason for a choice and its details."""
    return str(choice.reason), str(choice.get_details(more))


def choose_agent_id(need: AssignmentRequirements, *candidates: Candidate) -> int | None:
    return choose_agent(need, candidates).agent_id


def test_the_documented_example_gilda_bert_and_samuel() -> None:
    need = AssignmentRequirements(50, allowed_presences=frozenset({BasePresence.AVAILABLE}))
    gilda = make_candidate(GILDA, 70, presence=BasePresence.BUSY)
    choice = choose_agent(need, [gilda, make_candidate(BERT, 80), make_candidate(SAMUEL, 20)])
    assert choice.agent_id == BERT
    assert choice_texts(choice) == (
        "only agent available",
        "80 units free; not considered: 1 at capacity (50 units needed), 1 with presence Busy",
    )


def test_most_free_capacity_comes_first() -> None:
    assert (
        choose_agent_id(
            AssignmentRequirements(30), make_candidate(BERT, 60, last_assigned_at=None), make_candidate(GILDA, 70)
        )
        == GILDA
    )


def test_capacity_that_is_just_enough_is_enough() -> None:
    assert choose_agent_id(AssignmentRequirements(30), make_candidate(BERT, 30)) == BERT
    assert choose_agent_id(AssignmentRequirements(30), make_candidate(BERT, 29)) is None


def test_choice_text_names_the_deciding_criterion() -> None:
    choice = choose_agent(
        AssignmentRequirements(30), [make_candidate(BERT, 60), make_candidate(GILDA, 70), make_candidate(SAMUEL, 20)]
    )
    assert choice_texts(choice, {get_presence_obstacle("Offline"): 2}) == (
        "most free capacity of 2 available agents",
        "70 units free; not considered: 1 at capacity (30 units needed), 2 with presence Offline",
    )


def test_then_who_has_fewest_conversations_of_this_work_stream() -> None:
    assert (
        choose_agent_id(
            AssignmentRequirements(30),
            make_candidate(BERT, conversations_in_work_stream=2),
            make_candidate(GILDA, conversations_in_work_stream=1),
        )
        == GILDA
    )


def test_then_who_has_waited_longest_for_work() -> None:
    bert = make_candidate(BERT, last_assigned_at=MORNING + timedelta(minutes=1))
    gilda = make_candidate(GILDA, last_assigned_at=MORNING)
    assert choose_agent_id(AssignmentRequirements(30), bert, gilda) == GILDA
    assert choose_agent_id(AssignmentRequirements(30), bert, gilda, make_candidate(DANA)) == DANA, (
        "who never had any has waited longest"
    )


def test_round_robin_chooses_the_least_recently_assigned_agent() -> None:
    bert = make_candidate(BERT, 40, last_assigned_at=MORNING)
    gilda = make_candidate(GILDA, 90, last_assigned_at=MORNING + timedelta(minutes=1))
    assert choose_agent_id(AssignmentRequirements(30, method=AssignmentMethod.ROUND_ROBIN), gilda, bert) == BERT


def test_exact_matching_wants_every_skill_at_its_minimum() -> None:
    need = make_need(SkillMatching.EXACT, 5, 3)
    candidates = [
        make_skilled_candidate(GILDA, 5, 2),
        make_skilled_candidate(BERT, 9, 0),
        make_skilled_candidate(SAMUEL, 5, 3),
        make_skilled_candidate(DANA, 4, 9),
    ]
    assert choose_agent_id(need, *candidates) == SAMUEL


def test_exact_matching_orders_by_the_queues_method_not_by_rating() -> None:
    need = make_need(SkillMatching.EXACT, 5, 3)
    assert (
        choose_agent_id(
            need, make_skilled_candidate(GILDA, 5, 3, free=40), make_skilled_candidate(BERT, 10, 10, free=50)
        )
        == BERT
    )


def test_with_exact_matching_the_work_waits_when_nobody_has_the_skills() -> None:
    choice = choose_agent(
        make_need(SkillMatching.EXACT, 5, 3), [make_skilled_candidate(GILDA, 5, 2), make_skilled_candidate(BERT, 4, 3)]
    )
    assert choice.agent_id is None
    assert str(choice.explain_refusal()) == "No agent available: 1 missing Billing 3, 1 missing German 5."


def test_closest_matching_prefers_equal_then_higher_then_lower() -> None:
    need = make_need(SkillMatching.CLOSEST, 5, 5)
    equal, higher, lower = (
        make_skilled_candidate(DANA, 5, 5),
        make_skilled_candidate(SAMUEL, 7, 6),
        make_skilled_candidate(BERT, 4, 9),
    )
    assert choose_agent_id(need, lower, higher, equal) == DANA
    assert choose_agent_id(need, lower, higher) == SAMUEL
    assert choose_agent_id(need, lower, make_skilled_candidate(GILDA, 3, 3)) == BERT, (
        "one lower is closer than all lower"
    )


def test_with_closest_matching_a_little_too_high_is_closer_than_far_too_high() -> None:
    assert (
        choose_agent_id(
            make_need(SkillMatching.CLOSEST, 5, 5),
            make_skilled_candidate(BERT, 9, 9),
            make_skilled_candidate(DANA, 6, 6),
        )
        == DANA
    )


def test_with_closest_matching_ties_go_by_the_queues_method() -> None:
    need = make_need(SkillMatching.CLOSEST, 5, 5)
    assert (
        choose_agent_id(need, make_skilled_candidate(BERT, 5, 5, free=40), make_skilled_candidate(GILDA, 5, 5, free=90))
        == GILDA
    )


def test_with_closest_matching_capacity_alone_decides_when_nobody_has_the_skills() -> None:
    assert (
        choose_agent_id(make_need(SkillMatching.CLOSEST, 5, 5), make_candidate(BERT, 40), make_candidate(GILDA, 90))
        == GILDA
    )


def test_without_matching_the_skills_do_not_matter() -> None:
    assert (
        choose_agent_id(
            make_need(SkillMatching.NONE, 5, 5), make_skilled_candidate(BERT, 5, 5, free=40), make_candidate(GILDA, 90)
        )
        == GILDA
    )


@pytest.mark.parametrize(
    ("closer", "further"), [((5, 5), (5, 6)), ((5, 6), (6, 6)), ((10, 10), (5, 4)), ((4, 5), (3, 5))]
)
def test_distance_is_averaged_over_the_skills(closer: tuple[int, int], further: tuple[int, int]) -> None:
    required = {GERMAN: 5, BILLING: 5}
    near, far = (
        get_skill_distance(required, dict(zip(required, ratings, strict=True))) for ratings in (closer, further)
    )
    assert near < far


def test_agent_who_rejected_is_skipped_even_if_alone() -> None:
    need = AssignmentRequirements(30, excluded_agents=frozenset({BERT}))
    assert choose_agent_id(need, make_candidate(BERT, 100), make_candidate(GILDA, 40)) == GILDA
    choice = choose_agent(need, [make_candidate(BERT, 100)])
    assert choice.agent_id is None
    assert str(choice.explain_refusal()) == "No agent available: 1 already rejected, missed or returned it."


def test_agent_who_rejected_long_ago_is_the_last_choice() -> None:
    need = AssignmentRequirements(30, deprioritized_agents=frozenset({BERT}))
    assert choose_agent_id(need, make_candidate(BERT, 100), make_candidate(GILDA, 40)) == GILDA
    assert choose_agent_id(need, make_candidate(BERT, 100)) == BERT


def test_disconnected_agent_wins_a_tie() -> None:
    assert (
        choose_agent_id(
            AssignmentRequirements(30, disconnected_agents=frozenset({GILDA})),
            make_candidate(GILDA),
            make_candidate(BERT),
        )
        == GILDA
    )
    assert (
        choose_agent_id(
            AssignmentRequirements(30, disconnected_agents=frozenset({BERT})),
            make_candidate(GILDA),
            make_candidate(BERT),
        )
        == BERT
    )


def test_queue_without_agents_is_the_reason() -> None:
    assert str(choose_agent(AssignmentRequirements(30), []).explain_refusal()) == "This queue has no agents."


def test_the_order_of_the_candidates_does_not_matter() -> None:
    candidates = [make_candidate(pk, 50 + pk % 3, conversations_in_work_stream=pk % 2) for pk in range(20)]
    assert choose_agent_id(AssignmentRequirements(30), *candidates) == choose_agent_id(
        AssignmentRequirements(30), *reversed(candidates)
    )
