"""The admin pages of work streams: the terms on which conversations are assigned."""

from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from routing.admin.dry_run import DryRunForm
from routing.admin.form_fields import TimeSpanField, WrapUpField, get_base_presence_choices, split_into_unit
from routing.admin.related_lists import ParentAdmin
from routing.admin.rules import ROUTING_RULE_LIST, SKILL_RULE_LIST
from routing.admin.variables import CONTEXT_VARIABLE_LIST
from routing.clone import copy_work_stream
from routing.models import BasePresence, DistributionMode, SkillMatching, WorkStream

if TYPE_CHECKING:
    StreamModelForm: TypeAlias = forms.ModelForm[WorkStream]
else:
    StreamModelForm = forms.ModelForm

GENERAL_FIELDS = ("name", "channel", "capacity", "auto_close_after")
PUSH_ONLY_FIELDS = ("allow_selecting", "offer_seconds", "inactive_after_missed_offer")
SKILL_MATCHING_CHOICES = [
    (SkillMatching.EXACT.value, "Exact Match"),
    (SkillMatching.CLOSEST.value, "Closest Match"),
    (SkillMatching.NONE.value, "None"),
]


class WorkStreamForm(StreamModelForm):
    """A work stream with readable time spans and choices."""

    auto_close_after = TimeSpanField(
        label="Auto-close after inactivity",
        help_text="Conversations waiting for the customer are closed after this time.",
    )
    allowed_presences = forms.MultipleChoiceField(
        label="Allowed Presences",
        choices=get_base_presence_choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=WorkStream._meta.get_field("allowed_presences").help_text,
    )
    return_after_disconnect = TimeSpanField(
        label="Return to queue after the agent disconnects",
        required=False,
        default_unit="minutes",
        help_text="Agents who are offline for this long lose their active conversations. Leave empty for never.",
    )
    wrap_up_seconds = WrapUpField(
        label="Block capacity for wrap up",
        help_text="How long a conversation in wrap-up uses the agent's capacity.",
    )
    skill_matching = forms.ChoiceField(
        label="Default skill matching algorithm",
        choices=SKILL_MATCHING_CHOICES,
        help_text="Exact: agents need every skill at the required level; otherwise the conversation waits. "
        "Closest: the agent with the closest skills gets it.",
    )

    class Meta:
        model = WorkStream
        fields = (
            *GENERAL_FIELDS,
            "distribution_mode",
            "allowed_presences",
            *PUSH_ONLY_FIELDS,
            "keep_same_agent",
            "return_after_disconnect",
            "wrap_up_seconds",
            "disposition_required",
            "skill_matching",
            "fallback_queue",
        )
        help_texts = {
            "offer_seconds": "Seconds an agent has to accept an offer before it returns to the queue.",
            "inactive_after_missed_offer": "The agent gets no work until they change their presence.",
            "fallback_queue": "Queue for conversations that match no routing rule. Leave empty for the default queue.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        wrap_up_field = self.fields.get("wrap_up_seconds")
        if isinstance(wrap_up_field, WrapUpField):
            wrap_up_field.include_stored_value(self.instance.wrap_up_seconds)
        if self.instance._state.adding:  # fields declared on the form do not get the model's defaults
            for name in self.declared_fields:
                self.initial.setdefault(name, getattr(self.instance, name))

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("inactive_after_missed_offer") and BasePresence.AWAY in cleaned.get("allowed_presences", ()):
            self.add_error(
                "allowed_presences",
                (
                    "Remove Away: agents who miss a notification become Inactive, and agents who are away miss all "
                    "of them."
                ),
            )
        return cleaned


@admin.register(WorkStream)
class WorkStreamAdmin(ParentAdmin):
    """Work streams with their variables and rules, and a box to try the rules."""

    empty_hint = "A work stream says how the conversations of a channel are distributed."
    form = WorkStreamForm
    list_display = ("name", "channel", "distribution_mode", "capacity", "auto_close_label", "fallback_queue_label")
    list_select_related = ("fallback_queue",)
    search_fields = ("name",)
    search_help_text = "Name"
    autocomplete_fields = ("fallback_queue",)
    change_form_template = "admin/routing/work_stream.html"
    related_lists = (CONTEXT_VARIABLE_LIST, ROUTING_RULE_LIST, SKILL_RULE_LIST)
    copy_function = staticmethod(copy_work_stream)
    deletion_hint = "Assign its numbers to another work stream first. Work streams with conversations can't be deleted."

    def get_fieldsets(self, request: HttpRequest, obj: WorkStream | None = None) -> list[Any]:
        """Leave out the fields for push if the work stream is saved with pick."""
        is_pick = obj is not None and obj.distribution_mode == DistributionMode.PICK
        push_fields, matching_fields = ((), ()) if is_pick else (PUSH_ONLY_FIELDS, ("skill_matching",))
        distribution = (
            *("distribution_mode", "allowed_presences", *push_fields, "keep_same_agent", "return_after_disconnect"),
            *("wrap_up_seconds", "disposition_required", *matching_fields, "fallback_queue"),
        )
        return [("General information", {"fields": GENERAL_FIELDS}), ("Work distribution", {"fields": distribution})]

    def get_readonly_fields(self, request: HttpRequest, obj: WorkStream | None = None) -> tuple[str, ...]:
        return ("channel", "distribution_mode") if obj else ()

    # -- Try it -----------------------------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        stream = self.get_object(request, unquote(object_id))
        context: dict[str, Any] = {}
        if stream is not None:
            context["dry_run_url"] = reverse("admin:routing_workstream_dry_run", args=[stream.pk])
            context["sample"] = DryRunForm(stream)
        context |= extra_context or {}
        return super().change_view(request, object_id, form_url, context)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.dry_run_view))
        return [path("<path:object_id>/dry-run/", view, name="routing_workstream_dry_run"), *super().get_urls()]

    def dry_run_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show which rule the sample would match: on the page, or as HTML in JSON for the script."""
        stream = self.get_object(request, unquote(object_id))
        if stream is None or not self.has_view_permission(request, stream):
            raise PermissionDenied
        sample = DryRunForm(stream, request.POST)
        context = {"sample": sample, "result": sample.run() if sample.is_valid() else None}
        if not request.accepts("text/html"):
            return JsonResponse({"html": render_to_string("admin/routing/_dry_run_result.html", context)})
        request.method = "GET"  # shows the form of the stored work stream, not of the posted sample
        return self.change_view(request, object_id, self.get_change_url(stream), context)

    # -- The list ---------------------------------------------------------------------------------------------------

    @admin.display(description="Auto-close after", ordering="auto_close_after")
    def auto_close_label(self, stream: WorkStream) -> str:
        return "{} {}".format(*split_into_unit(stream.auto_close_after))

    @admin.display(description="Fallback queue", ordering="fallback_queue")
    def fallback_queue_label(self, stream: WorkStream) -> str:
        return str(stream.fallback_queue or "The default queue")
