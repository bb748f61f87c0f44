"""Admin site: grouped sidebar, and sign-in through the product's own page."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, NamedTuple

from django.apps import apps
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.views import PasswordChangeView, redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from omnichannel.core.admin.pages import ProductModelAdmin
from omnichannel.core.password_change import OwnPasswordForm

# Model, label and icon by sidebar group. Models that are not listed appear under "More".
SIDEBAR: list[tuple[str, list[tuple[str, str, str]]]] = [
    (
        "Channels",
        [
            ("channels_whatsapp.WhatsAppAccount", "WhatsApp", "chat"),
            ("channels_whatsapp.WhatsAppNumber", "WhatsApp Numbers", "phone"),
        ],
    ),
    (
        "Work distribution",
        [
            ("routing.WorkStream", "Work streams", "stream"),
            ("routing.Queue", "Queues", "queue"),
            ("routing.Skill", "Skills", "star"),
            ("routing.SkillType", "Skill types", "tag"),
            ("routing.RatingModel", "Rating models", "scale"),
            ("routing.OperatingHours", "Operating hours", "clock"),
        ],
    ),
    (
        "People",
        [
            ("accounts.User", "Users", "users"),
            ("accounts.UserSession", "Sessions", "lock"),
            ("routing.Agent", "Agents", "headset"),
            ("auth.Group", "Roles", "shield"),
            ("routing.Presence", "Presences", "presence"),
        ],
    ),
    (
        "Agent experience",
        [
            ("conversations.AutomatedMessage", "Automated messages", "robot"),
            ("channels_whatsapp.MessageTemplate", "Message templates", "template"),
            ("conversations.OptOutWord", "Opt-out words", "stop"),
            ("routing.ContactField", "Contact fields", "contact"),
            ("conversations.Label", "Labels", "tag"),
            ("conversations.DispositionCode", "Disposition codes", "star"),
            ("conversations.QuickReply", "Quick replies", "quick_replies"),
            ("conversations.QuickReplyTag", "Quick reply tags", "tag"),
        ],
    ),
    (
        "Monitoring",
        [
            ("channels_whatsapp.WebhookDelivery", "Webhook deliveries", "delivery"),
            ("jobs.Lane", "Failed background jobs", "alert"),
            ("conversations.Conversation", "Conversations", "conversation"),
            ("conversations.Contact", "Contacts", "contact"),
            ("axes.AccessAttempt", "Failed sign-ins", "lock"),
            ("axes.AccessFailureLog", "Failed sign-in log", "lock"),
            ("axes.AccessLog", "Sign-in log", "lock"),
        ],
    ),
]
OTHER_GROUP_NAME = "More"
SIMULATOR_URL = "/simulator/"
MAX_BADGE_COUNT = 99


class Attention(NamedTuple):
    """Rows of a list that need attention: their number for the badge, a sentence, and the filter for them."""

    badge: str
    text: str
    query: str


def _build_group(name: str, models: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "app_label": name.lower().replace(" ", "-"),
        "app_url": reverse("admin:index"),
        "has_module_perms": True,
        "models": models,
    }


class OmnichannelAdminSite(AdminSite):
    """Django's admin site with the product's name, sidebar groups and sign-in page."""

    site_header = "Omnichannel"
    site_title = "Omnichannel"
    index_title = "Administration"
    site_url = "/desk/"
    app_index_template = "admin/index.html"
    password_change_template = "admin/accounts/password_change.html"  # noqa: S105 (a template)
    password_change_done_template = "admin/accounts/password_change_done.html"  # noqa: S105 (a template)

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        # Objects are deleted one at a time, on a page that lists the consequences or the reason for a refusal.
        self.disable_action("delete_selected")

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add the address of the Twilio simulator to the context of every page; "" if it is off."""
        is_simulated = settings.WHATSAPP_BACKEND == "simulator"
        return {**super().each_context(request), "simulator_url": SIMULATOR_URL if is_simulated else ""}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return the sidebar groups with the models the user may view, without empty groups."""
        if app_label:
            return super().get_app_list(request, app_label)
        models_by_name = self._models_by_name(request)
        groups = []
        for name, entries in SIDEBAR:
            models = [
                {**models_by_name.pop(model), "name": label, "icon": icon, "attention": self._attention(request, model)}
                for model, label, icon in entries
                if model in models_by_name
            ]
            groups.append(_build_group(name, models))
        groups.append(_build_group(OTHER_GROUP_NAME, list(models_by_name.values())))
        return [group for group in groups if group["models"]]

    def _models_by_name(self, request: HttpRequest) -> dict[str, dict[str, Any]]:
        app_dict: dict[str, Any] = self._build_app_dict(request)
        return {f"{label}.{model['object_name']}": model for label, app in app_dict.items() for model in app["models"]}

    def _attention(self, request: HttpRequest, model_name: str) -> Attention | None:
        """Return how many rows of a model need the user's attention; None if none do."""
        model_admin: Any = self._registry.get(apps.get_model(model_name))
        rows = model_admin.get_rows_needing_attention(request) if isinstance(model_admin, ProductModelAdmin) else None
        count = 0 if rows is None else rows.order_by()[: MAX_BADGE_COUNT + 1].count()
        if not count:
            return None
        badge = f"{MAX_BADGE_COUNT}+" if count > MAX_BADGE_COUNT else str(count)
        return Attention(badge, model_admin.attention_text, model_admin.attention_query)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show Django's page, with a form that limits wrong passwords."""
        request.current_app = self.name
        view = PasswordChangeView.as_view(
            form_class=partial(OwnPasswordForm, request),
            success_url=reverse("admin:password_change_done", current_app=self.name),
            template_name=self.password_change_template,
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return view(request)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """Wrap a view as Django does, but send anonymous users to the product's own sign-in page."""
        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.user.is_anonymous:
                is_sign_out = request.path == reverse("admin:logout")
                return redirect_to_login(reverse("admin:index") if is_sign_out else request.get_full_path())
            response: HttpResponseBase = guarded(request, *args, **kwargs)
            return response

        return inner
