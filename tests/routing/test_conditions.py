"""Conditions of rules: fields, operators, evaluation and explanations."""

import datetime as dt
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.conditions.evaluation import (
    describe_condition,
    explain_condition,
    get_condition_errors,
    get_field_names,
    is_condition_met,
)
from routing.conditions.fields import (
    OPERATORS_BY_TYPE,
    STANDARD_FIELDS,
    FieldDefinition,
    FieldGroup,
    FieldType,
    Operator,
    ValueKind,
    get_value_kind,
)

FACTS: dict[str, Any] = {
    "customer_number": "+4915112345678",
    "first_message": "Where is my Order 4711? Straße gesperrt",
    "profile_name": "Amara Diallo",
    "contact_name": "",
    "contact_language": "de-AT",
    "button_payload": "confirm-order-7",
    "referral_source": "ad",
    "weekday": 0,
    "time": dt.time(9, 30),
}


def make_condition(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


KNOWN_FIELDS = {
    **STANDARD_FIELDS,
    "context.amount": FieldDefinition("context.amount", "Order total", FieldType.NUMBER, FieldGroup.CONTEXT),
}
TRUE_CONDITION, FALSE_CONDITION = (
    make_condition("first_message", "contains", "order"),
    make_condition("first_message", "contains", "invoice"),
)


def test_a_condition_that_asks_nothing_always_holds() -> None:
    assert is_condition_met({}, {})
    assert is_condition_met({"all": []}, {})
    assert explain_condition({}, {}) == "Matches because there is no condition."


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("equals", "where is  my order 4711? STRASSE gesperrt", True),
        ("equals", "where", False),
        ("not_equals", "where", True),
        ("contains", "ORDER", True),
        ("contains", "orders", False),
        ("not_contains", "orders", True),
        ("not_contains", "Order", False),
        ("starts_with", "where", True),
        ("ends_with", "Gesperrt", True),
        ("any_word", ["invoice", "order"], True),
        ("any_word", ["ord", "471"], False),
        ("is_empty", None, False),
        ("is_not_empty", None, True),
        ("one_of", ["hello", "hi"], False),
    ],
)
def test_texts_are_compared_case_insensitively(operator: str, value: Any, expected: bool) -> None:
    assert is_condition_met(make_condition("first_message", operator, value), FACTS) is expected


@pytest.mark.parametrize("word", ["заказ", "طلب", "c++", "order no."])
def test_words_of_any_language_are_found(word: str) -> None:
    facts = {"first_message": f"?! {word.upper()}, please"}
    assert is_condition_met(make_condition("first_message", "any_word", [word]), facts)


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("starts_with", "+49 (151)", True),
        ("equals", "+49 151 123-45678", True),
        ("equals", "0049 (0)151 / 12345678", True),
        ("starts_with", "+49 (0) 151", True),
        ("equals", "whatsapp:+4915112345678", True),
        ("starts_with", "+1", False),
        ("one_of", ["+49 151 12345678"], True),
    ],
)
def test_phone_numbers_are_compared_without_spaces_and_hyphens(operator: str, value: Any, expected: bool) -> None:
    assert is_condition_met(make_condition("customer_number", operator, value), FACTS) is expected


@pytest.mark.parametrize(
    ("number", "other_spelling"),
    [
        ("+2290197123456", "+229 97 12 34 56"),
        ("+22997123456", "+229 01 97 12 34 56"),
        ("+525512345678", "+52 1 55 1234 5678"),
        ("+5215512345678", "+52 55 1234 5678"),
        ("+5491123456789", "+54 11 2345-6789"),
        ("+541123456789", "+54 9 11 2345-6789"),
        ("+5511987654321", "+55 11 8765-4321"),
        ("+551187654321", "+55 (11) 98765-4321"),
        ("+2250709345678", "+225 09 34 56 78"),
        ("+22509345678", "+225 07 09 34 56 78"),
    ],
)
def test_a_condition_means_every_spelling_of_a_number(number: str, other_spelling: str) -> None:
    def is_met(operator: str, value: Any) -> bool:
        return is_condition_met(make_condition("customer_number", operator, value), {"customer_number": number})

    assert is_met("equals", other_spelling)
    assert not is_met("not_equals", other_spelling)
    assert is_met("one_of", ["+1 555 010 0200", other_spelling])
    assert is_met("starts_with", other_spelling)
    assert is_met("starts_with", other_spelling[:-6])
    assert is_met("contains", other_spelling[1:-2])
    assert not is_met("not_contains", other_spelling[1:-2])
    assert is_met("ends_with", other_spelling[2:])


