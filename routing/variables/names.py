"""Names of context variables and contact fields, and the rules that ask about them."""

import re
import unicodedata
from collections.abc import Collection

from routing.conditions.evaluation import get_field_names
from routing.conditions.fields import CONTACT_PREFIX, CONTEXT_PREFIX
from routing.models import ContactField, ContextVariable, RoutingRule, SkillRule
from routing.models.variables import Variable

MAX_NAME_LENGTH = 60


def generate_name(display_name: str, taken: Collection[str] = ()) -> str:
    """A name for what is displayed so: `order_number` for “Order number”; numbered where it is taken."""
    plain = unicodedata.normalize("NFKD", display_name.casefold()).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    first = words if words[:1].isalpha() else f"variable_{words}".rstrip("_")
    name, number = first[:MAX_NAME_LENGTH], 2
    while name in taken:
        name, number = f"{first[: MAX_NAME_LENGTH - 4]}_{number}", number + 1
    return name


def get_rules_using(variable: Variable) -> list[RoutingRule | SkillRule]:
    """The rules whose condition asks about it."""
    if isinstance(variable, ContextVariable):
        fact, of = CONTEXT_PREFIX + variable.name, {"work_stream": variable.work_stream}
    else:
        assert isinstance(variable, ContactField)  # noqa: S101 (told to the type checker)
        fact, of = CONTACT_PREFIX + variable.name, {}
    rules: list[RoutingRule | SkillRule] = [
        *RoutingRule.objects.filter(**of).select_related("work_stream"),
        *SkillRule.objects.filter(**of).select_related("work_stream"),
    ]
    return [rule for rule in rules if fact in get_field_names(rule.condition)]
