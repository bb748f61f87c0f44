"""The admin pages of skills, skill types and rating models."""

from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.safestring import SafeString

from omnichannel.core.admin.pages import ProductModelAdmin, render_pill
from routing.admin.form_fields import build_proficiency_field
from routing.admin.inlines import AccessibleInlineFormSet, AccessibleTabularInline
from routing.admin.settings_admin import RoutingSettingsAdmin
from routing.models import AgentSkill, RatingModel, RatingValue, Skill, SkillType

if TYPE_CHECKING:
    RatingModelForm: TypeAlias = forms.ModelForm[RatingModel]
else:
    RatingModelForm = forms.ModelForm


class ProficiencyFormSet(AccessibleInlineFormSet):
    """Rows with a proficiency on the scale in use."""

    @cached_property
    def rating_field(self) -> forms.Field:
        return build_proficiency_field()

    def add_fields(self, form: Any, index: int | None) -> None:
        form.fields["rating"] = deepcopy(self.rating_field)
        super().add_fields(form, index)


class SkillAgentInline(AccessibleTabularInline):
    """The agents who have the skill, with their proficiency."""

    model = AgentSkill
    formset = ProficiencyFormSet
    autocomplete_fields = ("agent",)
    verbose_name = "agent"
    verbose_name_plural = "Users (Agents)"


@admin.register(Skill)
class SkillAdmin(RoutingSettingsAdmin):
    """Skills with the agents who have them."""

    empty_hint = "Add what agents know, such as a language or a product, and rate each agent in it."
    list_display = ("name", "type", "description", "agents_with_skill")
    list_filter = ("type",)
    list_select_related = ("type",)
    search_fields = ("name", "type__name")
    search_help_text = "Name or type"
    fields = ("name", "type", "description")
    inlines = (SkillAgentInline,)
    usage_labels = {
        "routing.SkillRuleSkill": ("skill attachment rule", "skill attachment rules"),
        "conversations.RequiredSkill": ("conversation that requires it", "conversations that require it"),
    }
    deletion_hint = (
        "Remove it from the skill attachment rules first. Skills required by conversations can't be deleted."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Skill]:
        skills: QuerySet[Skill] = super().get_queryset(request).annotate(agent_count=Count("agent_skills"))
        return skills

    @admin.display(description="Agents", ordering="agent_count")
    def agents_with_skill(self, skill: Any) -> int:
        return int(skill.agent_count)


@admin.register(SkillType)
class SkillTypeAdmin(ProductModelAdmin):
    """Types of skills, such as languages and products."""

    empty_hint = "Skill types group skills, such as languages or products."
    list_display = ("name", "skill_count")
    fields = ("name",)
    search_fields = ("name",)
    search_help_text = "Name"
    deletion_hint = "Assign its skills to another type first."

    def get_queryset(self, request: HttpRequest) -> QuerySet[SkillType]:
        types: QuerySet[SkillType] = super().get_queryset(request).annotate(annotated_skill_count=Count("skills"))
        return types

    @admin.display(description="Skills", ordering="annotated_skill_count")
    def skill_count(self, skill_type: Any) -> int:
        return int(skill_type.annotated_skill_count)


class RatingScaleForm(RatingModelForm):
    """A rating model. Exactly one is in use: to stop using it, switch on another one."""

    class Meta:
        model = RatingModel
        fields = ("name", "min_value", "max_value", "in_use")
        help_texts = {"in_use": "The scale for proficiency. Turning this on turns off the other rating model."}

    def clean_in_use(self) -> bool:
        in_use: bool = self.cleaned_data["in_use"]
        if self.instance.in_use and not in_use:
            raise forms.ValidationError("One rating model must be in use. Turn on another one instead.")
        return in_use

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        low, high = cleaned.get("min_value"), cleaned.get("max_value")
        if low is not None and high is not None and low >= high:
            self.add_error("max_value", "Must be greater than the min rating value.")
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        """Skip the uniqueness check of `in_use`: the page switches the other model off before it saves."""
        return {*super()._get_validation_exclusions(), "in_use"}  # type: ignore[misc]


class RatingValueFormSet(AccessibleInlineFormSet):
    """Names for values of the scale."""

    def clean(self) -> None:
        super().clean()
        scale = self.instance
        for form in self.get_remaining_forms():
            if not scale.min_value <= form.cleaned_data["value"] <= scale.max_value:
                form.add_error("value", f"The scale goes from {scale.min_value} to {scale.max_value}.")


class RatingValueInline(AccessibleTabularInline):
    """The names of the scale's values."""

    model = RatingValue
    formset = RatingValueFormSet
    verbose_name = "rating value"
    verbose_name_plural = "Rating Values"


@admin.register(RatingModel)
class RatingModelAdmin(ProductModelAdmin):
    """Rating models with the names of their values; the model in use can't be deleted."""

    empty_hint = "A rating model sets the scale on which skills are rated."
    form = RatingScaleForm
    list_display = ("name", "min_value", "max_value", "use_pill")
    fields = ("name", "min_value", "max_value", "in_use")
    search_fields = ("name",)
    search_help_text = "Name"
    inlines = (RatingValueInline,)

    @admin.display(description="State", ordering="in_use")
    def use_pill(self, scale: RatingModel) -> SafeString:
        return render_pill("In use", "good") if scale.in_use else render_pill("Not in use")

    def has_delete_permission(self, request: HttpRequest, obj: RatingModel | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.in_use)

    def save_model(self, request: HttpRequest, obj: RatingModel, form: Any, change: bool) -> None:
        if obj.in_use:
            RatingModel.objects.exclude(pk=obj.pk).filter(in_use=True).update(in_use=False)
        super().save_model(request, obj, form, change)
        outside_count = (
            AgentSkill.objects.exclude(rating__range=(obj.min_value, obj.max_value)).count() if obj.in_use else 0
        )
        if outside_count:
            subject = "1 agent skill is" if outside_count == 1 else f"{outside_count} agent skills are"
            text = f"{subject} outside {obj.min_value} to {obj.max_value}. Update the proficiency."
            self.message_user(request, text, messages.WARNING)
