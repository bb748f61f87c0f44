"""Admin pages of automated messages and quick replies."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.text import Truncator

from omnichannel.conversations.admin.forms import AutomatedMessageForm, QuickReplyForm, QuickReplyTagForm
from omnichannel.conversations.models import AutomatedMessage, QuickReply, QuickReplyTag
from omnichannel.conversations.outbound.quick_replies import get_or_create_tags
from omnichannel.core.admin.pages import ProductModelAdmin


@admin.register(AutomatedMessage)
class AutomatedMessageAdmin(ProductModelAdmin):
    """Admin of automated messages. Nothing is sent for a trigger without a text."""

    empty_hint = "Automated messages answer customers at set moments, such as outside operating hours."
    form = AutomatedMessageForm
    list_display = ("trigger", "work_stream_label", "language_label", "text_preview", "state")
    list_display_links = ("trigger",)
    list_filter = ("trigger", "is_active")
    list_select_related = ("work_stream",)
    search_fields = ("text",)
    search_help_text = "Text"
    autocomplete_fields = ("work_stream",)
    fieldsets = (
        ("Trigger", {"fields": ("trigger", "work_stream", "language", "is_active")}),
        ("Message", {"fields": ("text",)}),
    )

    @admin.display(description="Work stream", ordering="work_stream")
    def work_stream_label(self, message: AutomatedMessage) -> str:
        return str(message.work_stream or "All")

    @admin.display(description="Language", ordering="language")
    def language_label(self, message: AutomatedMessage) -> str:
        return message.language or "Any"

    @admin.display(description="Text")
    def text_preview(self, message: AutomatedMessage) -> str:
        return Truncator(message.text).chars(80)


@admin.register(QuickReply)
class QuickReplyAdmin(ProductModelAdmin):
    """Admin of shared quick replies; agents' personal ones are not shown."""

    empty_hint = "Quick replies are prepared texts that all agents can insert."
    form = QuickReplyForm
    list_display = ("title", "locale", "message_preview", "tag_list", "work_stream_list")
    list_filter = ("locale", "tags", "work_streams")
    search_fields = ("title", "message", "tags__name")
    search_help_text = "Title, message or tag"
    fieldsets = (
        ("General information", {"fields": ("title", "locale", "message")}),
        ("Tags", {"fields": ("tags", "new_tags")}),
        ("Work streams", {"fields": ("work_streams",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[QuickReply]:
        return super().get_queryset(request).filter(owner=None).prefetch_related("tags", "work_streams")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Hide the field for new tags from users without the change permission."""
        if self.has_change_permission(request, obj):
            return self.fieldsets
        return [
            (name, {"fields": [field for field in options["fields"] if field != "new_tags"]})
            for name, options in self.fieldsets
        ]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        form.instance.tags.add(*get_or_create_tags(form.cleaned_data["new_tags"]))

    @admin.display(description="Message")
    def message_preview(self, reply: QuickReply) -> str:
        return Truncator(reply.message).chars(80)

    @admin.display(description="Tags")
    def tag_list(self, reply: QuickReply) -> str:
        return " ".join(f"#{tag}" for tag in reply.tags.all())

    @admin.display(description="Work streams")
    def work_stream_list(self, reply: QuickReply) -> str:
        return ", ".join(map(str, reply.work_streams.all())) or "All"


@admin.register(QuickReplyTag)
class QuickReplyTagAdmin(ProductModelAdmin):
    """Admin of the tags of quick replies."""

    empty_hint = "Tags group quick replies."
    form = QuickReplyTagForm
    list_display = ("name", "usage_count")
    search_fields = ("name",)
    search_help_text = "Name"

    def get_queryset(self, request: HttpRequest) -> QuerySet[QuickReplyTag]:
        counted = Count("quick_replies", filter=Q(quick_replies__owner=None), distinct=True)
        tags: QuerySet[QuickReplyTag] = super().get_queryset(request).annotate(usages=counted)
        return tags

    @admin.display(description="Quick replies", ordering="usages")
    def usage_count(self, tag: Any) -> int:
        return int(tag.usages)
