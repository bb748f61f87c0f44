"""Lists of child objects on their parent's page.

Examples are the rules and variables of a work stream, and the overflow rules of a queue. Ordered lists can be
reordered there; each child has a page of its own.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from routing.admin.settings_admin import RoutingSettingsAdmin


@dataclass(frozen=True)
class RelatedList:
    """A list of children on their parent's page; `build_cells` returns the cells of all rows at once."""

    model: type[Model]
    parent_field: str
    title: str
    help_text: str
    add_label: str
    column_labels: Sequence[str]
    build_cells: Callable[[Any, Iterable[Any]], Iterable[Sequence[object]]]
    empty_hint: str  # what happens without rows
    select_related_fields: Sequence[str] = ()
    prefetch_related_fields: Sequence[str] = ()
    is_ordered: bool = True

    @property
    def model_name(self) -> str:
        return str(self.model._meta.model_name)

    def get_rows(self, parent: Model) -> QuerySet[Any]:
        return self.model._default_manager.filter(**{self.parent_field: parent})

    def get_rows_with_cells(self, parent: Model) -> list[tuple[Any, Sequence[object]]]:
        """Return each row with its cells."""
        rows = list(
            self.get_rows(parent)
            .select_related(*self.select_related_fields)
            .prefetch_related(*self.prefetch_related_fields)
        )
        return list(zip(rows, self.build_cells(parent, rows), strict=True))

    def has_permission(self, request: HttpRequest, verb: str) -> bool:
        return bool(request.user.has_perm(f"{self.model._meta.app_label}.{verb}_{self.model_name}"))

    def get_url(self, verb: str, *args: object) -> str:
        return reverse(f"admin:{self.model._meta.app_label}_{self.model_name}_{verb}", args=args)


def apply_order_change(ids: Sequence[int], form: QueryDict) -> list[int]:
    """Return the ids in the posted order: one moved up or down, or all reordered; ignore unknown ids."""
    order = [int(pk) for pk in form.get("order", "").split(",") if pk.isdecimal()]
    ordered = sorted(ids, key=lambda pk: order.index(pk) if pk in order else len(order))
    for direction, step in (("up", -1), ("down", 1)):
        pk = form.get(direction, "")
        if pk.isdecimal() and int(pk) in ordered:
            index = ordered.index(int(pk))
            ordered.insert(max(index + step, 0), ordered.pop(index))
    return ordered


class ParentAdmin(RoutingSettingsAdmin):
    """A page with lists of child objects, which can be copied together with its children."""

    related_lists: Sequence[RelatedList] = ()
    copy_function: Callable[[Any], Model]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        parent = self.get_object(request, unquote(object_id))
        context: dict[str, Any] = {"related_lists": [], "copy_url": ""}
        if parent is not None:
            context["related_lists"] = [
                self._build_list_context(request, related_list, parent)
                for related_list in self.related_lists
                if related_list.has_permission(request, "view")
            ]
            if self.has_add_permission(request):
                context["copy_url"] = reverse(f"admin:{self._copy_url_name}", args=[quote(parent.pk)])
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def _build_list_context(self, request: HttpRequest, related_list: RelatedList, parent: Model) -> dict[str, Any]:
        rows = [
            {"pk": row.pk, "url": related_list.get_url("change", row.pk), "cells": cells, "name": str(row)}
            for row, cells in related_list.get_rows_with_cells(parent)
        ]
        can_add = related_list.has_permission(request, "add")
        can_order = related_list.is_ordered and related_list.has_permission(request, "change")
        return {
            "definition": related_list,
            "rows": rows,
            "add_url": f"{related_list.get_url('add')}?{related_list.parent_field}={parent.pk}" if can_add else "",
            "order_url": self._get_order_url(related_list, parent) if can_order else "",
        }

    @property
    def _order_url_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_order"

    def _get_order_url(self, related_list: RelatedList, parent: Model) -> str:
        return reverse(f"admin:{self._order_url_name}", args=[quote(parent.pk), related_list.model_name])

    def get_urls(self) -> list[URLPattern]:
        order = self.admin_site.admin_view(require_POST(self.order_view))
        copy = self.admin_site.admin_view(require_POST(self.copy_view))
        return [
            path("<path:object_id>/order/<str:name>/", order, name=self._order_url_name),
            path("<path:object_id>/copy/", copy, name=self._copy_url_name),
            *super().get_urls(),
        ]

    @property
    def _copy_url_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_copy"

    def copy_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Copy the object and show the copy."""
        original = self.get_object(request, unquote(object_id))
        if original is None or not self.has_add_permission(request):
            raise PermissionDenied
        duplicate = self.copy_function(original)
        self.log_addition(request, duplicate, [{"added": {}}])
        self.message_user(request, format_html("“{}” was created. Edit it as needed.", duplicate), messages.SUCCESS)
        return HttpResponseRedirect(self.get_change_url(duplicate))

    def order_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Save a new order of children and show the page."""
        parent = self.get_object(request, unquote(object_id))
        related_list = next((item for item in self.related_lists if item.model_name == name and item.is_ordered), None)
        if parent is None or related_list is None or not related_list.has_permission(request, "change"):
            raise PermissionDenied
        with transaction.atomic():
            rows = related_list.get_rows(parent)
            ids = apply_order_change([row.pk for row in rows.select_for_update()], request.POST)
            for position, pk in enumerate(ids, start=1):
                rows.filter(pk=pk).update(position=position)
            self.log_change(request, parent, f"Changed order of {related_list.title.lower()}.")
        if not request.accepts("text/html"):
            return JsonResponse({"order": ids})
        self.message_user(request, "Order saved.", messages.SUCCESS)
        return HttpResponseRedirect(f"{self.get_change_url(parent)}#{related_list.model_name}")


