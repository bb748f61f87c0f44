"""The admin pages of agents and presences."""

from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from omnichannel.core.admin.pages import render_pill
from routing.admin.form_fields import get_base_presence_choices
from routing.admin.inlines import AccessibleTabularInline
from routing.admin.settings_admin import RoutingSettingsAdmin
from routing.admin.skills import ProficiencyFormSet
from routing.agents import get_selectable_presences
from routing.models import Agent, AgentSkill, BasePresence, Presence, Queue, QueueMembership
from routing.signals import agent_changed_by_admin

if TYPE_CHECKING:
    PresenceModelForm: TypeAlias = forms.ModelForm[Presence]
    RelatedFilter: TypeAlias = admin.RelatedFieldListFilter
else:
    PresenceModelForm, RelatedFilter = forms.ModelForm, admin.RelatedFieldListFilter

PRESENCE_TONES = {
    BasePresence.AVAILABLE: "good",
    BasePresence.BUSY: "warn",
    BasePresence.BUSY_DND: "bad",
    BasePresence.AWAY: "warn",
}


class AgentQueueInline(AccessibleTabularInline):
    """The queues the agent works in."""

    model = QueueMembership
    autocomplete_fields = ("queue",)
    verbose_name = "queue"
    verbose_name_plural = "Queues"

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "queue":
            kwargs["queryset"] = Queue.objects.filter(is_default=False)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class AgentSkillInline(AccessibleTabularInline):
    """The agent's skills with their proficiency."""

    model = AgentSkill
    formset = ProficiencyFormSet
    autocomplete_fields = ("skill",)
    verbose_name = "skill"
    verbose_name_plural = "Skills"


class NonDefaultQueueFilter(RelatedFilter):
    """A filter by queue, without the default queue, in which every agent works."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        ordering = self.field_admin_ordering(field, request, model_admin)
        choices: list[Any] = field.get_choices(
            include_blank=False, ordering=ordering, limit_choices_to={"is_default": False}
        )
        return choices


@admin.register(Agent)
class AgentAdmin(RoutingSettingsAdmin):
    """Agents are created with their user's role; here they get capacity, skills and queues."""

    empty_hint = "A user with a role that works at the desk becomes an agent; add users under Users."
    empty_link_model = "accounts.User"
    list_display = ("__str__", "presence_pill", "capacity", "default_presence", "skill_names", "queue_names")
    list_display_links = ("__str__",)
    list_filter = ("presence", ("queues", NonDefaultQueueFilter), "skills")
    list_select_related = ("user", "presence", "default_presence")
    search_help_text = "Name"
    search_fields = ("user__username", "user__first_name", "user__last_name")
    EDITABLE_FIELDS = ("capacity", "default_presence", "presence")
    fieldsets = (("User details", {"fields": ("user", *EDITABLE_FIELDS)}),)
    readonly_fields = ("user",)
    inlines = (AgentSkillInline, AgentQueueInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Agent]:
        return super().get_queryset(request).prefetch_related("queues", "skills")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "default_presence":
            kwargs |= {"queryset": get_selectable_presences(), "empty_label": "Available"}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Agent, form: Any, change: bool) -> None:
        """Save only the changed fields, so that concurrent changes by the agent are kept.

        A presence set here counts as set manually.
        """
        changed_fields = [name for name in self.EDITABLE_FIELDS if name in form.changed_data]
        if "presence" in changed_fields:
            obj.is_presence_manual = True
            changed_fields.append("is_presence_manual")
        obj.save(update_fields=changed_fields)
        if {"presence", "capacity"} & set(changed_fields):
            agent_changed_by_admin.send(Agent, agent=obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Agent | None = None) -> bool:
        return False

    @admin.display(description="Presence", ordering="presence")
    def presence_pill(self, agent: Agent) -> SafeString:
        return render_pill(str(agent.presence), PRESENCE_TONES.get(BasePresence(agent.presence.base_status), "quiet"))

    @admin.display(description="Skills", empty_value="")
    def skill_names(self, agent: Agent) -> str:
        return ", ".join(skill.name for skill in agent.skills.all())

    @admin.display(description="Queues in addition to the default queue", empty_value="")
    def queue_names(self, agent: Agent) -> str:
        return ", ".join(queue.name for queue in agent.queues.all())


class PresenceForm(PresenceModelForm):
    """A custom presence."""

    base_status = forms.ChoiceField(
        label="Base Status",
        choices=get_base_presence_choices,
        help_text="Determines whether agents with this presence get work.",
    )

    class Meta:
        model = Presence
        fields = ("name", "text", "base_status", "description")
        labels = {"text": "Presence Text"}
        help_texts = {"text": "Shown to agents and colleagues."}


@admin.register(Presence)
class PresenceAdmin(RoutingSettingsAdmin):
    """Built-in presences are read-only; custom ones are based on a base status."""

    empty_hint = "Presences are the statuses that agents choose from."
    form = PresenceForm
    list_display = ("name", "text", "base_status", "origin")
    fields = ("name", "text", "base_status", "description")
    deletion_hint = "Agents use this presence now or by default. Give them another presence first."

    @admin.display(description="Type", ordering="is_built_in")
    def origin(self, presence: Presence) -> SafeString:
        return render_pill("Built-in") if presence.is_built_in else render_pill("Custom", "good")

    def has_change_permission(self, request: HttpRequest, obj: Presence | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.is_built_in)

    def has_delete_permission(self, request: HttpRequest, obj: Presence | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.is_built_in)
