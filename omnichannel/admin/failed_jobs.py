"""Admin pages of failed background jobs."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from channels_whatsapp.message_templates.sync import SYNC_LANE
from omnichannel.conversations.lanes import LaneKind
from omnichannel.core.admin.pages import ReadOnlyModelAdmin, format_timestamp
from omnichannel.jobs.lanes import retry_lanes
from omnichannel.jobs.models import Lane

JOB_LABELS = {
    LaneKind.AUTOMATE: "Automated messages",
    LaneKind.ROUTE: "Route a conversation",
    LaneKind.SNOOZE: "End a snooze",
    LaneKind.TYPING: "Show typing",
    LaneKind.DISCONNECT: "Reassign an agent's conversations",
    LaneKind.FORMER_AGENT: "Release a former agent's conversations",
    SYNC_LANE: "Sync message templates",
}
# Kinds of lanes whose key is a conversation's primary key.
CONVERSATION_LANE_KINDS = {LaneKind.AUTOMATE, LaneKind.ROUTE, LaneKind.SNOOZE, LaneKind.TYPING}


@admin.register(Lane)
class FailedJobAdmin(ReadOnlyModelAdmin):
    """Admin of background jobs that were given up after repeated failures and can be retried."""

    empty_hint = "Background jobs that fail repeatedly appear here, and you can retry them. There is nothing to do."
    list_display = ("failed_at", "job_label", "conversation", "attempts", "short_error")
    list_display_links = ("failed_at",)
    fields = ("job_label", "conversation", "failed_at", "attempts", "error")
    readonly_fields = ("job_label", "conversation", "failed_at")
    ordering = ("-given_up_at",)
    actions = ("retry",)
    attention_text = "Background jobs were given up after repeated failures."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Lane]:
        given_up: QuerySet[Lane] = super().get_queryset(request).filter(given_up_at__isnull=False)
        return given_up

    def get_page_title(self, instance: Lane | None) -> str:
        return self.job_label(instance) if instance else ""

    @admin.display(description="Failed on", ordering="given_up_at")
    def failed_at(self, lane: Lane) -> str:
        return format_timestamp(lane.given_up_at)

    @admin.display(description="Job", ordering="kind")
    def job_label(self, lane: Lane) -> str:
        return JOB_LABELS.get(lane.kind, lane.kind)

    @admin.display(description="Conversation", empty_value="")
    def conversation(self, lane: Lane) -> SafeString | str:
        if lane.kind not in CONVERSATION_LANE_KINDS:
            return ""
        return format_html('<a href="{}">{}</a>', reverse("desk:conversation", args=[lane.key]), lane.key)

    @admin.display(description="Error")
    def short_error(self, lane: Lane) -> str:
        return lane.error[:120]

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.change_lane")

    def get_rows_needing_attention(self, request: HttpRequest) -> QuerySet[Lane] | None:
        return self.get_queryset(request) if self.has_retry_permission(request) else None

    @admin.action(description="Retry", permissions=["retry"])
    def retry(self, request: HttpRequest, lanes: QuerySet[Lane]) -> None:
        count = retry_lanes(list(lanes.values_list("pk", flat=True)))
        noun = "job will be" if count == 1 else "jobs will be"
        self.message_user(request, f"{count} {noun} retried in a few seconds.", messages.SUCCESS)
