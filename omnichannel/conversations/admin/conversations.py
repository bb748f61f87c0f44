"""Admin pages of conversations."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from omnichannel.conversations.access import SEE_ALL_PERMISSION
from omnichannel.conversations.admin.contact_search import filter_by_contact
from omnichannel.conversations.models import Conversation
from omnichannel.core.admin.pages import ReadOnlyModelAdmin, format_timestamp, render_pill
from routing.models import State

STATE_TONES = {State.OPEN: "warn", State.ACTIVE: "good", State.WAITING: "quiet", State.WRAP_UP: "good"}


class StateFilter(admin.ChoicesFieldListFilter):
    """Filter by state; states that are not closed are found by the indexes of unclosed conversations."""

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        filtered: Any = super().queryset(request, queryset)
        is_unclosed = self.lookup_val and State.CLOSED not in self.lookup_val
        return filtered.unclosed() if is_unclosed else filtered


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyModelAdmin):
    """Read-only admin of conversations."""

    empty_hint = "A conversation appears when a customer writes to one of your WhatsApp numbers."
    empty_link_model = "channels_whatsapp.WhatsAppAccount"
    list_display = ("contact", "number", "state_pill", "queue", "agent", "last_activity")
    # Newest first, and no other order: sorting would read all conversations.
    ordering = ("-pk",)
    sortable_by = ()
    list_filter = (("state", StateFilter), "queue", "number")
    list_select_related = ("contact", "number", "queue", "agent__user")
    search_fields = ("contact__name",)  # shows the search form; find_contacts does the search
    search_help_text = "Customer's name or number"
    folds_search = False
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

    @admin.display(description="Started", ordering="created_at")
    def started(self, conversation: Conversation) -> str:
        return format_timestamp(conversation.created_at)

    @admin.display(description="Last activity", ordering="last_activity_at")
    def last_activity(self, conversation: Conversation) -> str:
        return format_timestamp(conversation.last_activity_at)

    @admin.display(description="24-hour window ends")
    def window_closes(self, conversation: Conversation) -> str:
        return format_timestamp(conversation.window_closes_at)

    @admin.display(description="Closed")
    def closed_on(self, conversation: Conversation) -> str:
        return format_timestamp(conversation.closed_at)

    @admin.display(description="Desk")
    def desk_link(self, conversation: Conversation) -> SafeString:
        return format_html('<a href="/desk/conversations/{}/">Open conversation</a>', conversation.pk)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Conversation], search_term: str
    ) -> tuple[QuerySet[Conversation], bool]:
        return filter_by_contact(request, queryset, "contact", search_term), False

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return all conversations for users who may see all of them at the desk, else none."""
        conversations = super().get_queryset(request)
        return conversations if request.user.has_perm(SEE_ALL_PERMISSION) else conversations.none()
