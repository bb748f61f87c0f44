"""Work streams, queues, agents and presences, as administrators and supervisors work with them."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.forms.formsets import DELETION_FIELD_NAME
from django.http import HttpRequest
from django.utils.safestring import SafeString

from omnichannel.admin_pages import PageAdmin, QuietRelations, pill
from routing.models import Agent, BasePresence, Presence, Queue, QueueMembership, WorkStream

if TYPE_CHECKING:
    StreamModelForm: TypeAlias = forms.ModelForm[WorkStream]
    MembershipInlineBase: TypeAlias = admin.TabularInline[QueueMembership, Any]
    MembershipFormSetBase: TypeAlias = forms.BaseInlineFormSet[QueueMembership, Any, Any]
else:
    StreamModelForm, MembershipInlineBase = forms.ModelForm, admin.TabularInline
    MembershipFormSetBase = forms.BaseInlineFormSet

UNITS = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1), "days": timedelta(days=1)}


def in_largest_unit(time: timedelta) -> tuple[int, str]:
    """The time as a person would say it: `(24, "hours")`, `(90, "minutes")`."""
    for unit in ("days", "hours"):
        if time and not time % UNITS[unit] and (unit == "hours" or time > UNITS["days"]):
            return time // UNITS[unit], unit
    return time // UNITS["minutes"], "minutes"


class TimeSpanWidget(forms.MultiWidget):
    """A number and its unit."""

    def __init__(self) -> None:
        number = forms.NumberInput(attrs={"min": 1, "aria-label": "Number"})
        unit = forms.Select(choices=[(unit, unit) for unit in UNITS], attrs={"aria-label": "Unit"})
        super().__init__([number, unit])

    def decompress(self, value: timedelta | None) -> list[Any]:
        return list(in_largest_unit(value)) if value is not None else [None, "hours"]


class TimeSpanField(forms.MultiValueField):
    """A length of time, typed as a number and a unit."""

    def __init__(self, **kwargs: Any) -> None:
        number = forms.IntegerField(min_value=1, max_value=100_000)
        unit = forms.ChoiceField(choices=[(unit, unit) for unit in UNITS])
        super().__init__(fields=[number, unit], widget=TimeSpanWidget(), **kwargs)

    def compress(self, data_list: list[Any]) -> timedelta | None:
        return data_list[0] * UNITS[data_list[1]] if data_list else None


class WorkStreamForm(StreamModelForm):
    auto_close_after = TimeSpanField(
        label="Auto-close after inactivity",
        help_text="A conversation that waits for the customer this long is closed.",
    )
    allowed_presences = forms.MultipleChoiceField(
        label="Allowed presences",
        choices=BasePresence.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=WorkStream._meta.get_field("allowed_presences").help_text,
    )

    class Meta:
        model = WorkStream
        fields = (
            "name",
            "channel",
            "capacity",
            "auto_close_after",
            "allowed_presences",
            "keep_same_agent",
            "fallback_queue",
        )


@admin.register(WorkStream)
class WorkStreamAdmin(PageAdmin):
    form = WorkStreamForm
    list_display = ("name", "channel", "capacity", "closes_after", "keep_same_agent", "goes_to")
    list_select_related = ("fallback_queue",)
    search_fields = ("name",)
    search_help_text = "Name"
    fieldsets = (
        ("General information", {"fields": ("name", "channel", "capacity", "auto_close_after")}),
        ("Work distribution", {"fields": ("fallback_queue", "allowed_presences", "keep_same_agent")}),
    )
    instead_of_deleting = "Give its numbers another work stream first; work streams with conversations are kept."

    def get_readonly_fields(self, request: HttpRequest, obj: WorkStream | None = None) -> tuple[str, ...]:
        return ("channel",) if obj else ()

    @admin.display(description="Auto-close after", ordering="auto_close_after")
    def closes_after(self, stream: WorkStream) -> str:
        return "{} {}".format(*in_largest_unit(stream.auto_close_after))

    @admin.display(description="Queue", ordering="fallback_queue")
    def goes_to(self, stream: WorkStream) -> str:
        return str(stream.fallback_queue or "The default queue")


class MembershipFormSet(MembershipFormSetBase):
    """Rows whose fields say what they are to those who can't see the column's head."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for name, field in form.fields.items():
            widget = getattr(field.widget, "widget", field.widget)
            widget.attrs["aria-label"] = "Remove" if name == DELETION_FIELD_NAME else field.label