@pytest.mark.parametrize(
    ("number", "operator", "value"),
    [
        ("+2250702345678", "equals", "+225 02 34 56 78"),  # means the number with 01
        ("+2250702345678", "starts_with", "+225 02"),
        ("+551132345678", "starts_with", "+55 11 9"),  # a landline number
        ("+15512345678", "starts_with", "+52"),
    ],
)
def test_a_condition_does_not_mean_another_number(number: str, operator: str, value: str) -> None:
    condition = make_condition("customer_number", operator, value)
    assert not is_condition_met(condition, {"customer_number": number})


def test_a_customer_without_a_number_has_an_id() -> None:
    facts = {"customer_number": "US.13491208655302741918"}
    assert is_condition_met(make_condition("customer_number", "starts_with", "us."), facts)
    assert not is_condition_met(make_condition("customer_number", "starts_with", "+"), facts)


@pytest.mark.parametrize(("language", "expected"), [("de", True), ("DE_at", True), ("de-DE", False), ("d", False)])
def test_language_matches_any_region(language: str, expected: bool) -> None:
    assert is_condition_met(make_condition("contact_language", "equals", language), FACTS) is expected
    assert is_condition_met(make_condition("contact_language", "not_equals", language), FACTS) is not expected
    assert is_condition_met(make_condition("contact_language", "one_of", ["fr", language]), FACTS) is expected


def test_days_are_given_as_numbers_or_as_a_form_posts_them() -> None:
    assert is_condition_met(make_condition("weekday", "equals", 0), FACTS)
    assert is_condition_met(make_condition("weekday", "one_of", ["0", "1"]), FACTS)
    assert is_condition_met(make_condition("weekday", "not_equals", 6), FACTS)
    assert not is_condition_met(make_condition("weekday", "one_of", [5, 6]), FACTS)


@pytest.mark.parametrize(
    ("span", "at", "expected"),
    [
        (["09:00", "17:00"], "09:00", True),
        (["09:00", "17:00"], "17:00", False),
        (["22:00", "06:00"], "23:59", True),
        (["22:00", "06:00"], "05:59", True),
        (["22:00", "06:00"], "12:00", False),
        (["20:00", "00:00"], "23:59", True),
    ],
)
def test_time_range_may_cross_midnight(span: list[str], at: str, expected: bool) -> None:
    assert is_condition_met(make_condition("time", "between", span), {"time": at}) is expected


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("equals", "250.0", True),
        ("equals", "25", False),
        ("not_equals", "25", True),
        ("less_than", "250,5", True),
        ("less_than", "250", False),
        ("greater_than", "99", True),
        ("greater_than", "1.000,5", False),
        ("one_of", ["1", "250"], True),
        ("is_empty", None, False),
        ("is_not_empty", None, True),
    ],
)
def test_numbers_are_compared_as_numbers(operator: str, value: Any, expected: bool) -> None:
    for fact in (250, "250", 250.0):
        assert (
            is_condition_met(make_condition("context.amount", operator, value), {"context.amount": fact}, KNOWN_FIELDS)
            is expected
        )


@pytest.mark.parametrize(
    ("operator", "expected"), [("less_than", False), ("greater_than", False), ("not_equals", True)]
)
def test_a_number_that_is_not_known_is_neither_less_nor_greater(operator: str, expected: bool) -> None:
    for facts in ({}, {"context.amount": "many"}):
        assert is_condition_met(make_condition("context.amount", operator, "5"), facts, KNOWN_FIELDS) is expected


def test_number_condition_is_described_in_words() -> None:
    condition = make_condition("context.amount", "greater_than", "500")
    assert describe_condition(condition, KNOWN_FIELDS) == "Order total is greater than 500"
    assert explain_condition(condition, {"context.amount": 12.5}, KNOWN_FIELDS) == (
        "Does not match because the order total (12.5) is not greater than 500."
    )
    assert (
        explain_condition(condition, {}, KNOWN_FIELDS)
        == "Does not match because the order total is not greater than 500."
    )


