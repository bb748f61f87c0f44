"""Base classes of the admin pages: titles, one Save button, refused deletions and deactivation.

Imports no model, so that every package's admin can use it.
"""

import types
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property, partialmethod
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, cast

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.core.paginator import Paginator
from django.db.models import PROTECT, CharField, ForeignObjectRel, Model, Q, QuerySet, TextField
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst, get_text_list
from django.views.decorators.http import require_POST

from omnichannel.core.db import FoldedText
from omnichannel.core.text.search_words import fold_text

if TYPE_CHECKING:
    ModelAdminBase: TypeAlias = admin.ModelAdmin[Any]
else:
    ModelAdminBase = admin.ModelAdmin


# Counting more rows would take too long in a large database, and tells nobody more.
COUNT_LIMIT = 1000


def render_pill(text: str, tone: str = "quiet") -> SafeString:
    """Return a short state as a pill; `tone` is good, bad, warn or quiet."""
    return format_html('<span class="pill {}">{}</span>', tone, text)


def render_active_pill(is_active: bool) -> SafeString:
    """Return the pill that lists show for active and inactive objects."""
    return render_pill("Active", "good") if is_active else render_pill("Inactive")


def describe_usages(instances: Sequence[Model], labels: Mapping[str, tuple[str, str]] | None = None) -> list[str]:
    """Return the objects that prevent a deletion, counted by model: `2 WhatsApp phone numbers`.

    Args:
        instances: the objects to be deleted, all of one model.
        labels: singular and plural by model label, where the model's verbose names are not clear enough.
    """
    usages = []
    for model, is_related in _get_protecting_filters(instances).items():
        options = model._meta
        names = (options.verbose_name, options.verbose_name_plural)
        if count := count_up_to_limit(model._base_manager.filter(is_related)):
            singular, plural = (labels or {}).get(options.label, names)
            usages.append(f"{format_count(count)} {_lower_first_letter(singular if count == 1 else plural)}")
    return usages


def count_up_to_limit(rows: QuerySet[Any]) -> int:
    """Return the number of rows, at most one more than COUNT_LIMIT."""
    return rows.order_by()[: COUNT_LIMIT + 1].count()


def format_count(count: int) -> str:
    """Return the result of count_up_to_limit as text, `more than 1,000` where counting stopped."""
    return f"more than {COUNT_LIMIT:,}" if count > COUNT_LIMIT else str(count)


def _get_protecting_filters(instances: Sequence[Model]) -> dict[type[Model], Q]:
    """Return the models with a PROTECT foreign key to the objects, each with the filter for its rows."""
    filters: dict[type[Model], Q] = {}
    for relation in instances[0]._meta.get_fields(include_hidden=True) if instances else ():
        if isinstance(relation, ForeignObjectRel) and relation.on_delete is PROTECT:
            model = relation.related_model
            filters[model] = filters.get(model, Q()) | Q(**{f"{relation.field.name}__in": instances})
    return filters


def _lower_first_letter(name: object) -> str:
    text = str(name)
    return text if text.startswith("WhatsApp") else text[:1].lower() + text[1:]


def format_timestamp(moment: datetime | None) -> str:
    """Return a time as lists show it: `22 Nov 2026, 13:20:05`; empty for None."""
    return formats.date_format(timezone.localtime(moment), "j M Y, H:i:s") if moment else ""


def _fold_search_field(model: type[Model], path: str) -> str:
    """Return the search field `user__name` as a comparison of folded texts; other than texts unchanged."""
    *relations, name = path.split(LOOKUP_SEP)
    try:
        for relation in relations:
            model = cast("type[Model]", model._meta.get_field(relation).related_model)
        is_text = isinstance(model._meta.get_field(name), CharField | TextField)
    except FieldDoesNotExist:  # a prefix such as "=", or a lookup
        return path
    return LOOKUP_SEP.join((path, FoldedText.lookup_name, "contains")) if is_text else path


class LimitedPaginator(Paginator):  # type: ignore[type-arg]  # not generic at run time
    """Paginator that counts MAX_ROWS rows at most: counting millions would take longer than showing the page.

    Attributes:
        is_limited: There are more rows, which only filters and the search lead to.
    """

    MAX_ROWS = 10_000

    @cached_property
    def _limited_count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: self.MAX_ROWS + 1].count())

    @cached_property
    def count(self) -> int:
        """The number of rows that have pages."""
        return min(self._limited_count, self.MAX_ROWS)

    @property
    def is_limited(self) -> bool:
        return self._limited_count > self.MAX_ROWS


