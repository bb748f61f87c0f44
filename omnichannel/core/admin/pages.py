"""What the administration's pages share: their titles, one Save, and deletions refused in plain words.

It knows no model, so the administration of every package stands on it.
"""

import types
from collections.abc import Mapping
from datetime import datetime
from functools import partialmethod
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.db.models import PROTECT, ForeignObjectRel, Model, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst, get_text_list
from django.views.decorators.http import require_POST

if TYPE_CHECKING:
    ModelAdminBase: TypeAlias = admin.ModelAdmin[Any]
else:
    ModelAdminBase = admin.ModelAdmin


def render_pill(text: str, tone: str = "quiet") -> SafeString:
    """A short state in a list: `tone` is good, bad, warn or quiet."""
    return format_html('<span class="pill {}">{}</span>', tone, text)


def render_active_pill(is_active: bool) -> SafeString:
    """Active or Inactive, as lists show it."""
    return render_pill("Active", "good") if is_active else render_pill("Inactive")


def describe_usages(thing: Model, in_words: Mapping[str, tuple[str, str]] | None = None) -> list[str]:
    """What keeps the thing from being deleted, counted: `2 WhatsApp phone numbers`."""
    found = []
    for model, is_it in _get_protecting_filters(thing).items():
        related = model._meta
        if count := model._base_manager.filter(is_it).count():
            names = (related.verbose_name, related.verbose_name_plural)
            one, several = (in_words or {}).get(related.label, names)
            found.append(f"{count} {_lower_first_letter(one if count == 1 else several)}")
    return found


def _get_protecting_filters(thing: Model) -> dict[type[Model], Q]:
    """The models whose rows keep it from being deleted, and which of their rows do."""
    users: dict[type[Model], Q] = {}
    for relation in thing._meta.get_fields(include_hidden=True):
        if isinstance(relation, ForeignObjectRel) and relation.on_delete is PROTECT:
            model = relation.related_model
            users[model] = users.get(model, Q()) | Q(**{relation.field.name: thing})
    return users


def _lower_first_letter(name: object) -> str:
    words = str(name)
    return words if words.startswith("WhatsApp") else words[:1].lower() + words[1:]


def format_timestamp(when: datetime | None) -> str:
    """A time as lists show it: `22 Nov 2026, 13:20:05`."""
    return formats.date_format(timezone.localtime(when), "j M Y, H:i:s") if when else ""


class PlainRelatedFieldsMixin:
    """Look-ups without the pencil, eye and cross beside them; adding stays where it is allowed."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if isinstance(field and field.widget, RelatedFieldWidgetWrapper):
            field.widget.can_change_related = field.widget.can_delete_related = field.widget.can_view_related = False
        return field


class ProductModelAdmin(PlainRelatedFieldsMixin, ModelAdminBase):
    """A list and a page for each thing. Save stays on the page; what is in use is deactivated, not deleted."""

    list_per_page = 50
    show_full_result_count = False
    # The way out of a refused deletion, for things that can't be deactivated.
    deletion_hint = ""
    # What uses these things, by its model, where the model's own name would tell people nothing: one, and several.
    usage_labels: ClassVar[Mapping[str, tuple[str, str]]] = {}

    @property
    def noun(self) -> str:
        return str(self.opts.verbose_name)

    @admin.display(description="State", ordering="is_active")
    def state(self, thing: Any) -> SafeString:
        return render_active_pill(thing.is_active)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form with its labels as they are, without a colon behind them."""
        form = super().get_form(request, obj, change=change, **kwargs)
        namespace = {"__init__": partialmethod(form.__init__, label_suffix="")}
        return types.new_class(form.__name__, (form,), exec_body=lambda body: body.update(namespace))

    # -- Titles -----------------------------------------------------------------------------------------------------

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = {"title": capfirst(str(self.opts.verbose_name_plural)), "noun": self.noun}
        return super().changelist_view(request, {**title, **(extra_context or {})})

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().add_view(request, form_url, {"title": f"New {self.noun}", **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        thing = self.get_object(request, unquote(object_id))
        title = {"title": self.get_page_title(thing), "subtitle": None}
        return super().change_view(request, object_id, form_url, {**title, **(extra_context or {})})

    def get_page_title(self, thing: Any) -> str:
        """What the thing's page is headed with."""
        return str(thing)

    # -- One Save ---------------------------------------------------------------------------------------------------

    def get_change_url(self, thing: Model) -> str:
        """The address of the thing's page."""
        return reverse(
            f"admin:{self.opts.app_label}_{self.opts.model_name}_change",
            args=[quote(thing.pk)],
            current_app=self.admin_site.name,
        )

    def get_saved_message(self, thing: Model) -> str:
        return format_html("“{}” is saved.", thing)

    def response_add(self, request: HttpRequest, obj: Model, post_url_continue: str | None = None) -> HttpResponse:
        if IS_POPUP_VAR in request.POST:
            return super().response_add(request, obj, post_url_continue)
        return self._redirect_to_change_page(request, obj)

    def response_change(self, request: HttpRequest, obj: Model) -> HttpResponse:
        return (
            super().response_change(request, obj)
            if IS_POPUP_VAR in request.POST
            else self._redirect_to_change_page(request, obj)
        )

    def _redirect_to_change_page(self, request: HttpRequest, thing: Model) -> HttpResponse:
        self.message_user(request, self.get_saved_message(thing), messages.SUCCESS)
        return HttpResponseRedirect(self.get_change_url(thing))

    # -- Deleting and deactivating ----------------------------------------------------------------------------------

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, Any], set[Any], list[Any]]:
        in_use = [use for thing in objs for use in describe_usages(thing, self.usage_labels)]
        if in_use:
            return [], {}, set(), [get_text_list(in_use, "and")]
        return super().get_deleted_objects(objs, request)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        thing = self.get_object(request, unquote(object_id))
        context = {
            "deletion_hint": self.deletion_hint,
            "can_be_deactivated": hasattr(thing, "is_active"),
            "deactivate_url": self._deactivate_url(request, thing),
            "page_url": thing and self.get_change_url(thing),
        }
        return super().delete_view(request, object_id, {**context, **(extra_context or {})})

    def _deactivate_url(self, request: HttpRequest, thing: Any) -> str:
        """Where Deactivate posts to; empty where there is nothing to deactivate or no permission for it."""
        if not getattr(thing, "is_active", False) or not self.has_change_permission(request, thing):
            return ""
        return reverse(f"admin:{self._deactivate_name}", args=[quote(thing.pk)], current_app=self.admin_site.name)

    @property
    def _deactivate_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_deactivate"

    def get_urls(self) -> list[URLPattern]:
        deactivate = self.admin_site.admin_view(require_POST(self.deactivate_view))
        return [path("<path:object_id>/deactivate/", deactivate, name=self._deactivate_name), *super().get_urls()]

    def deactivate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Deactivate the thing and show its page."""
        thing = self.get_object(request, unquote(object_id))
        if thing is None or not self._deactivate_url(request, thing):
            raise PermissionDenied
        thing.is_active = False
        thing.save(update_fields=["is_active"])
        self.log_change(request, thing, [{"changed": {"fields": ["active"]}}])
        self.message_user(request, format_html("“{}” is deactivated.", thing), messages.SUCCESS)
        return HttpResponseRedirect(self.get_change_url(thing))


class ReadOnlyModelAdmin(ProductModelAdmin):
    """Pages to look at: nothing is added, changed or deleted there."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
