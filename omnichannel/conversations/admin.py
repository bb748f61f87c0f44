"""Contacts and conversations, to look at; automated messages and opt-out words, to set."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from omnichannel.admin_pages import PageAdmin, ReadOnlyAdmin, moment, pill
from omnichannel.conversations.access import SEE_ALL
from omnichannel.conversations.admin_forms import AutomatedMessageForm, OptOutWordForm
from omnichannel.conversations.models import AutomatedMessage, Contact, Conversation, Meaning, OptOutWord
from routing.models import State

STATE_TONES = {State.OPEN: "warn", State.ACTIVE: "good", State.WAITING: "quiet", State.WRAP_UP: "good"}


@admin.register(Contact)
class ContactAdmin(ReadOnlyAdmin):
    list_display = ("display_name", "number", "opted_out", "first_seen")
    search_fields = ("name", "profile_name", "address")
    search_help_text = "Name or number"
    fields = ("name", "profile_name", "number", "external_user_id", "opted_out", "first_seen")
    readonly_fields = ("number", "opted_out", "first_seen")

    @admin.display(description="Opted out")
    def opted_out(self, contact: Contact) -> SafeString | str:
        return pill("Opted out", "bad") if contact.opted_out_at else ""

    @admin.display(description="First seen", ordering="created_at")
    def first_seen(self, contact: Contact) -> str:
        return moment(contact.created_at)


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    list_display = ("contact", "number", "shown_state", "queue", "agent", "last_activity")
    list_filter = ("state", "queue", "number")
    list_select_related = ("contact", "number", "queue", "agent__user")
    search_fields = ("contact__name", "contact__profile_name", "contact__address")
    search_help_text = "Customer's name or number"
    fields = (
        "contact",
        "number",
        "shown_state",
        "work_stream",
        "queue",
        "agent",
        "began",
        "last_activity",
        "window_closes",
        "closed",
        "at_the_desk",
    )
    readonly_fields = ("shown_state", "began", "last_activity", "window_closes", "closed", "at_the_desk")

    @admin.display(description="State", ordering="state")
    def shown_state(self, conversation: Conversation) -> SafeString:
        state = State(conversation.state)
        return pill(str(state.label), STATE_TONES.get(state, "quiet"))

    @admin.display(description="Began", ordering="created_at")
    def began(self, conversation: Conversation) -> str:
        return moment(conversation.created_at)

    @admin.display(description="Last activity", ordering="last_activity_at")
    def last_activity(self, conversation: Conversation) -> str:
        return moment(conversation.last_activity_at)

    @admin.display(description="24-hour window closes")
    def window_closes(self, conversation: Conversation) -> str:
        return moment(conversation.window_closes_at)

    @admin.display(description="Closed")
    def closed(self, conversation: Conversation) -> str:
        return moment(conversation.closed_at)

    @admin.display(description="At the desk")
    def at_the_desk(self, conversation: Conversation) -> SafeString:
        return format_html('<a href="/desk/conversations/{}/">Open this conversation</a>', conversation.pk)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Only for those who may see every conversation at the desk too."""
        shown = super().get_queryset(request)
        return shown if request.user.has_perm(SEE_ALL) else shown.none()


@admin.register(AutomatedMessage)
class AutomatedMessageAdmin(PageAdmin):
    """What the desk says by itself. Without a text for a trigger nothing is said."""

    form = AutomatedMessageForm
    list_display = ("trigger", "where", "spoken", "beginning", "state")
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
    def where(self, message: AutomatedMessage) -> str:
        return str(message.work_stream or "All")

    @admin.display(description="Language", ordering="language")
    def spoken(self, message: AutomatedMessage) -> str:
        return message.language or "Any"

    @admin.display(description="Text")
    def beginning(self, message: AutomatedMessage) -> str:
        return Truncator(message.text).chars(80)


@admin.register(OptOutWord)
class OptOutWordAdmin(PageAdmin):
    """Words by which customers stop our messages, and want them again."""

    form = OptOutWordForm
    list_display = ("word", "does")
    list_filter = ("meaning",)
    search_fields = ("word",)
    search_help_text = "Word"
    fields = ("word", "meaning")

    @admin.display(description="Meaning", ordering="meaning")
    def does(self, word: OptOutWord) -> SafeString:
        return pill(word.get_meaning_display(), "bad" if word.meaning == Meaning.STOP else "good")