def test_unknown_field_is_a_problem() -> None:
    condition = make_condition("context.amount", "greater_than", "500")
    assert get_condition_errors(condition) == ["There is no field “context.amount”."]
    assert not is_condition_met(condition, {"context.amount": 1000})
    assert describe_condition({"all": [TRUE_CONDITION, condition]}).endswith("and A condition that can't be read")


def test_the_fields_a_condition_asks_about_are_found_in_its_groups() -> None:
    condition = {
        "all": [TRUE_CONDITION, {"any": [make_condition("context.amount", "equals", "5"), "odd", {"field": 5}]}]
    }
    assert get_field_names(condition) == {"first_message", "context.amount"}
    assert get_field_names({}) == get_field_names(None) == set()


def test_missing_fact_counts_as_empty() -> None:
    assert is_condition_met(make_condition("referral_url", "is_empty"), FACTS)
    assert is_condition_met(make_condition("contact_name", "is_empty"), FACTS)
    assert not is_condition_met(make_condition("weekday", "not_equals", 3), {})
    assert not is_condition_met(make_condition("time", "between", ["09:00", "17:00"]), {})


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"all": [TRUE_CONDITION, TRUE_CONDITION]}, True),
        ({"all": [TRUE_CONDITION, FALSE_CONDITION]}, False),
        ({"any": [FALSE_CONDITION, TRUE_CONDITION]}, True),
        ({"any": [FALSE_CONDITION, FALSE_CONDITION]}, False),
        ({"all": [TRUE_CONDITION, {"any": [FALSE_CONDITION, {"all": [TRUE_CONDITION, TRUE_CONDITION]}]}]}, True),
        ({"any": []}, False),
    ],
)
def test_groups_hold_when_all_or_any_of_their_parts_do(condition: Any, expected: bool) -> None:
    assert is_condition_met(condition, FACTS) is expected


def test_the_reason_names_what_decided() -> None:
    assert explain_condition(TRUE_CONDITION, FACTS) == (
        "Matches because the first message (“Where is my Order 4711? Straße gesperrt”) contains “order”."
    )
    assert explain_condition({"all": [TRUE_CONDITION, make_condition("contact_name", "is_not_empty")]}, FACTS) == (
        "Does not match because the contact name is empty."
    )
    weekend = {
        "any": [make_condition("weekday", "one_of", [5, 6]), make_condition("time", "between", ["22:00", "06:00"])]
    }
    assert explain_condition(weekend, FACTS) == (
        "Does not match because the day of the week (Monday) is none of Saturday, Sunday and the time of day "
        "(09:30) is not between 22:00 and 06:00."
    )


def test_a_long_message_is_shortened_in_the_reason() -> None:
    reason = explain_condition(TRUE_CONDITION, {"first_message": "order " * 100})
    assert len(reason) < 150
    assert "…”" in reason


def test_condition_is_described_in_words() -> None:
    condition = {
        "all": [
            TRUE_CONDITION,
            {"any": [make_condition("weekday", "equals", 5), make_condition("time", "between", ["22:00", "06:00"])]},
        ]
    }
    assert describe_condition(condition) == (
        "First message contains “order” and (Day of the week equals Saturday or Time of day is between 22:00 and 06:00)"
    )
    assert describe_condition({}) == "Always"
    assert describe_condition(["odd"]) == "A condition that can't be read"


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        (make_condition("color", "equals", "red"), "There is no field “color”."),
        (make_condition("first_message", "rhymes", "red"), "“First message” does not support “rhymes”."),
        (make_condition("first_message", "between", ["a", "b"]), "“First message” does not support “between”."),
        (make_condition("first_message", "contains", "  "), "“First message” needs a value."),
        (make_condition("first_message", "any_word", "order"), "“First message” needs a list of values."),
        (make_condition("first_message", "any_word", []), "“First message” needs a list of values."),
        (make_condition("customer_number", "contains", "-"), "“Customer number” needs a value."),
        (
            make_condition("weekday", "equals", 7),
            "“Day of the week” needs a value, a day from Monday (0) to Sunday (6).",
        ),
        (
            make_condition("time", "between", ["9", "17:00"]),
            "“Time of day” needs two times, for example 09:00 and 17:30.",
        ),
        (make_condition("time", "between", ["09:00", "09:00"]), "“Time of day” needs two different times."),
        ({"any": []}, "A group is empty."),
        ({"all": [{"all": []}]}, "A group is empty."),
        ("first_message", "The condition can't be read."),
        ({"all": [TRUE_CONDITION], "any": [TRUE_CONDITION]}, "The condition can't be read."),
        ({**TRUE_CONDITION, "extra": 1}, "The condition can't be read."),
    ],
)
def test_a_form_says_what_is_wrong(condition: Any, problem: str) -> None:
    assert get_condition_errors(condition) == [problem]
    assert not is_condition_met(condition, FACTS)