class ChildAdmin(RoutingSettingsAdmin):
    """The page of a child object, reached from its parent's page and leading back there."""

    parent_field = ""
    change_form_template = "admin/routing/child.html"

    def get_model_perms(self, request: HttpRequest) -> dict[str, bool]:
        """Keep the model out of the sidebar."""
        return {}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (self.parent_field,)

    def get_parent_admin(self) -> Any:
        return self.admin_site._registry[self.model._meta.get_field(self.parent_field).related_model]

    def _get_parent_list_url(self) -> str:
        opts = self.get_parent_admin().opts
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")

    def get_parent_from_request(self, request: HttpRequest) -> Any:
        """Return the new child's parent; None without a valid one in the URL."""
        return self.get_parent_admin().get_object(request, request.GET.get(self.parent_field, ""))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return HttpResponseRedirect(self._get_parent_list_url())

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        parent = self.get_parent_from_request(request)
        if parent is None:
            noun = self.get_parent_admin().noun
            self.message_user(request, f"Open the {noun} this belongs to and add it there.", messages.INFO)
            return HttpResponseRedirect(self._get_parent_list_url())
        return super().add_view(request, form_url, {**self._build_parent_context(parent), **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        child = self.get_object(request, unquote(object_id))
        context = self._build_parent_context(getattr(child, self.parent_field)) if child else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def _build_parent_context(self, parent: Any) -> dict[str, Any]:
        opts = self.get_parent_admin().opts
        return {
            "parent": parent,
            "parent_url": self.get_parent_admin().get_change_url(parent),
            "parent_plural": str(opts.verbose_name_plural),
            "nav_url": self._get_parent_list_url(),
        }

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Give a new child its parent from the start, so that the form can refer to it."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is None:
            form.parent = (self.parent_field, self.get_parent_from_request(request))
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change and hasattr(obj, "position"):
            siblings = type(obj)._default_manager.filter(**{self.parent_field: getattr(obj, self.parent_field)})
            obj.position = (siblings.aggregate(last=Max("position"))["last"] or 0) + 1
        super().save_model(request, obj, form, change)

    def get_saved_message(self, thing: Any) -> str:
        parent = getattr(thing, self.parent_field)
        url = self.get_parent_admin().get_change_url(parent)
        return format_html('“{}” was saved. <a href="{}">Back to {}</a>', thing, url, parent)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Delete the child and go back to its parent."""
        child = self.get_object(request, unquote(object_id))
        context = self._build_parent_context(getattr(child, self.parent_field)) if child else {}
        response = super().delete_view(request, object_id, {**context, **(extra_context or {})})
        is_deleted = isinstance(response, HttpResponseRedirect) and child is not None
        return HttpResponseRedirect(context["parent_url"]) if is_deleted else response


class ChildFormMixin:
    """A form of a child object; put it before the model form."""

    parent: tuple[str, Any] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.parent is not None:
            name, parent = self.parent
            setattr(self.instance, name, parent)  # type: ignore[attr-defined]
