"""The admin pages of queues and their members."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from routing.admin.inlines import AccessibleTabularInline
from routing.admin.overflow import OVERFLOW_RULE_LIST
from routing.admin.related_lists import ParentAdmin
from routing.clone import copy_queue
from routing.models import Queue, QueueMembership

GENERAL_FIELDS = ("name", "priority")
DISTRIBUTION_FIELDS = ("assignment_method", "closing_windows_first", "operating_hours")
QUEUE_FIELDS = (*GENERAL_FIELDS, *DISTRIBUTION_FIELDS)


class MembershipInline(AccessibleTabularInline):
    """The agents who work in the queue."""

    model = QueueMembership
    autocomplete_fields = ("agent",)
    verbose_name = "agent"
    verbose_name_plural = "Users (Agents)"


@admin.register(Queue)
class QueueAdmin(ParentAdmin):
    """Queues with their members and overflow rules."""

    empty_hint = "Conversations wait in a queue for its agents."
    list_display = ("name", "priority", "assignment_method", "operating_hours_label", "agent_count")
    list_select_related = ("operating_hours",)
    ordering = ("priority", "name")
    search_fields = ("name",)
    search_help_text = "Name"
    fieldsets = (
        ("General information", {"fields": GENERAL_FIELDS}),
        ("Work distribution", {"fields": DISTRIBUTION_FIELDS}),
    )
    inlines = (MembershipInline,)
    change_form_template = "admin/routing/queue.html"
    related_lists = (OVERFLOW_RULE_LIST,)
    copy_function = staticmethod(copy_queue)
    deletion_hint = "Move its work streams, rules and conversations to another queue first."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Queue]:
        queues: QuerySet[Queue] = super().get_queryset(request).annotate(member_count=Count("memberships"))
        return queues

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "operating_hours":
            kwargs["empty_label"] = "Always open"
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Leave the default queue out of the autocomplete of an agent's queues: every agent is in it."""
        if request.GET.get("model_name") == "queuemembership":
            queryset = queryset.filter(is_default=False)
        return super().get_search_results(request, queryset, search_term)

    def get_inlines(self, request: HttpRequest, obj: Queue | None) -> Any:
        return () if obj and obj.is_default else self.inlines

    def has_change_permission(self, request: HttpRequest, obj: Queue | None = None) -> bool:
        """Let users who may only change members save the page; the queue's own fields are then read-only."""
        may_change_members = (
            obj is not None and not obj.is_default and request.user.has_perm("routing.add_queuemembership")
        )
        return super().has_change_permission(request, obj) or may_change_members

    def get_readonly_fields(self, request: HttpRequest, obj: Queue | None = None) -> tuple[str, ...]:
        """Lock the name and priority of the default queue, and all fields without change permission."""
        if not request.user.has_perm("routing.change_queue"):
            return QUEUE_FIELDS
        return GENERAL_FIELDS if obj and obj.is_default else ()

    def has_delete_permission(self, request: HttpRequest, obj: Queue | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.is_default)

    @admin.display(description="Operating hours", ordering="operating_hours")
    def operating_hours_label(self, queue: Queue) -> str:
        return str(queue.operating_hours or "Always open")

    @admin.display(description="Agents", ordering="member_count")
    def agent_count(self, queue: Any) -> str:
        return "Everyone" if queue.is_default else str(queue.member_count)
