"""The admin pages of message templates: read-only, with a button to sync them from Twilio."""

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from channels_whatsapp.message_templates.content import category_name, get_variable_names, kind_name, parse_parts
from channels_whatsapp.message_templates.sync import SyncResult, sync_templates_manually
from channels_whatsapp.models import ApprovalStatus, MessageTemplate, WhatsAppAccount
from omnichannel.core.admin.pages import ReadOnlyModelAdmin, format_timestamp, render_pill
from omnichannel.core.languages import language_name

SYNC_PERMISSION = "channels_whatsapp.change_whatsappaccount"
APPROVAL_TONES = {
    ApprovalStatus.APPROVED: "good",
    ApprovalStatus.RECEIVED: "warn",
    ApprovalStatus.PENDING: "warn",
    ApprovalStatus.PAUSED: "bad",
    ApprovalStatus.REJECTED: "bad",
    ApprovalStatus.DISABLED: "bad",
}


def show_sync_result(
    request: HttpRequest, account: WhatsAppAccount, result: SyncResult, *, show_account_name: bool = False
) -> None:
    """Show the result of a sync as a message; with the account's name if several were synced."""
    text = f"{account}: {result}" if show_account_name else str(result)
    messages.add_message(request, messages.ERROR if result.error else messages.SUCCESS, text)


class AvailabilityFilter(admin.SimpleListFilter):
    """Filter by whether Twilio still lists the template."""

    title = "in Twilio"
    parameter_name = "removed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "Available"), ("yes", "Removed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        is_listed = {"yes": False, "no": True}.get(self.value() or "")
        return queryset if is_listed is None else queryset.filter(removed_at__isnull=is_listed)


class NamedValuesFilter(admin.AllValuesFieldListFilter):
    """Filter by the values of a field, each shown by its name instead of WhatsApp's or Twilio's own code."""

    get_name: Callable[[str], str] = staticmethod(str)

    def choices(self, changelist: Any) -> Iterator[Any]:
        names = {str(value): self.get_name(str(value)) or "None" for value in self.lookup_choices}
        for choice in super().choices(changelist):
            value, bracket, count = str(choice["display"]).partition(" (")  # with the number of rows, if it is shown
            yield {**choice, "display": names.get(value, value) + bracket + count}


class CategoryFilter(NamedValuesFilter):
    """Filter by category, such as Utility."""

    get_name = staticmethod(category_name)


class LanguageFilter(NamedValuesFilter):
    """Filter by language, such as German."""

    get_name = staticmethod(language_name)


class KindFilter(NamedValuesFilter):
    """Filter by content type, such as List picker."""

    get_name = staticmethod(kind_name)


@admin.register(MessageTemplate)
class MessageTemplateAdmin(ReadOnlyModelAdmin):
    """Read-only: templates are created and submitted in the Twilio Console."""

    empty_hint = "Create templates in the Twilio Console, then synchronize them here."
    empty_link_model = "channels_whatsapp.WhatsAppAccount"
    list_display = ("name", "approval_pill", "language_name", "kind", "category_name", "account")
    list_filter = (
        "approval",
        ("category", CategoryFilter),
        ("language", LanguageFilter),
        ("content_type", KindFilter),
        "account",
        AvailabilityFilter,
    )
    list_select_related = ("account",)
    search_fields = ("name", "text", "content_sid")
    search_help_text = "Name, text or Content SID"
    ordering = ("name", "language", "pk")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    "approval_pill",
                    "rejection_reason",
                    "language_name",
                    "category_name",
                    "kind",
                    "account",
                )
            },
        ),
        ("Variables", {"fields": ("examples",)}),
        ("In Twilio", {"fields": ("content_sid", "last_synced", "removed_since")}),
    )
    readonly_fields = (
        "approval_pill",
        "language_name",
        "category_name",
        "kind",
        "examples",
        "last_synced",
        "removed_since",
    )

    @admin.display(description="Status", ordering="approval")
    def approval_pill(self, template: Any) -> SafeString:
        if template.removed_at:
            return render_pill("Removed", "quiet")
        return render_pill(template.get_approval_display(), APPROVAL_TONES.get(template.approval, "quiet"))

    @admin.display(description="Language", ordering="language")
    def language_name(self, template: MessageTemplate) -> str:
        return language_name(template.language)

    @admin.display(description="Category", ordering="category", empty_value="")
    def category_name(self, template: MessageTemplate) -> str:
        return category_name(template.category)

    @admin.display(description="Type", ordering="content_type")
    def kind(self, template: MessageTemplate) -> str:
        return kind_name(template.content_type)

    @admin.display(description="Last synced", ordering="synced_at")
    def last_synced(self, template: MessageTemplate) -> str:
        return format_timestamp(template.synced_at)

    @admin.display(description="Removed on", empty_value="")
    def removed_since(self, template: MessageTemplate) -> str:
        return format_timestamp(template.removed_at)

    @admin.display(description="Examples")
    def examples(self, template: MessageTemplate) -> str:
        names = get_variable_names(template.content_type, template.content)
        return ", ".join(f"{name}: {template.variables.get(name, '')}" for name in names) or "None"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        template = self.get_object(request, unquote(object_id))
        extra = {"parts": parse_parts(template.content_type, template.content)} if template else {}
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        extra = {"sync_url": get_sync_url() if request.user.has_perm(SYNC_PERMISSION) else ""}
        return super().changelist_view(request, {**extra, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(sync_view))
        return [
            path("sync/", view, name="channels_whatsapp_sync_templates"),
            path("sync/<int:pk>/", view, name="channels_whatsapp_sync_account_templates"),
            *super().get_urls(),
        ]


def get_sync_url(account: WhatsAppAccount | None = None) -> str:
    """Return the URL that syncs this account's templates, or those of all active accounts."""
    if account is None:
        return reverse("admin:channels_whatsapp_sync_templates")
    return reverse("admin:channels_whatsapp_sync_account_templates", args=[account.pk])


def sync_view(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Sync one account and show its page, or all active accounts and show the templates."""
    if not request.user.has_perm(SYNC_PERMISSION):
        raise PermissionDenied
    if pk is not None:
        account = WhatsAppAccount.objects.filter(pk=pk).first()
        if account is None:
            raise PermissionDenied
        show_sync_result(request, account, sync_templates_manually(account))
        page = reverse("admin:channels_whatsapp_whatsappaccount_change", args=[pk])
        return HttpResponseRedirect(f"{page}#templates")
    sync_accounts(request, WhatsAppAccount.objects.filter(is_active=True))
    return HttpResponseRedirect(reverse("admin:channels_whatsapp_messagetemplate_changelist"))


def sync_accounts(request: HttpRequest, accounts: QuerySet[WhatsAppAccount]) -> None:
    """Sync these accounts one after the other, and show the result of each."""
    selected = list(accounts)
    for account in selected:
        show_sync_result(request, account, sync_templates_manually(account), show_account_name=len(selected) > 1)
    if not selected:
        messages.info(request, "No active WhatsApp channel to sync.")
