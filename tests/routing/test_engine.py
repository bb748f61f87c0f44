"""Who gets a piece of work: the documented order and the documented examples."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from omnichannel.core.localized_text import LocalizedText
from routing.engine import NO_COUNTS, Candidate, Choice, Need, choose, distance
from routing.models import AssignmentMethod, BasePresence, SkillMatching

MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC)
GILDA, BERT, SAMUEL, DANA = 1, 2, 3, 4
GERMAN, BILLING = 10, 11
NAMES = {GERMAN: "German", BILLING: "Billing"}


def someone(who: int, free: int = 100, **fields: Any) -> Candidate:
    return Candidate(who, free, **fields)


def needs(matching: SkillMatching, german: int, billing: int, **fields: Any) -> Need:
    return Need(30, {GERMAN: german, BILLING: billing}, matching, skill_names=NAMES, **fields)


def knows(who: int, german: int, billing: int, free: int = 100) -> Candidate:
    known = {skill: rating for skill, rating in ((GERMAN, german), (BILLING, billing)) if rating}
    return someone(who, free, skills=known)


def in_words(choice: Choice, more: Mapping[LocalizedText, int] = NO_COUNTS) -> str:
    return str(choice.in_words(more))


def winner(need: Need, *candidates: Candidate) -> int | None:
    return choose(need, candidates).agent_id


def test_the_documented_example_gilda_bert_and_samuel() -> None:
    need = Need(50, allowed_presences=frozenset({BasePresence.AVAILABLE}))
    gilda = someone(GILDA, 70, presence=BasePresence.BUSY)
    choice = choose(need, [gilda, someone(BERT, 80), someone(SAMUEL, 20)])
    assert choice.agent_id == BERT
    assert in_words(choice) == (
        "the only one who can take it (80 units free); "
        "not considered: 1 not showing an allowed presence, 1 without 50 units of free capacity."
    )


def test_most_free_capacity_comes_first() -> None:
    assert winner(Need(30), someone(BERT, 60, last_assigned_at=None), someone(GILDA, 70)) == GILDA


def test_capacity_that_is_just_enough_is_enough() -> None:
    assert winner(Need(30), someone(BERT, 30)) == BERT
    assert winner(Need(30), someone(BERT, 29)) is None


def test_the_words_name_what_decided() -> None:
    choice = choose(Need(30), [someone(BERT, 60), someone(GILDA, 70), someone(SAMUEL, 20)])
    assert in_words(choice, {LocalizedText("not showing Available"): 2}) == (
        "most free capacity of 2 who can take it (70 units free); "
        "not considered: 2 not showing Available, 1 without 30 units of free capacity."
    )


def test_then_who_has_fewest_conversations_of_this_work_stream() -> None:
    assert winner(Need(30), someone(BERT, sessions_in_stream=2), someone(GILDA, sessions_in_stream=1)) == GILDA


def test_then_who_has_waited_longest_for_work() -> None:
    bert = someone(BERT, last_assigned_at=MORNING + timedelta(minutes=1))
    gilda = someone(GILDA, last_assigned_at=MORNING)
    assert winner(Need(30), bert, gilda) == GILDA
    assert winner(Need(30), bert, gilda, someone(DANA)) == DANA, "who never had any has waited longest"


def test_round_robin_gives_to_whoever_had_the_last_turn_longest_ago_however_full() -> None:
    bert = someone(BERT, 40, last_assigned_at=MORNING)
    gilda = someone(GILDA, 90, last_assigned_at=MORNING + timedelta(minutes=1))
    assert winner(Need(30, method=AssignmentMethod.ROUND_ROBIN), gilda, bert) == BERT


def test_exact_matching_wants_every_skill_at_its_minimum() -> None:
    need = needs(SkillMatching.EXACT, 5, 3)
    candidates = [knows(GILDA, 5, 2), knows(BERT, 9, 0), knows(SAMUEL, 5, 3), knows(DANA, 4, 9)]
    assert winner(need, *candidates) == SAMUEL


def test_exact_matching_orders_by_the_queues_method_not_by_rating() -> None:
    need = needs(SkillMatching.EXACT, 5, 3)
    assert winner(need, knows(GILDA, 5, 3, free=40), knows(BERT, 10, 10, free=50)) == BERT


def test_with_exact_matching_the_work_waits_when_nobody_has_the_skills() -> None:
    choice = choose(needs(SkillMatching.EXACT, 5, 3), [knows(GILDA, 5, 2), knows(BERT, 4, 3)])
    assert choice.agent_id is None
    assert in_words(choice) == "Nobody can take it now: 1 lacking Billing 3, 1 lacking German 5."


def test_closest_matching_prefers_equal_then_higher_then_lower() -> None:
    need = needs(SkillMatching.CLOSEST, 5, 5)
    equal, higher, lower = knows(DANA, 5, 5), knows(SAMUEL, 7, 6), knows(BERT, 4, 9)
    assert winner(need, lower, higher, equal) == DANA
    assert winner(need, lower, higher) == SAMUEL
    assert winner(need, lower, knows(GILDA, 3, 3)) == BERT, "one lower is closer than all lower"


def test_with_closest_matching_a_little_too_high_is_closer_than_far_too_high() -> None:
    assert winner(needs(SkillMatching.CLOSEST, 5, 5), knows(BERT, 9, 9), knows(DANA, 6, 6)) == DANA


def test_with_closest_matching_ties_go_by_the_queues_method() -> None:
    need = needs(SkillMatching.CLOSEST, 5, 5)
    assert winner(need, knows(BERT, 5, 5, free=40), knows(GILDA, 5, 5, free=90)) == GILDA


def test_with_closest_matching_capacity_alone_decides_when_nobody_has_the_skills() -> None:
    assert winner(needs(SkillMatching.CLOSEST, 5, 5), someone(BERT, 40), someone(GILDA, 90)) == GILDA


def test_without_matching_the_skills_do_not_matter() -> None:
    assert winner(needs(SkillMatching.NONE, 5, 5), knows(BERT, 5, 5, free=40), someone(GILDA, 90)) == GILDA


@pytest.mark.parametrize(
    ("closer", "further"), [((5, 5), (5, 6)), ((5, 6), (6, 6)), ((10, 10), (5, 4)), ((4, 5), (3, 5))]
)
def test_distance_is_averaged_over_the_skills(closer: tuple[int, int], further: tuple[int, int]) -> None:
    required = {GERMAN: 5, BILLING: 5}
    near, far = (distance(required, dict(zip(required, ratings, strict=True))) for ratings in (closer, further))
    assert near < far


def test_who_rejected_it_is_passed_over_even_if_nobody_else_is_there() -> None:
    need = Need(30, passed_over=frozenset({BERT}))
    assert winner(need, someone(BERT, 100), someone(GILDA, 40)) == GILDA
    choice = choose(need, [someone(BERT, 100)])
    assert choice.agent_id is None
    assert in_words(choice) == "Nobody can take it now: 1 who rejected it, missed it or gave it back."


def test_who_rejected_it_long_ago_is_the_last_resort() -> None:
    need = Need(30, last_resort=frozenset({BERT}))
    assert winner(need, someone(BERT, 100), someone(GILDA, 40)) == GILDA
    assert winner(need, someone(BERT, 100)) == BERT


def test_of_two_equals_the_one_who_lost_the_connection_gets_it_back() -> None:
    assert winner(Need(30, disconnected=frozenset({GILDA})), someone(GILDA), someone(BERT)) == GILDA
    assert winner(Need(30, disconnected=frozenset({BERT})), someone(GILDA), someone(BERT)) == BERT


def test_a_queue_without_agents_says_so() -> None:
    assert in_words(choose(Need(30), [])) == "Nobody works in this queue."


def test_the_order_of_the_candidates_does_not_matter() -> None:
    crowd = [someone(who, 50 + who % 3, sessions_in_stream=who % 2) for who in range(20)]
    assert winner(Need(30), *crowd) == winner(Need(30), *reversed(crowd))
