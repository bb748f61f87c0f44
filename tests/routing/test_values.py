"""Values of context variables and contact fields: parsing, extraction and display."""

import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.models import ContextVariable, VariableType
from routing.variables.values import InvalidValueError, extract_values, format_value, parse_number, parse_value


def make_variable(found_after: str, kind: VariableType = VariableType.TEXT, name: str = "order") -> ContextVariable:
    return ContextVariable(display_name="Order", name=name, type=kind, found_after=found_after)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("4711", "4711"),
        (" 12.50 ", "12.50"),
        ("12,5", "12.5"),
        ("1.234,50", "1234.50"),
        ("1,234.50", "1234.50"),
        ("1.234.567", "1234567"),
        ("10 000", "10000"),
        ("0.125", "0.125"),
        ("-3", "-3"),
        ("٤٧١١", "4711"),
        (250, "250"),
        (2.5, "2.5"),
    ],
)
def test_numbers_are_read_as_people_write_them(typed: object, meant: str) -> None:
    assert parse_number(typed) == Decimal(meant)


@pytest.mark.parametrize("typed", ["", "many", "4711a", "1.2.3", "1,234", "2.000", "٪", "1e9", None, True, [1]])
def test_ambiguous_or_invalid_number_is_rejected(typed: object) -> None:
    assert parse_number(typed) is None


def test_a_value_is_kept_by_its_type() -> None:
    assert parse_value(VariableType.TEXT, "  Gold \n member ") == "Gold member"
    assert (parse_value(VariableType.NUMBER, "0815"), parse_value(VariableType.NUMBER, "12,50")) == (815, 12.5)
    assert parse_value(VariableType.NUMBER, "  ") is None
    with pytest.raises(InvalidValueError, match=r"Enter a number, for example 4711 or 12\.50\."):
        parse_value(VariableType.NUMBER, "many")
    with pytest.raises(InvalidValueError, match="up to 200 characters"):
        parse_value(VariableType.TEXT, "x" * 201)


@settings(deadline=None)  # The machine may be busy with other work.
@given(st.one_of(st.integers(-(10**15), 10**15), st.decimals(-9999, 9999, places=2)))
def test_displayed_number_parses_to_the_same_number(value: int | Decimal) -> None:
    parsed = parse_value(VariableType.NUMBER, f"{value:f}" if isinstance(value, Decimal) else str(value))
    assert parse_number(format_value(parsed)) == value


@pytest.mark.parametrize(
    ("found_after", "text", "expected"),
    [
        ("Order number:", "Hi!\nOrder number: A-17 \nIt is broken", "A-17"),
        ("order  NUMBER", "My Order number = A-17", "A-17"),
        ("Order", "Reorder soon, order A-17", "A-17"),
        ("Order", "Orders are late", None),
        ("Order:", "Order:\nA-17", None),
        ("Order:", "Order: \nOrder: B-2", "B-2"),
        ("(ref)", "about (ref)X9, thanks", "X9, thanks"),
        ("заказ №", "Мой Заказ № 12", "12"),
        (" ", "Order A-17", None),
    ],
)
def test_a_value_is_found_after_its_label_up_to_the_end_of_the_line(
    found_after: str, text: str, expected: str | None
) -> None:
    assert extract_values(text, [make_variable(found_after)]).get("order") == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("Amount: 120,50 €.", 120.5), ("Amount: #7", 7), ("Amount: a lot", None)]
)
def test_number_variable_is_found_only_where_it_is_valid(text: str, expected: float | None) -> None:
    assert extract_values(text, [make_variable("Amount", VariableType.NUMBER)]).get("order") == expected


@pytest.mark.parametrize("label", ["#", "Order", "Order:"])
@pytest.mark.parametrize("unit", ["Order: ", "#a", "Order \n", "Order: 1 2 "])
def test_a_message_made_to_be_slow_is_read_at_once(label: str, unit: str) -> None:
    begin = time.process_time()
    for kind in VariableType:
        extract_values(unit * (64_000 // len(unit)), [make_variable(label, kind)] * 5)
    assert time.process_time() - begin < 1.5


@pytest.mark.parametrize("text", ["1" * 61, "\u0301" * 32_000 + "\u0327" * 32_000, "1 " * 1000, "." * 64_000])
def test_overlong_number_is_rejected(text: str) -> None:
    begin = time.process_time()
    assert parse_number(text) is None
    assert time.process_time() - begin < 1.5


@settings(deadline=None)  # The machine may be busy with other work.
@given(st.text(), st.text(min_size=1))
def test_any_value_and_label_cause_no_error(text: str, label: str) -> None:
    for kind in VariableType:
        value = extract_values(text, [make_variable(label, kind)]).get("order")
        assert value is None or parse_value(kind, format_value(value)) == value