class MembershipInline(QuietRelations, MembershipInlineBase):
    """Who works in the queue."""

    model = QueueMembership
    formset = MembershipFormSet
    extra = 0
    autocomplete_fields = ("agent",)
    verbose_name = "agent"
    verbose_name_plural = "Agents in this queue"


class QueuesOfAgentInline(QuietRelations, MembershipInlineBase):
    """Where the agent works."""

    model = QueueMembership
    formset = MembershipFormSet
    extra = 0
    autocomplete_fields = ("queue",)
    verbose_name = "queue"
    verbose_name_plural = "Queues"

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "queue":
            kwargs["queryset"] = Queue.objects.filter(is_default=False)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(Queue)
class QueueAdmin(PageAdmin):
    list_display = ("name", "priority", "who_works_there")
    ordering = ("priority", "name")
    search_fields = ("name",)
    search_help_text = "Name"
    fields = ("name", "priority")
    inlines = (MembershipInline,)
    instead_of_deleting = "Send its work streams and conversations to another queue first."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Queue]:
        queues: QuerySet[Queue] = super().get_queryset(request).annotate(member_count=Count("memberships"))
        return queues

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """In the look-up of an agent's queues the default one is left out: everybody is in it."""
        if request.GET.get("model_name") == "queuemembership":
            queryset = queryset.filter(is_default=False)
        return super().get_search_results(request, queryset, search_term)

    def get_inlines(self, request: HttpRequest, obj: Queue | None) -> Any:
        return () if obj and obj.is_default else self.inlines

    def has_delete_permission(self, request: HttpRequest, obj: Queue | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.is_default)

    @admin.display(description="Agents", ordering="member_count")
    def who_works_there(self, queue: Any) -> str:
        return "Everybody" if queue.is_default else str(queue.member_count)


PRESENCE_TONES = {
    BasePresence.AVAILABLE: "good",
    BasePresence.BUSY: "warn",
    BasePresence.BUSY_DND: "bad",
    BasePresence.AWAY: "warn",
}


@admin.register(Agent)
class AgentAdmin(PageAdmin):
    """Agents come with their user's role; here they get their capacity and their queues."""

    list_display = ("__str__", "shown_presence", "capacity", "queue_names")
    list_display_links = ("__str__",)
    list_filter = ("presence", "queues")
    list_select_related = ("user", "presence")
    search_help_text = "Name"
    search_fields = ("user__username", "user__first_name", "user__last_name")
    fields = ("user", "presence", "capacity")
    readonly_fields = ("user",)
    inlines = (QueuesOfAgentInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Agent]:
        return super().get_queryset(request).prefetch_related("queues")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Agent | None = None) -> bool:
        return False

    @admin.display(description="Presence", ordering="presence")
    def shown_presence(self, agent: Agent) -> SafeString:
        return pill(str(agent.presence), PRESENCE_TONES.get(BasePresence(agent.presence.base_status), "quiet"))

    @admin.display(description="Queues besides the default one", empty_value="")
    def queue_names(self, agent: Agent) -> str:
        return ", ".join(queue.name for queue in agent.queues.all())


@admin.register(Presence)
class PresenceAdmin(PageAdmin):
    """The built-in presences are there to look at; own ones stand on a base status."""

    list_display = ("name", "text", "base_status", "origin")
    fields = ("name", "text", "base_status", "description")
    instead_of_deleting = "Agents show it at the moment: have them choose another presence first."

    @admin.display(description="Origin", ordering="is_built_in")
    def origin(self, presence: Presence) -> SafeString:
        return pill("Built in") if presence.is_built_in else pill("Own", "good")

    def has_change_permission(self, request: HttpRequest, obj: Presence | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.is_built_in)

    def has_delete_permission(self, request: HttpRequest, obj: Presence | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.is_built_in)
