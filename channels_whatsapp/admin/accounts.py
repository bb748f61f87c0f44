"""The admin pages of WhatsApp accounts: credentials, validation and template sync."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Count, ProtectedError, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.utils.text import get_text_list
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from channels_whatsapp.account_validation import (
    MAX_ACCOUNTS,
    CredentialsStatus,
    ValidationReport,
    validate_and_save,
)
from channels_whatsapp.admin import message_templates
from channels_whatsapp.admin.forms import TOKEN_FIELDS, WhatsAppAccountForm
from channels_whatsapp.message_templates.sync import enqueue_sync
from channels_whatsapp.models import (
    ApprovalStatus,
    DeliveryState,
    WebhookDelivery,
    WhatsAppAccount,
    WhatsAppNumber,
)
from omnichannel.core.admin.pages import (
    ProductModelAdmin,
    count_up_to_limit,
    describe_usages,
    format_count,
    render_pill,
)

NUMBER_ADD_URL_NAME = "admin:channels_whatsapp_whatsappnumber_add"


@admin.register(WhatsAppAccount)
class WhatsAppAccountAdmin(ProductModelAdmin):
    """Accounts, with their numbers, the result of the last validation, and template sync."""

    empty_hint = "Connect your Twilio account to receive messages."
    form = WhatsAppAccountForm
    ordering = ("name",)
    list_display = ("name", "account_sid", "number_count", "state", "validation_status")
    list_filter = ("is_active",)
    search_fields = ("name", "account_sid")
    search_help_text = "Name or Account SID"
    actions = ("validate_accounts", "sync_templates")

    def get_queryset(self, request: HttpRequest) -> QuerySet[WhatsAppAccount]:
        active_numbers = Count("numbers", Q(numbers__is_active=True))
        accounts: QuerySet[WhatsAppAccount] = super().get_queryset(request).annotate(numbers_in_use=active_numbers)
        return accounts

    @admin.display(description="Active numbers", ordering="numbers_in_use")
    def number_count(self, account: Any) -> int:
        return int(account.numbers_in_use)

    @admin.display(description="Last validation")
    def validation_status(self, account: WhatsAppAccount) -> SafeString:
        if account.credentials_rejected_at:
            return render_pill("Credentials rejected", "bad")
        if account.validated_at is None:
            return render_pill("Not validated yet")
        failed_count = sum(not finding["ok"] for finding in account.validation_report)
        return render_pill(f"{failed_count} to fix", "warn") if failed_count else render_pill("Valid", "good")

    @admin.action(description="Validate", permissions=["change"])
    def validate_accounts(self, request: HttpRequest, accounts: QuerySet[WhatsAppAccount]) -> None:
        """Validate the selected accounts together and show the result of each."""
        selected = list(accounts[: MAX_ACCOUNTS + 1])
        if len(selected) > MAX_ACCOUNTS:
            self.message_user(request, f"Select at most {MAX_ACCOUNTS} channels to validate at once.", messages.ERROR)
            return
        for account, report in zip(selected, self._validate(selected), strict=True):
            self._show_report(request, report, f"{account.name}: ")

    @admin.action(description="Sync templates", permissions=["change"])
    def sync_templates(self, request: HttpRequest, accounts: QuerySet[WhatsAppAccount]) -> None:
        message_templates.sync_accounts(request, accounts)

    def get_fieldsets(self, request: HttpRequest, obj: WhatsAppAccount | None = None) -> list[Any]:
        """Leave the tokens out for users without change permission: a read-only field would show them."""
        may_change = self.has_change_permission(request, obj) if obj else True
        token_fields = TOKEN_FIELDS if may_change else ()
        remove_fields = ["remove_secondary_auth_token"] if may_change and obj and obj.secondary_auth_token else []
        return [
            ("Twilio account details", {"fields": ["name", "account_sid", *token_fields[:1]]}),
            (
                "More",
                {
                    "classes": ["collapse"],
                    "fields": [*token_fields[1:], *remove_fields, "messaging_service_sid", "is_active"],
                },
            ),
        ]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        # remove_secondary_auth_token is a field of the form only; modelform_factory refuses names unknown to the model.
        names = [name for _, options in self.get_fieldsets(request, obj) for name in options["fields"]]
        kwargs["fields"] = [name for name in names if name != "remove_secondary_auth_token"]
        return super().get_form(request, obj, change=change, **kwargs)

    @method_decorator(sensitive_post_parameters(*TOKEN_FIELDS))
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(request, *args, **kwargs)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        account = self.get_object(request, unquote(object_id))
        extra = self._build_section_context(request, account) if account else {}
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    def _build_section_context(self, request: HttpRequest, account: WhatsAppAccount) -> dict[str, Any]:
        """Return the context of the sections below the account's fields."""
        available, approved = Q(removed_at=None), Q(removed_at=None, approval=ApprovalStatus.APPROVED)
        can_add = request.user.has_perm("channels_whatsapp.add_whatsappnumber")
        return {
            "account": account,
            "numbers": account.numbers.select_related("work_stream"),
            "add_number_url": f"{reverse(NUMBER_ADD_URL_NAME)}?account={account.pk}" if can_add else "",
            "validate_url": reverse("admin:channels_whatsapp_validate", args=[account.pk]),
            "sync_url": message_templates.get_sync_url(account),
            "template_counts": account.templates.aggregate(all=Count("pk", available), approved=Count("pk", approved)),
            "can_validate": self.has_change_permission(request, account),
        }

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.validate_view))
        return [path("<int:pk>/validate/", view, name="channels_whatsapp_validate"), *super().get_urls()]

    def validate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Validate the account as it is stored; answer scripts with JSON, plain forms with a redirect."""
        account = self.get_object(request, str(pk))
        if account is None or not self.has_change_permission(request, account):
            raise PermissionDenied
        [report] = self._validate([account])
        if request.accepts("text/html"):
            self._show_report(request, report)
            return HttpResponseRedirect(self.get_change_url(account) + "#validation")
        html, notices = (
            render_to_string(f"admin/channels_whatsapp/whatsappaccount/{name}.html", {"account": account})
            for name in ("_validation_report", "_notices")
        )
        texts = _get_result_messages(report)
        return JsonResponse({"ok": report.ok, "messages": texts, "html": html, "notices": notices})

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Validate the account after Save and validate."""
        response = super().response_change(request, obj)
        if "_validate" not in request.POST:
            return response
        [report] = self._validate([obj])
        self._show_report(request, report)
        return HttpResponseRedirect(self.get_change_url(obj) + "#validation")

    def _validate(self, accounts: list[WhatsAppAccount]) -> list[ValidationReport]:
        """Validate the accounts, and sync the templates of those that Twilio accepts."""
        reports = validate_and_save(accounts)
        for account, report in zip(accounts, reports, strict=True):
            if report.credentials == CredentialsStatus.ACCEPTED:
                enqueue_sync(account)
        return reports

    def _show_report(self, request: HttpRequest, report: ValidationReport, prefix: str = "") -> None:
        level = messages.SUCCESS if report.ok else messages.ERROR
        for text in _get_result_messages(report):
            self.message_user(request, prefix + text, level)

    # -- Deleting ---------------------------------------------------------------------------------------------------

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, Any], set[Any], list[Any]]:
        """Delete numbers and webhook deliveries with their account, unless a number has conversations."""
        numbers = list(WhatsAppNumber.objects.filter(account__in=objs))
        if usages := describe_usages(numbers):
            return [], {}, set(), [get_text_list(usages, "and")]
        deliveries = WebhookDelivery.objects.filter(account__in=objs)
        related = {
            "WhatsApp phone numbers": len(numbers),
            "webhook deliveries": count_up_to_limit(deliveries),
            "of them not filed in a conversation": count_up_to_limit(deliveries.filter(state=DeliveryState.FAILED)),
        }
        counts = {noun: format_count(count) for noun, count in related.items() if count}
        return [], {self.opts.verbose_name: 1, **counts}, set(), []

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except ProtectedError:  # a message has arrived since the page was opened
            text = "Not deleted: a conversation has started on this channel in the meantime."
            self.message_user(request, text, messages.ERROR)
            return HttpResponseRedirect(request.path)

    def delete_model(self, request: HttpRequest, obj: WhatsAppAccount) -> None:
        """Delete the account with its deliveries and numbers.

        The locks keep webhooks from storing deliveries and conversations for them meanwhile.

        Raises:
            ProtectedError: a number has conversations; nothing is deleted.
        """
        WhatsAppAccount.objects.select_for_update().get(pk=obj.pk)
        numbers = obj.numbers.select_for_update()
        list(numbers)
        numbers.all().delete()
        obj.deliveries.all().delete()
        obj.delete()


def _get_result_messages(report: ValidationReport) -> list[str]:
    """Return one success message, or a message for each failed check with its remedy."""
    if report.ok:
        return ["Validation succeeded. The Account SID, Auth Token and phone numbers are valid."]
    return [str(finding) for finding in report.failed_findings]