def test_group_nesting_is_limited() -> None:
    condition: Any = TRUE_CONDITION
    for _ in range(5):
        condition = {"all": [condition]}
    assert is_condition_met(condition, FACTS)
    for _ in range(500):
        condition = {"all": [condition]}
    assert get_condition_errors(condition) == ["Groups can't be nested deeper than 5 times."]
    assert not is_condition_met(condition, FACTS)
    assert describe_condition(condition)


EXAMPLE_VALUES = {
    ValueKind.NOTHING: None,
    ValueKind.ONE: "1",
    ValueKind.LIST: ["1", "2"],
    ValueKind.RANGE: ["09:00", "10:00"],
}


@pytest.mark.parametrize(
    ("field", "operator"), [(name, op) for name, field in KNOWN_FIELDS.items() for op in OPERATORS_BY_TYPE[field.type]]
)
def test_every_field_and_operator_is_evaluated_and_explained(field: str, operator: Operator) -> None:
    condition = make_condition(field, operator, EXAMPLE_VALUES[get_value_kind(operator)])
    assert get_condition_errors(condition, KNOWN_FIELDS) == []
    outcome = "Matches" if is_condition_met(condition, FACTS, KNOWN_FIELDS) else "Does not match"
    assert explain_condition(condition, FACTS, KNOWN_FIELDS).startswith(outcome)
    assert describe_condition(condition, KNOWN_FIELDS).startswith(KNOWN_FIELDS[field].label)


odd_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([*KNOWN_FIELDS, *Operator]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["all", "any", "field", "operator", "value", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(deadline=None)  # The machine may be busy with other work.
@given(condition=odd_values, fact=odd_values, name=st.sampled_from(list(KNOWN_FIELDS)))
def test_any_stored_condition_causes_no_error(condition: Any, fact: Any, name: str) -> None:
    facts = {name: fact}
    assert explain_condition(condition, facts, KNOWN_FIELDS).startswith(
        "Matches" if is_condition_met(condition, facts, KNOWN_FIELDS) else "Does not match"
    )
    assert describe_condition(condition, KNOWN_FIELDS)
    assert isinstance(get_condition_errors(condition, KNOWN_FIELDS), list)
    assert isinstance(get_field_names(condition), set)


valid_conditions = st.builds(
    lambda field, pick: make_condition(
        field,
        OPERATORS_BY_TYPE[KNOWN_FIELDS[field].type][pick % len(OPERATORS_BY_TYPE[KNOWN_FIELDS[field].type])],
        ["09:00", "1"],
    ),
    st.sampled_from(list(KNOWN_FIELDS)),
    st.integers(0, 20),
)


@settings(deadline=None)  # The machine may be busy with other work.
@given(condition=valid_conditions, fact=odd_values)
def test_unusual_facts_cause_no_error(condition: Any, fact: Any) -> None:
    assert isinstance(is_condition_met(condition, {condition["field"]: fact}, KNOWN_FIELDS), bool)


def test_many_questions_about_a_long_message_are_judged_at_once() -> None:
    conditions = [{"field": "first_message", "operator": "contains", "value": f"word {place}"} for place in range(500)]
    begin = time.process_time()
    assert not is_condition_met(
        {"any": conditions}, {"first_message": "\ufdfa" * 4096}
    )  # Each question compares eighteen letters.
    assert time.process_time() - begin < 3
