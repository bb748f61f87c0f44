"""The fields that conditions can use, with their types and operators.

Besides the standard fields, rules can use the context variables of their work stream and the fields of contacts; see
`get_available_fields`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import TextChoices

from routing.models import ContactField, VariableType, WorkStream

Facts = Mapping[str, Any]

# Prefixes of context variables and contact fields, so that their names can't collide with other fields.
CONTEXT_PREFIX, CONTACT_PREFIX = "context.", "contact."


class GroupMatch(StrEnum):
    """How the items of a group of conditions are combined; the key of the group in the stored JSON."""

    ALL = "all"
    ANY = "any"


class Operator(TextChoices):
    """The operators of comparisons, labeled as in the condition builder."""

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


# The negation of each operator's label, for explanations why a condition does not hold.
NEGATED_OPERATOR_LABELS = {
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


class FieldType(TextChoices):
    """The type of a field; decides its operators and how values are compared."""

    TEXT = "text", "Text"
    NUMBER = "number", "Number"
    PHONE = "phone", "Phone number"
    LANGUAGE = "language", "Language code"
    WEEKDAY = "weekday", "Day of the week"
    TIME = "time", "Time of day"


class ValueKind(TextChoices):
    """The kind of value an operator needs: nothing, one value, several, or two times."""

    NOTHING = "nothing", "Nothing"
    ONE = "one", "One value"
    LIST = "list", "Several values"
    RANGE = "range", "From and to"


EMPTINESS_OPERATORS = (Operator.IS_EMPTY, Operator.IS_NOT_EMPTY)
CHOICE_OPERATORS = (Operator.EQUALS, Operator.NOT_EQUALS, Operator.ONE_OF)
TEXT_OPERATORS = (
    *(Operator.EQUALS, Operator.NOT_EQUALS, Operator.CONTAINS, Operator.NOT_CONTAINS),
    *(Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.ANY_WORD, *EMPTINESS_OPERATORS, Operator.ONE_OF),
)
OPERATORS_BY_TYPE: dict[FieldType, tuple[Operator, ...]] = {
    FieldType.TEXT: TEXT_OPERATORS,
    FieldType.NUMBER: (
        *(Operator.EQUALS, Operator.NOT_EQUALS, Operator.LESS_THAN, Operator.GREATER_THAN),
        *(*EMPTINESS_OPERATORS, Operator.ONE_OF),
    ),
    FieldType.PHONE: tuple(operator for operator in TEXT_OPERATORS if operator != Operator.ANY_WORD),
    FieldType.LANGUAGE: (*CHOICE_OPERATORS, *EMPTINESS_OPERATORS),
    FieldType.WEEKDAY: CHOICE_OPERATORS,
    FieldType.TIME: (Operator.BETWEEN,),
}


def get_value_kind(operator: Operator) -> ValueKind:
    """Return the kind of value that the operator needs."""
    match operator:
        case Operator.IS_EMPTY | Operator.IS_NOT_EMPTY:
            return ValueKind.NOTHING
        case Operator.ANY_WORD | Operator.ONE_OF:
            return ValueKind.LIST
        case Operator.BETWEEN:
            return ValueKind.RANGE
        case _:
            return ValueKind.ONE


class FieldGroup(TextChoices):
    """The heading under which the condition builder offers a field."""

    MESSAGE = "message", "Message"
    CUSTOMER = "customer", "Customer"
    REFERRAL = "referral", "Referral"
    TIME = "time", "Time"
    CONTEXT = "context", "Context variables"
    CONTACT = "contact", "Contact fields"


@dataclass(frozen=True)
class FieldDefinition:
    """A field that conditions can use."""

    name: str
    label: str
    type: FieldType
    group: FieldGroup


AvailableFields = Mapping[str, FieldDefinition]

STANDARD_FIELDS: dict[str, FieldDefinition] = {
    field.name: field
    for field in (
        FieldDefinition("first_message", "First message", FieldType.TEXT, FieldGroup.MESSAGE),
        FieldDefinition("button_payload", "Button payload", FieldType.TEXT, FieldGroup.MESSAGE),
        FieldDefinition("customer_number", "Customer number", FieldType.PHONE, FieldGroup.CUSTOMER),
        FieldDefinition("profile_name", "Profile name", FieldType.TEXT, FieldGroup.CUSTOMER),
        FieldDefinition("contact_name", "Contact name", FieldType.TEXT, FieldGroup.CUSTOMER),
        FieldDefinition("contact_language", "Contact language", FieldType.LANGUAGE, FieldGroup.CUSTOMER),
        FieldDefinition("referral_source", "Referral source", FieldType.TEXT, FieldGroup.REFERRAL),
        FieldDefinition("referral_source_id", "Referral source id", FieldType.TEXT, FieldGroup.REFERRAL),
        FieldDefinition("referral_url", "Referral URL", FieldType.TEXT, FieldGroup.REFERRAL),
        FieldDefinition("weekday", "Day of the week", FieldType.WEEKDAY, FieldGroup.TIME),
        FieldDefinition("time", "Time of day", FieldType.TIME, FieldGroup.TIME),
    )
}
FIELD_TYPE_BY_VARIABLE_TYPE = {VariableType.TEXT: FieldType.TEXT, VariableType.NUMBER: FieldType.NUMBER}


def get_available_fields(stream: WorkStream) -> AvailableFields:
    """Return the fields that the rules of this work stream can use."""
    context = [
        FieldDefinition(
            CONTEXT_PREFIX + variable.name,
            variable.display_name,
            FIELD_TYPE_BY_VARIABLE_TYPE[VariableType(variable.type)],
            FieldGroup.CONTEXT,
        )
        for variable in stream.context_variables.all()
    ]
    contact = [
        FieldDefinition(
            CONTACT_PREFIX + contact_field.name,
            contact_field.display_name,
            FIELD_TYPE_BY_VARIABLE_TYPE[VariableType(contact_field.type)],
            FieldGroup.CONTACT,
        )
        for contact_field in ContactField.objects.all()
    ]
    return {**STANDARD_FIELDS, **{field.name: field for field in (*context, *contact)}}
