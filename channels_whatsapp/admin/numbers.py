"""The admin pages of WhatsApp numbers."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from channels_whatsapp.admin.forms import WhatsAppNumberForm
from channels_whatsapp.models import WhatsAppAccount, WhatsAppNumber
from omnichannel.core.admin.pages import ProductModelAdmin
from routing.models import Channel, WorkStream


@admin.register(WhatsAppNumber)
class WhatsAppNumberAdmin(ProductModelAdmin):
    """Numbers, reached from the page of their account."""

    empty_hint = "Add the WhatsApp numbers of your Twilio account; customers write to them."
    form = WhatsAppNumberForm
    list_display = ("name", "number", "account", "work_stream", "state")
    list_filter = ("is_active", "account")
    list_select_related = ("account", "work_stream")
    search_fields = ("name", "number")
    search_help_text = "Name or number"
    autocomplete_fields = ("account", "work_stream")
    fieldsets = (
        ("Phone number details", {"fields": ("name", "account", "number")}),
        ("Work distribution", {"fields": ("work_stream", "operating_hours")}),
        ("More", {"fields": ("customers_may_attach", "agents_may_attach", "shows_typing_indicator", "is_active")}),
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Preset the account from the URL, and the work stream if there is only one."""
        initial: dict[str, Any] = dict(super().get_changeform_initial_data(request))
        streams = WorkStream.objects.filter(channel=Channel.WHATSAPP)[:2]
        if len(streams) == 1:
            initial.setdefault("work_stream", streams[0].pk)
        return initial

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "account":
            field.widget.can_add_related = False
        return field

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        account_id = request.GET.get("account", "")
        account = WhatsAppAccount.objects.filter(pk=account_id).first() if account_id.isdecimal() else None
        return super().add_view(request, form_url, {"channel": account, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        number = self.get_object(request, unquote(object_id))
        context = {"channel": number.account} if number else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def get_saved_message(self, thing: Any) -> str:
        account_url = reverse("admin:channels_whatsapp_whatsappaccount_change", args=[thing.account_id])
        return format_html('“{}” was saved. <a href="{}">Back to {}</a>', thing, account_url, thing.account)
