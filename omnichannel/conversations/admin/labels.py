"""Admin pages of labels and disposition codes."""

from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest

from omnichannel.conversations.models import DispositionCode, Label
from omnichannel.core.admin.pages import ProductModelAdmin


@admin.register(Label)
class LabelAdmin(ProductModelAdmin):
    """Admin of labels. Deleting a label removes it from all conversations and contacts."""

    empty_hint = "Labels mark conversations, so that agents can filter by topic."
    list_display = ("name", "color", "usage_count")
    list_filter = ("color",)
    search_fields = ("name",)
    search_help_text = "Name"
    fields = ("name", "color")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(usages=Count("conversations", distinct=True))

    @admin.display(description="Conversations", ordering="usages")
    def usage_count(self, label: Any) -> int:
        return int(label.usages)


@admin.register(DispositionCode)
class DispositionCodeAdmin(ProductModelAdmin):
    """Admin of disposition codes. A code that has been used is deactivated, not deleted."""

    empty_hint = "Agents choose a disposition code when they close a conversation."
    list_display = ("name", "description", "state", "usage_count")
    list_filter = ("is_active",)
    search_fields = ("name", "description")
    search_help_text = "Name or description"
    fields = ("name", "description", "is_active")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(usages=Count("conversations", distinct=True))

    @admin.display(description="Conversations", ordering="usages")
    def usage_count(self, code: Any) -> int:
        return int(code.usages)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, Any], set[Any], list[Any]]:
        """Refuse to delete codes that are in use: reports would lose them."""
        usages = sum(code.conversations.count() for code in objs)
        if usages:
            return [], {}, set(), [f"{usages} conversation{'s' * (usages > 1)}"]
        return super().get_deleted_objects(objs, request)
