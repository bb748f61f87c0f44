"""Contacts and conversations, to look at; automated messages, opt-out words and quick replies, to set."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from omnichannel.conversations.access import SEE_ALL_PERMISSION
from omnichannel.conversations.admin.forms import (
    AutomatedMessageForm,
    OptOutWordForm,
    QuickReplyForm,
    QuickReplyTagForm,
)
from omnichannel.conversations.contacts.opt_out import can_opt_back_in
from omnichannel.conversations.models import (
    AutomatedMessage,
    Contact,
    Conversation,
    OptOutMeaning,
    OptOutWord,
    QuickReply,
    QuickReplyTag,
)
from omnichannel.conversations.outbound.quick_replies import get_or_create_tags
from omnichannel.core.admin.pages import ProductModelAdmin, ReadOnlyModelAdmin, format_timestamp, render_pill
from routing.models import State

NO_OPT_IN_WORD_WARNING = (
    "There is no word by which customers opt in again: whoever has opted out by one of these words gets no answers "
    "until an agent writes down that they agreed again. Add a word that opts in again, for example START."
)
STATE_TONES = {State.OPEN: "warn", State.ACTIVE: "good", State.WAITING: "quiet", State.WRAP_UP: "good"}


@admin.register(Contact)
class ContactAdmin(ReadOnlyModelAdmin):
    list_display = ("display_name", "display_number", "opted_out", "first_seen")
    search_fields = ("name", "profile_name", "address")
    search_help_text = "Name or number"
    fields = ("name", "profile_name", "display_number", "external_user_id", "opted_out", "first_seen")
    readonly_fields = ("display_number", "opted_out", "first_seen")

    @admin.display(description="Opted out")
    def opted_out(self, contact: Contact) -> SafeString | str:
        return render_pill("Opted out", "bad") if contact.opted_out_at else ""

    @admin.display(description="First seen", ordering="created_at")
    def first_seen(self, contact: Contact) -> str:
        return format_timestamp(contact.created_at)


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyModelAdmin):
    list_display = ("contact", "number", "state_pill", "queue", "agent", "last_activity")
    list_filter = ("state", "queue", "number")
    list_select_related = ("contact", "number", "queue", "agent__user")
    search_fields = ("contact__name", "contact__profile_name", "contact__address")
    search_help_text = "Customer's name or number"
    fields = (
        "contact",
        "number",
        "state_pill",
        "work_stream",
        "queue",
        "agent",
        "started",
        "last_activity",
        "window_closes",
        "closed_on",
        "desk_link",
    )
    readonly_fields = ("state_pill", "started", "last_activity", "window_closes", "closed_on", "desk_link")

    @admin.display(description="State", ordering="state")
    def state_pill(self, conversation: Conversation) -> SafeString:
        state = State(conversation.state)
        return render_pill(str(state.label), STATE_TONES.get(state, "quiet"))

    @admin.display(description="Began", ordering="created_at")
    def started(self, conversation: Conversation) -> str:
        return format_timestamp(conversation.created_at)

    @admin.display(description="Last activity", ordering="last_activity_at")
    def last_activity(self, conversation: Conversation) -> str:
        return format_timestamp(conversation.last_activity_at)

    @admin.display(description="24-hour window closes")
    def window_closes(self, conversation: Conversation) -> str:
        return format_timestamp(conversation.window_closes_at)

    @admin.display(description="Closed")
    def closed_on(self, conversation: Conversation) -> str:
        return format_timestamp(conversation.closed_at)

    @admin.display(description="At the desk")
    def desk_link(self, conversation: Conversation) -> SafeString:
        return format_html('<a href="/desk/conversations/{}/">Open this conversation</a>', conversation.pk)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Only for those who may see every conversation at the desk too."""
        shown = super().get_queryset(request)
        return shown if request.user.has_perm(SEE_ALL_PERMISSION) else shown.none()


@admin.register(AutomatedMessage)
class AutomatedMessageAdmin(ProductModelAdmin):
    """What the desk says by itself. Without a text for a trigger nothing is said."""

    form = AutomatedMessageForm
    list_display = ("trigger", "work_stream_label", "language_label", "text_preview", "state")
    list_display_links = ("trigger",)
    list_filter = ("trigger", "is_active")
    list_select_related = ("work_stream",)
    search_fields = ("text",)
    search_help_text = "Text"
    autocomplete_fields = ("work_stream",)
    fieldsets = (
        ("When it is sent", {"fields": ("trigger", "work_stream", "language", "is_active")}),
        ("What it says", {"fields": ("text",)}),
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


@admin.register(OptOutWord)
class OptOutWordAdmin(ProductModelAdmin):
    """Words by which customers stop our messages, and want them again."""

    form = OptOutWordForm
    list_display = ("word", "meaning_pill")
    list_filter = ("meaning",)
    search_fields = ("word",)
    search_help_text = "Word"
    fields = ("word", "meaning")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if not can_opt_back_in():
            messages.warning(request, NO_OPT_IN_WORD_WARNING)
        return super().changelist_view(request, extra_context)

    @admin.display(description="Meaning", ordering="meaning")
    def meaning_pill(self, word: OptOutWord) -> SafeString:
        return render_pill(word.get_meaning_display(), "bad" if word.meaning == OptOutMeaning.STOP else "good")


@admin.register(QuickReply)
class QuickReplyAdmin(ProductModelAdmin):
    """Texts for everybody; what agents keep for themselves is nobody else's business."""

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
        """Who may only look has no tags to add."""
        if self.has_change_permission(request, obj):
            return self.fieldsets
        return [
            (name, {"fields": [one for one in fields["fields"] if one != "new_tags"]})
            for name, fields in self.fieldsets
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
    """Words by which quick replies are found."""

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
