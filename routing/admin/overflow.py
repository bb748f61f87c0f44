"""The admin of a queue's overflow rules: what happens to work when it is closed, full or slow."""

from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.contrib import admin

from routing.admin.related_lists import ChildAdmin, ChildFormMixin, RelatedList
from routing.models import OverflowAction, OverflowCondition, OverflowRule

if TYPE_CHECKING:
    OverflowModelForm: TypeAlias = forms.ModelForm[OverflowRule]
else:
    OverflowModelForm = forms.ModelForm

LIMIT_BY_CONDITION = {
    OverflowCondition.WORK_ITEM_LIMIT: (100, "work items"),
    OverflowCondition.WAITING_TIME: (2880, "minutes"),
}


class OverflowRuleForm(ChildFormMixin, OverflowModelForm):
    """An overflow rule whose limit and target fit its condition and action."""

    class Meta:
        model = OverflowRule
        fields = ("condition", "limit", "action", "target")
        labels = {"target": "Queue"}
        help_texts = {
            "limit": "Waiting work items (1 to 100) or minutes of waiting (1 to 2880). Not used for operating hours.",
            "target": "Queue that receives the conversation.",
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        condition, action = cleaned.get("condition"), cleaned.get("action")
        if condition:
            self._validate_limit(OverflowCondition(condition), cleaned)
        if action:
            self._validate_target(OverflowAction(action), cleaned)
        if condition == OverflowCondition.WAITING_TIME and action == OverflowAction.ASSIGN_ANYWAY:
            self.add_error("action", "The conversation is already in this queue. Transfer or end it.")
        return cleaned

    def _validate_limit(self, condition: OverflowCondition, cleaned: dict[str, Any]) -> None:
        if condition not in LIMIT_BY_CONDITION:
            cleaned["limit"] = None
            if self.instance.queue.operating_hours is None:
                self.add_error("condition", "This queue has no operating hours and is always open.")
            return
        max_limit, unit = LIMIT_BY_CONDITION[condition]
        limit = cleaned.get("limit")
        if "limit" not in self.errors and (limit is None or not 1 <= limit <= max_limit):
            self.add_error("limit", f"Enter the number of {unit}: 1 to {max_limit}.")

    def _validate_target(self, action: OverflowAction, cleaned: dict[str, Any]) -> None:
        if action != OverflowAction.TRANSFER:
            cleaned["target"] = None
        elif "target" not in self.errors and cleaned.get("target") is None:
            self.add_error("target", "Choose the queue to transfer to.")
        elif cleaned.get("target") == self.instance.queue:
            self.add_error("target", "Choose a different queue.")


@admin.register(OverflowRule)
class OverflowRuleAdmin(ChildAdmin):
    """Overflow rules, reached from the page of their queue."""

    form = OverflowRuleForm
    parent_field = "queue"
    autocomplete_fields = ("target",)
    fieldsets = (
        ("Condition", {"fields": ("queue", "condition", "limit")}),
        ("Action", {"fields": ("action", "target")}),
    )


def describe_overflow_condition(rule: OverflowRule) -> str:
    """Return the condition with its limit, for lists."""
    if rule.limit is None:
        return rule.get_condition_display()
    unit = {OverflowCondition.WORK_ITEM_LIMIT: "work item", OverflowCondition.WAITING_TIME: "minute"}
    noun = unit[OverflowCondition(rule.condition)] + ("" if rule.limit == 1 else "s")
    return f"{rule.get_condition_display()} {rule.limit} {noun}"


OVERFLOW_RULE_LIST = RelatedList(
    OverflowRule,
    "queue",
    "Overflow management",
    (
        "Operating hours and work item limits are checked once, before a conversation enters the queue. Waiting "
        "time is checked while it waits."
    ),
    "New overflow rule",
    ("Condition", "Action", "Queue"),
    lambda queue, rules: (
        (describe_overflow_condition(rule), rule.get_action_display(), rule.target or "") for rule in rules
    ),
    "There are no overflow rules yet: conversations wait in this queue until an agent takes them.",
    select_related_fields=("target",),
)
