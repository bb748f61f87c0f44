"""Each case in `data/` shows on the desk what it must."""

from typing import Any

import pytest

from tests.cases.cases import Case, CaseRunner, describe_desk, find_differences, load_cases

pytestmark = pytest.mark.django_db

CASES = load_cases()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_case_from_daily_use_shows_what_it_must(case: Case, case_runner: CaseRunner) -> None:
    case_runner.run(case)
    assert find_differences(case["expected"], describe_desk(case_runner)) == []


@pytest.mark.parametrize(
    ("expected", "actual", "count"),
    [
        ({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}], "d": 3}, 0),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, 1),
        ({"a": [1]}, {"a": [1, 2]}, 1),
        ({"a": "x"}, {}, 1),
    ],
)
def test_a_difference_from_what_is_expected_is_found(expected: Any, actual: Any, count: int) -> None:
    assert len(find_differences(expected, actual)) == count
