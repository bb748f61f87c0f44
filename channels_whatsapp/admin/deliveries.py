"""The admin pages of webhook deliveries: their payload, their state, and the retry of failed ones."""

from functools import reduce
from operator import or_
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from channels_whatsapp.models import DeliveryState, WebhookDelivery, WhatsAppAccount
from channels_whatsapp.webhooks.backlog import TIMERS_WAIT_AFTER, get_backlogs
from channels_whatsapp.webhooks.deliveries import ignore_deliveries, retry_deliveries
from omnichannel.core.admin.pages import ReadOnlyModelAdmin, format_timestamp, render_pill

DELIVERY_STATE_TONES = {
    DeliveryState.STORED: "quiet",
    DeliveryState.APPLIED: "good",
    DeliveryState.FAILED: "bad",
    DeliveryState.IGNORED: "quiet",
}
BACKLOG_WARNING = (
    "Deliveries due since %s are not applied yet: there are more than the desk can apply at a time, or "
    "“manage.py run_worker --only deliveries” is not running."
)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyModelAdmin):
    """Every webhook Twilio delivered; failed and ignored ones can be retried."""

    empty_hint = "Webhooks that Twilio sends appear here. If none arrive, validate the WhatsApp channel."
    empty_link_model = "channels_whatsapp.WhatsAppAccount"
    list_display = ("received_time", "account", "kind", "state_pill", "attempts", "short_error")
    list_display_links = ("received_time",)
    list_filter = ("needs_attention", "state", "kind", "account", "received_at")
    # The other columns have no index: sorting by them would read all deliveries.
    sortable_by = ("received_time",)
    list_select_related = ("account",)
    search_fields = ("fingerprint",)
    search_help_text = "Message SID"
    folds_search = False
    actions = ("retry", "ignore")
    attention_text = "Messages from WhatsApp could not be applied, or were sent to a number that is not set up."
    attention_query = "needs_attention__exact=1"
    fieldsets = (
        (None, {"fields": ("account", "kind", "received_time", "state_pill", "attempts", "next_attempt", "error")}),
        ("Data from Twilio", {"fields": ("parameters",)}),
    )
    readonly_fields = ("received_time", "state_pill", "next_attempt", "parameters")

    @admin.display(description="Received", ordering="received_at")
    def received_time(self, delivery: WebhookDelivery) -> str:
        return format_timestamp(delivery.received_at)

    @admin.display(description="Next attempt")
    def next_attempt(self, delivery: WebhookDelivery) -> str:
        return format_timestamp(delivery.next_attempt_at)

    @admin.display(description="State", ordering="state")
    def state_pill(self, delivery: WebhookDelivery) -> SafeString:
        state = DeliveryState(delivery.state)
        return render_pill(str(state.label), DELIVERY_STATE_TONES[state])

    @admin.display(description="Error", empty_value="")
    def short_error(self, delivery: WebhookDelivery) -> str:
        return delivery.error[:120]

    @admin.display(description="Parameters")
    def parameters(self, delivery: WebhookDelivery) -> SafeString:
        pairs = [(name, value) for name, values in sorted(delivery.payload.items()) for value in _as_list(values)]
        rows = format_html_join("", '<tr><th scope="row">{}</th><td>{}</td></tr>', pairs)
        return format_html('<table class="parameters"><tbody>{}</tbody></table>', rows)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[WebhookDelivery], search_term: str
    ) -> tuple[QuerySet[WebhookDelivery], bool]:
        """Find the deliveries of a message by the beginning of its SID, in the way of `compute_fingerprint`."""
        sid = search_term.strip()
        if not sid:
            return queryset, False
        accounts = WhatsAppAccount.objects.order_by().values_list("pk", flat=True)
        beginnings = [f"{account}:{kind}:{sid}" for account in accounts for kind in ("in", "st")]
        matches = [Q(fingerprint__startswith=beginning) for beginning in beginnings]
        return queryset.filter(reduce(or_, matches, Q(fingerprint=sid))), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Say so when deliveries are not applied in time."""
        is_shown = request.method == "GET" and self.has_view_permission(request)
        if is_shown and (backlogs := get_backlogs(TIMERS_WAIT_AFTER)):
            self.message_user(request, BACKLOG_WARNING % format_timestamp(backlogs[0].due_since), messages.WARNING)
        return super().changelist_view(request, extra_context)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("channels_whatsapp.change_webhookdelivery")

    @admin.action(description="Retry", permissions=["retry"])
    def retry(self, request: HttpRequest, deliveries: QuerySet[WebhookDelivery]) -> None:
        self._retry_deliveries(request, list(deliveries.values_list("pk", flat=True)))

    @admin.action(description="Ignore", permissions=["retry"])
    def ignore(self, request: HttpRequest, deliveries: QuerySet[WebhookDelivery]) -> None:
        count = ignore_deliveries(list(deliveries.values_list("pk", flat=True)))
        noun = "delivery is" if count == 1 else "deliveries are"
        self.message_user(request, f"{count} {noun} ignored now.", messages.SUCCESS)

    def get_rows_needing_attention(self, request: HttpRequest) -> QuerySet[WebhookDelivery] | None:
        return WebhookDelivery.objects.filter(needs_attention=True) if self.has_retry_permission(request) else None

    def _retry_deliveries(self, request: HttpRequest, ids: list[int]) -> None:
        count = retry_deliveries(ids)
        if count:
            noun = "delivery will be" if count == 1 else "deliveries will be"
            self.message_user(request, f"{count} {noun} retried in a few seconds.", messages.SUCCESS)
        else:
            self.message_user(request, "Nothing to retry. These deliveries were already applied.", messages.INFO)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.retry_view))
        return [path("<int:pk>/retry/", view, name="channels_whatsapp_retry"), *super().get_urls()]

    def retry_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Retry one delivery and show its page."""
        delivery = self.get_object(request, str(pk))
        if delivery is None or not self.has_retry_permission(request):
            raise PermissionDenied
        self._retry_deliveries(request, [delivery.pk])
        return HttpResponseRedirect(self.get_change_url(delivery))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        delivery = self.get_object(request, unquote(object_id))
        can_retry = (
            delivery is not None and delivery.state != DeliveryState.APPLIED and self.has_retry_permission(request)
        )
        context = {
            "title": f"{delivery.get_kind_display()} for {delivery.account}" if delivery else None,
            "retry_url": reverse("admin:channels_whatsapp_retry", args=[delivery.pk]) if delivery and can_retry else "",
        }
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})


def _as_list(values: Any) -> list[Any]:
    """Return the value of a form field as a list: single values are stored without one."""
    return values if isinstance(values, list) else [values]