class PlainRelatedFieldsMixin:
    """Remove the change, view and delete buttons beside related fields; keep the add button."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if isinstance(field and field.widget, RelatedFieldWidgetWrapper):
            field.widget.can_change_related = field.widget.can_delete_related = field.widget.can_view_related = False
        return field


class ProductModelAdmin(PlainRelatedFieldsMixin, ModelAdminBase):
    """Base of all model admins: Save stays on the page, and objects in use are deactivated, not deleted."""

    list_per_page = 50
    show_full_result_count = False
    paginator = LimitedPaginator
    # Advice shown when a deletion is refused and the object can't be deactivated.
    deletion_hint = ""
    # Advice shown in a list without rows.
    empty_hint = ""
    # The list to go to from one without rows whose objects are not added by hand: the label of its model.
    empty_link_model = ""
    # Singular and plural by model label, used when a deletion is refused; see describe_usages.
    usage_labels: ClassVar[Mapping[str, tuple[str, str]]] = {}

    # Whether "ola" finds "Olá". Folding reads every row, so lists of large tables search with what was typed.
    folds_search = True

    # Shown with the number of rows that need attention, and the filter of the list that shows them.
    attention_text = ""
    attention_query = ""

    def get_rows_needing_attention(self, request: HttpRequest) -> QuerySet[Any] | None:
        """Return the rows that need the user's attention, by an index; None if there are none or they can't act."""
        return None

    @property
    def noun(self) -> str:
        return str(self.opts.verbose_name)

    @admin.display(description="State", ordering="is_active")
    def state(self, instance: Any) -> SafeString:
        return render_active_pill(instance.is_active)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form class without colons after its labels."""
        form = super().get_form(request, obj, change=change, **kwargs)
        namespace = {"__init__": partialmethod(form.__init__, label_suffix="")}
        return types.new_class(form.__name__, (form,), exec_body=lambda body: body.update(namespace))

    # -- Titles -----------------------------------------------------------------------------------------------------

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = {"title": capfirst(str(self.opts.verbose_name_plural)), "noun": self.noun}
        empty = {"empty_hint": self.empty_hint, "empty_link": self._get_empty_link(request)}
        return super().changelist_view(request, {**title, **empty, **(extra_context or {})})

    def _get_empty_link(self, request: HttpRequest) -> dict[str, str] | None:
        """Return the title and URL of the list that `empty_link_model` names; None if the user may not see it."""
        linked = next((each for each in self.admin_site._registry if each._meta.label == self.empty_link_model), None)
        if linked is None or not self.admin_site._registry[linked].has_view_permission(request):
            return None
        options = linked._meta
        url = reverse(f"admin:{options.app_label}_{options.model_name}_changelist", current_app=self.admin_site.name)
        return {"title": capfirst(str(options.verbose_name_plural)), "url": url}

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().add_view(request, form_url, {"title": f"New {self.noun}", **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        instance = self.get_object(request, unquote(object_id))
        title = {"title": self.get_page_title(instance), "subtitle": None}
        return super().change_view(request, object_id, form_url, {**title, **(extra_context or {})})

    def get_page_title(self, instance: Any) -> str:
        """Return the heading of an object's page."""
        return str(instance)

    # -- Search -----------------------------------------------------------------------------------------------------

    def get_search_fields(self, request: HttpRequest) -> list[str] | tuple[str, ...]:
        """Return the fields to search, those with text without regard to accents."""
        names = super().get_search_fields(request)
        return [_fold_search_field(self.model, name) for name in names] if self.folds_search else names

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return super().get_search_results(
            request, queryset, fold_text(search_term) if self.folds_search else search_term
        )

    # -- One Save ---------------------------------------------------------------------------------------------------

    def get_change_url(self, instance: Model) -> str:
        """Return the URL of an object's page."""
        return reverse(
            f"admin:{self.opts.app_label}_{self.opts.model_name}_change",
            args=[quote(instance.pk)],
            current_app=self.admin_site.name,
        )

    def get_saved_message(self, instance: Model) -> str:
        """Return the message shown after an object was saved."""
        return format_html("“{}” was saved.", instance)

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

    def _redirect_to_change_page(self, request: HttpRequest, instance: Model) -> HttpResponse:
        self.message_user(request, self.get_saved_message(instance), messages.SUCCESS)
        return HttpResponseRedirect(self.get_change_url(instance))

    # -- Deleting and deactivating ----------------------------------------------------------------------------------

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, Any], set[Any], list[Any]]:
        usages = describe_usages(list(objs), self.usage_labels)
        if usages:
            return [], {}, set(), [get_text_list(usages, "and")]
        return super().get_deleted_objects(objs, request)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        instance = self.get_object(request, unquote(object_id))
        context = {
            "deletion_hint": self.deletion_hint,
            "can_be_deactivated": hasattr(instance, "is_active"),
            "deactivate_url": self._deactivate_url(request, instance),
            "page_url": instance and self.get_change_url(instance),
        }
        return super().delete_view(request, object_id, {**context, **(extra_context or {})})

    def _deactivate_url(self, request: HttpRequest, instance: Any) -> str:
        """Return the URL of the Deactivate button; empty when inactive already or not permitted."""
        if not getattr(instance, "is_active", False) or not self.has_change_permission(request, instance):
            return ""
        return reverse(f"admin:{self._deactivate_name}", args=[quote(instance.pk)], current_app=self.admin_site.name)

    @property
    def _deactivate_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_deactivate"

    def get_urls(self) -> list[URLPattern]:
        deactivate = self.admin_site.admin_view(require_POST(self.deactivate_view))
        return [path("<path:object_id>/deactivate/", deactivate, name=self._deactivate_name), *super().get_urls()]

    def deactivate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Deactivate an object and show its page."""
        instance = self.get_object(request, unquote(object_id))
        if instance is None or not self._deactivate_url(request, instance):
            raise PermissionDenied
        instance.is_active = False
        instance.save(update_fields=["is_active"])
        self.log_change(request, instance, [{"changed": {"fields": ["active"]}}])
        self.message_user(request, format_html("“{}” was deactivated.", instance), messages.SUCCESS)
        return HttpResponseRedirect(self.get_change_url(instance))


class ReadOnlyModelAdmin(ProductModelAdmin):
    """Base of admins whose objects can only be viewed."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
