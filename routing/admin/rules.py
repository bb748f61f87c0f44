"""The admin of a work stream's routing rules and skill attachment rules."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from routing.admin.condition_builder import ConditionField, is_editable_in_builder
from routing.admin.inlines import AccessibleTabularInline
from routing.admin.related_lists import ChildAdmin, ChildFormMixin, RelatedList
from routing.admin.skills import ProficiencyFormSet
from routing.conditions.evaluation import describe_condition
from routing.conditions.fields import AvailableFields, get_available_fields
from routing.models import RoutingRule, SkillRule, SkillRuleSkill

if TYPE_CHECKING:
    RoutingRuleModelForm: TypeAlias = forms.ModelForm[RoutingRule]
    SkillRuleModelForm: TypeAlias = forms.ModelForm[SkillRule]
else:
    RoutingRuleModelForm = SkillRuleModelForm = forms.ModelForm


def create_matches_everything_field() -> forms.BooleanField:
    """Return the box that a rule without conditions needs."""
    help_text = "The rule applies to every conversation of the work stream."
    return forms.BooleanField(label="Matches everything", required=False, help_text=help_text)


CONDITION_NAMES = ("matches_everything", "condition")


class RuleFormMixin:
    """The condition of a rule, with the fields of its work stream; put it before the child form.

    A rule without conditions matches everything, which has to be chosen: a condition that was forgotten would send all
    conversations to one queue.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        form: Any = self
        rule = form.instance
        available_fields = get_available_fields(rule.work_stream)
        if not is_editable_in_builder(rule.condition, available_fields):
            for name in CONDITION_NAMES:
                form.fields.pop(name, None)
        if "condition" in form.fields:
            form.fields["condition"].set_available_fields(available_fields)
            form.fields["matches_everything"].initial = rule.pk is not None and not rule.condition

    def clean(self) -> dict[str, Any]:
        form: Any = self
        cleaned: dict[str, Any] = super().clean() or form.cleaned_data  # type: ignore[misc]
        if "condition" not in cleaned:
            return cleaned
        if cleaned["condition"] and cleaned["matches_everything"]:
            form.add_error("matches_everything", "Remove the conditions below, or clear this box.")
        elif not cleaned["condition"] and not cleaned["matches_everything"]:
            form.add_error("condition", "Add a condition, or select “Matches everything”.")
        return cleaned


class RoutingRuleForm(RuleFormMixin, ChildFormMixin, RoutingRuleModelForm):
    """A routing rule."""

    matches_everything = create_matches_everything_field()
    condition = ConditionField(label="Condition", required=False)

    class Meta:
        model = RoutingRule
        fields = ("name", "description", "queue", "condition")


class SkillRuleForm(RuleFormMixin, ChildFormMixin, SkillRuleModelForm):
    """A skill attachment rule."""

    matches_everything = create_matches_everything_field()
    condition = ConditionField(label="Condition", required=False)

    class Meta:
        model = SkillRule
        fields = ("name", "description", "condition")


class RuleAdmin(ChildAdmin):
    """A rule: a name, a condition, and its outcome."""

    parent_field = "work_stream"
    outcome_fields: tuple[str, ...] = ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        general = ("work_stream", "name", "description", *self.outcome_fields)
        condition = CONDITION_NAMES if self._can_use_builder(request, obj) else ("condition_description",)
        return [("General information", {"fields": general}), ("Condition", {"fields": condition})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        description = () if self._can_use_builder(request, obj) else ("condition_description",)
        return (*super().get_readonly_fields(request, obj), *description)

    def _can_use_builder(self, request: HttpRequest, rule: Any) -> bool:
        """Return whether the builder can show the condition; if not, its description is shown read-only."""
        if rule is None:
            return True
        is_editable = is_editable_in_builder(rule.condition, get_available_fields(rule.work_stream))
        return is_editable and self.has_change_permission(request, rule)

    @admin.display(description="Condition")
    def condition_description(self, rule: Any) -> str:
        return format_condition(rule.condition, get_available_fields(rule.work_stream))


@admin.register(RoutingRule)
class RoutingRuleAdmin(RuleAdmin):
    """Routing rules, reached from the page of their work stream."""

    form = RoutingRuleForm
    outcome_fields = ("queue",)
    noun = "rule item"
    autocomplete_fields = ("queue",)


class RequiredSkillInline(AccessibleTabularInline):
    """The skills the rule adds, with the proficiency they need."""

    model = SkillRuleSkill
    formset = ProficiencyFormSet
    autocomplete_fields = ("skill",)
    verbose_name = "skill"
    verbose_name_plural = "Skills"


@admin.register(SkillRule)
class SkillRuleAdmin(RuleAdmin):
    """Skill attachment rules, reached from the page of their work stream."""

    form = SkillRuleForm
    inlines = (RequiredSkillInline,)


def format_required_skills(rule: SkillRule) -> str:
    """Return the skills a rule adds, for its list."""
    return ", ".join(f"{requirement.skill} {requirement.rating}" for requirement in rule.skill_requirements.all())


def format_condition(condition: object, fields: AvailableFields) -> str:
    """Return the condition in words; a badge if it always holds."""
    description = describe_condition(condition, fields)
    return description if condition else format_html('<span class="pill warn">{}</span>', description)


def _routing_cells(stream: Any, rules: Iterable[RoutingRule]) -> Iterator[Sequence[object]]:
    fields = get_available_fields(stream)
    return ((rule.name, format_condition(rule.condition, fields), rule.queue) for rule in rules)


def _skill_cells(stream: Any, rules: Iterable[SkillRule]) -> Iterator[Sequence[object]]:
    fields = get_available_fields(stream)
    return ((rule.name, format_condition(rule.condition, fields), format_required_skills(rule)) for rule in rules)


ROUTING_RULE_LIST = RelatedList(
    RoutingRule,
    "work_stream",
    "Routing rule items",
    "Checked top to bottom when a conversation starts; the first match sets the queue.",
    "New rule item",
    ("Name", "Condition", "Queue"),
    _routing_cells,
    "There are no rule items yet: all conversations go to the fallback queue.",
    select_related_fields=("queue",),
)
SKILL_RULE_LIST = RelatedList(
    SkillRule,
    "work_stream",
    "Skill Attachment Rules",
    "Every matching rule adds its skills to the conversation.",
    "New skill rule",
    ("Name", "Condition", "Skills"),
    _skill_cells,
    "There are no skill rules yet: conversations need no skills.",
    prefetch_related_fields=("skill_requirements__skill",),
)
