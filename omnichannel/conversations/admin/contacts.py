"""Admin pages of contacts and opt-out words."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from omnichannel.conversations.admin.contact_search import filter_by_contact
from omnichannel.conversations.admin.forms import OptOutWordForm
from omnichannel.conversations.contacts.opt_out import can_opt_back_in
from omnichannel.conversations.models import Contact, OptOutMeaning, OptOutWord
from omnichannel.core.admin.pages import ProductModelAdmin, ReadOnlyModelAdmin, format_timestamp, render_pill

NO_OPT_IN_WORD_WARNING = (
    "There is no opt-in word. Customers who opted out can't be messaged "
    "until an agent records that they opted in again. Add an opt-in word, for example START."
)


@admin.register(Contact)
class ContactAdmin(ReadOnlyModelAdmin):
    """Read-only admin of contacts."""

    empty_hint = "A contact appears when a customer writes to one of your WhatsApp numbers."
    empty_link_model = "channels_whatsapp.WhatsAppAccount"
    list_display = ("display_name", "display_number", "username", "opted_out", "first_seen")
    # Newest first, and no other order: sorting would read all contacts.
    ordering = ("-pk",)
    sortable_by = ()
    search_fields = ("name",)  # shows the search form; find_contacts does the search
    search_help_text = "Name, username or number"
    folds_search = False
    fields = ("name", "profile_name", "username", "display_number", "whatsapp_ids", "opted_out", "first_seen")
    readonly_fields = ("display_number", "whatsapp_ids", "opted_out", "first_seen")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Contact], search_term: str
    ) -> tuple[QuerySet[Contact], bool]:
        return filter_by_contact(request, queryset, "pk", search_term), False

    @admin.display(description="WhatsApp IDs")
    def whatsapp_ids(self, contact: Contact) -> str:
        ids = contact.business_scoped_ids.select_related("account")
        return ", ".join(f"{own_id} ({own_id.account})" for own_id in ids)

    @admin.display(description="Opted out")
    def opted_out(self, contact: Contact) -> SafeString | str:
        return render_pill("Opted out", "bad") if contact.opted_out_at else ""

    @admin.display(description="First seen", ordering="created_at")
    def first_seen(self, contact: Contact) -> str:
        return format_timestamp(contact.created_at)


@admin.register(OptOutWord)
class OptOutWordAdmin(ProductModelAdmin):
    """Admin of the words by which customers opt out and in; warns when none opts in."""

    empty_hint = "A customer who sends an opt-out word, such as STOP, gets no more messages."
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
