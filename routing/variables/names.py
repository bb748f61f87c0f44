"""Generate names of variables, and find the rules that use a variable."""

import re
import unicodedata
from collections.abc import Collection

from routing.conditions.evaluation import get_field_names
from routing.conditions.fields import CONTACT_PREFIX, CONTEXT_PREFIX
from routing.models import ContactField, ContextVariable, RoutingRule, SkillRule
from routing.models.variables import Variable

MAX_NAME_LENGTH = 60


def generate_name(display_name: str, taken: Collection[str] = ()) -> str:
    """Return a name for the display name, `order_number` for “Order number”; numbered if it is taken."""
    plain = unicodedata.normalize("NFKD", display_name.casefold()).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    base_name = slug if slug[:1].isalpha() else f"variable_{slug}".rstrip("_")
    name, number = base_name[:MAX_NAME_LENGTH], 2
    while name in taken:
        name, number = f"{base_name[: MAX_NAME_LENGTH - 4]}_{number}", number + 1
    return name


def get_rules_using(variable: Variable) -> list[RoutingRule | SkillRule]:
    """Return the rules whose condition uses the variable."""
    if isinstance(variable, ContextVariable):
        field_name, scope = CONTEXT_PREFIX + variable.name, {"work_stream": variable.work_stream}
    else:
        assert isinstance(variable, ContactField)  # noqa: S101 (for the type checker)
        field_name, scope = CONTACT_PREFIX + variable.name, {}
    rules: list[RoutingRule | SkillRule] = [
        *RoutingRule.objects.filter(**scope).select_related("work_stream"),
        *SkillRule.objects.filter(**scope).select_related("work_stream"),
    ]
    return [rule for rule in rules if field_name in get_field_names(rule.condition)]
