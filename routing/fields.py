"""What conditions can ask about: fields with their types and the operators that fit them.

Besides what every message tells, rules can ask about the context variables of their work stream and about the fields
of contacts; see `known_in`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import TextChoices

from routing.models import ContactField, VariableType, WorkStream

Facts = Mapping[str, Any]

# Before the names of context variables and contact fields, so that none of them hides another field.
CONTEXT_FACT, CONTACT_FACT = "context.", "contact."


class Operator(TextChoices):
    """What can be asked, in the words of the condition builder."""

    EQUALS = "equals", "equals"
    NOT_EQUALS = "not_equals", "does not equal"
    CONTAINS = "contains", "contains"
    NOT_CONTAINS = "not_contains", "does not contain"
    STARTS_WITH = "starts_with", "starts with"
    ENDS_WITH = "ends_with", "ends with"
    ANY_WORD = "any_word", "matches any of"
    LESS_THAN = "less_than", "is less than"
    GREATER_THAN = "greater_than", "is greater than"
    IS_EMPTY = "is_empty", "is empty"
    IS_NOT_EMPTY = "is_not_empty", "is not empty"
    ONE_OF = "one_of", "is one of"
    BETWEEN = "between", "is between"


# What an operator denies of what another one says; for sentences about what does not hold.
DENIED = {
    Operator.EQUALS: "does not equal",
    Operator.NOT_EQUALS: "equals",
    Operator.CONTAINS: "does not contain",
    Operator.NOT_CONTAINS: "contains",
    Operator.STARTS_WITH: "does not start with",
    Operator.ENDS_WITH: "does not end with",
    Operator.ANY_WORD: "matches none of",
    Operator.LESS_THAN: "is not less than",
    Operator.GREATER_THAN: "is not greater than",
    Operator.IS_EMPTY: "is not empty",
    Operator.IS_NOT_EMPTY: "is empty",
    Operator.ONE_OF: "is none of",
    Operator.BETWEEN: "is not between",
}


class Type(TextChoices):
    """What kind of fact a field is; decides the operators and how values are compared."""

    TEXT = "text", "Text"
    NUMBER = "number", "Number"
    PHONE = "phone", "Phone number"
    LANGUAGE = "language", "Language code"
    WEEKDAY = "weekday", "Day of the week"
    TIME = "time", "Time of day"


class ValueKind(TextChoices):
    """What is typed beside an operator: nothing, one value, several, or two times."""

    NOTHING = "nothing", "Nothing"
    ONE = "one", "One value"
    LIST = "list", "Several values"
    RANGE = "range", "From and to"


EMPTY_OR_NOT = (Operator.IS_EMPTY, Operator.IS_NOT_EMPTY)
CHOICE_OPERATORS = (Operator.EQUALS, Operator.NOT_EQUALS, Operator.ONE_OF)
TEXT_OPERATORS = (
    *(Operator.EQUALS, Operator.NOT_EQUALS, Operator.CONTAINS, Operator.NOT_CONTAINS),
    *(Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.ANY_WORD, *EMPTY_OR_NOT, Operator.ONE_OF),
)
OPERATORS: dict[Type, tuple[Operator, ...]] = {
    Type.TEXT: TEXT_OPERATORS,
    Type.NUMBER: (
        *(Operator.EQUALS, Operator.NOT_EQUALS, Operator.LESS_THAN, Operator.GREATER_THAN),
        *(*EMPTY_OR_NOT, Operator.ONE_OF),
    ),
    Type.PHONE: tuple(operator for operator in TEXT_OPERATORS if operator != Operator.ANY_WORD),
    Type.LANGUAGE: (*CHOICE_OPERATORS, *EMPTY_OR_NOT),
    Type.WEEKDAY: CHOICE_OPERATORS,
    Type.TIME: (Operator.BETWEEN,),
}


def value_kind(operator: Operator) -> ValueKind:
    """What is typed beside this operator."""
    match operator:
        case Operator.IS_EMPTY | Operator.IS_NOT_EMPTY:
            return ValueKind.NOTHING
        case Operator.ANY_WORD | Operator.ONE_OF:
            return ValueKind.LIST
        case Operator.BETWEEN:
            return ValueKind.RANGE
        case _:
            return ValueKind.ONE


class Group(TextChoices):
    """Under which head the condition builder offers a field."""

    MESSAGE = "message", "Message"
    CUSTOMER = "customer", "Customer"
    REFERRAL = "referral", "Referral"
    TIME = "time", "Time"
    CONTEXT = "context", "Context variables"
    CONTACT = "contact", "Contact fields"


@dataclass(frozen=True)
class Field:
    """Something a condition can ask about."""

    name: str
    label: str
    type: Type
    group: Group


Known = Mapping[str, Field]

FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("first_message", "First message", Type.TEXT, Group.MESSAGE),
        Field("button_payload", "Button payload", Type.TEXT, Group.MESSAGE),
        Field("customer_number", "Customer number", Type.PHONE, Group.CUSTOMER),
        Field("profile_name", "Profile name", Type.TEXT, Group.CUSTOMER),
        Field("contact_name", "Contact name", Type.TEXT, Group.CUSTOMER),
        Field("contact_language", "Contact language", Type.LANGUAGE, Group.CUSTOMER),
        Field("referral_source", "Referral source", Type.TEXT, Group.REFERRAL),
        Field("referral_source_id", "Referral source id", Type.TEXT, Group.REFERRAL),
        Field("referral_url", "Referral URL", Type.TEXT, Group.REFERRAL),
        Field("weekday", "Day of the week", Type.WEEKDAY, Group.TIME),
        Field("time", "Time of day", Type.TIME, Group.TIME),
    )
}
TYPES = {VariableType.TEXT: Type.TEXT, VariableType.NUMBER: Type.NUMBER}


def known_in(stream: WorkStream) -> Known:
    """What the rules of this work stream can ask about."""
    context = [
        Field(CONTEXT_FACT + one.name, one.display_name, TYPES[VariableType(one.type)], Group.CONTEXT)
        for one in stream.context_variables.all()
    ]
    contact = [
        Field(CONTACT_FACT + one.name, one.display_name, TYPES[VariableType(one.type)], Group.CONTACT)
        for one in ContactField.objects.all()
    ]
    return {**FIELDS, **{field.name: field for field in (*context, *contact)}}
