"""Things that belong to another thing: rules and context variables of a work stream, overflow of a queue.

Their list is a section of the owner's page, where those with an order are moved up and down; each has its own page.
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
    """A list on its owner's page; `cells` gives those of each row, of all rows at once."""

    model: type[Model]
    parent_field: str
    title: str
    help_text: str
    add_label: str
    column_labels: Sequence[str]
    build_cells: Callable[[Any, Iterable[Any]], Iterable[Sequence[object]]]
    select_related_fields: Sequence[str] = ()
    prefetch_related_fields: Sequence[str] = ()
    is_ordered: bool = True

    @property
    def model_name(self) -> str:
        return str(self.model._meta.model_name)

    def get_rows(self, owner: Model) -> QuerySet[Any]:
        return self.model._default_manager.filter(**{self.parent_field: owner})

    def get_rows_with_cells(self, owner: Model) -> list[tuple[Any, Sequence[object]]]:
        """Each row with its cells."""
        rows = list(
            self.get_rows(owner)
            .select_related(*self.select_related_fields)
            .prefetch_related(*self.prefetch_related_fields)
        )
        return list(zip(rows, self.build_cells(owner, rows), strict=True))

    def has_permission(self, request: HttpRequest, verb: str) -> bool:
        return bool(request.user.has_perm(f"{self.model._meta.app_label}.{verb}_{self.model_name}"))

    def get_url(self, verb: str, *args: object) -> str:
        return reverse(f"admin:{self.model._meta.app_label}_{self.model_name}_{verb}", args=args)


def apply_order_change(ids: Sequence[int], asked: QueryDict) -> list[int]:
    """The ids as somebody wants them: one moved up or down, or all in a new order; unknown ones are left out."""
    wanted = [int(pk) for pk in asked.get("order", "").split(",") if pk.isdecimal()]
    new = sorted(ids, key=lambda pk: wanted.index(pk) if pk in wanted else len(wanted))
    for verb, step in (("up", -1), ("down", 1)):
        pk = asked.get(verb, "")
        if pk.isdecimal() and int(pk) in new:
            place = new.index(int(pk))
            new.insert(max(place + step, 0), new.pop(place))
    return new


class ParentAdmin(RoutingSettingsAdmin):
    """A page with lists of what belongs to the thing; and the thing can be copied, with what belongs to it."""

    related_lists: Sequence[RelatedList] = ()
    copy_function: Callable[[Any], Model]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        owner = self.get_object(request, unquote(object_id))
        shown = [
            self._build_list_context(request, listing, owner)
            for listing in self.related_lists
            if listing.has_permission(request, "view")
        ]
        may_copy = owner is not None and self.has_add_permission(request)
        copy_url = reverse(f"admin:{self._copy_url_name}", args=[quote(owner.pk)]) if owner and may_copy else ""
        context = {"related_lists": shown if owner else [], "copy_url": copy_url}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def _build_list_context(self, request: HttpRequest, listing: RelatedList, owner: Model | None) -> dict[str, Any]:
        if owner is None:
            return {}
        rows = [
            {"pk": row.pk, "url": listing.get_url("change", row.pk), "cells": cells, "name": str(row)}
            for row, cells in listing.get_rows_with_cells(owner)
        ]
        add = (
            f"{listing.get_url('add')}?{listing.parent_field}={owner.pk}"
            if listing.has_permission(request, "add")
            else ""
        )
        may_order = listing.is_ordered and listing.has_permission(request, "change")
        order = self._get_order_url(listing, owner) if may_order else ""
        return {"listing": listing, "rows": rows, "add_url": add, "order_url": order}

    @property
    def _order_url_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_order"

    def _get_order_url(self, listing: RelatedList, owner: Model) -> str:
        return reverse(f"admin:{self._order_url_name}", args=[quote(owner.pk), listing.model_name])

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
        """Make a copy, and show it."""
        original = self.get_object(request, unquote(object_id))
        if original is None or not self.has_add_permission(request):
            raise PermissionDenied
        made = self.copy_function(original)
        self.log_addition(request, made, [{"added": {}}])
        self.message_user(request, format_html("“{}” is made. Change what is different.", made), messages.SUCCESS)
        return HttpResponseRedirect(self.get_change_url(made))

    def order_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Put what belongs to the thing into another order and show its page."""
        owner = self.get_object(request, unquote(object_id))
        listing = next((one for one in self.related_lists if one.model_name == name), None)
        if owner is None or listing is None or not listing.is_ordered or not listing.has_permission(request, "change"):
            raise PermissionDenied
        with transaction.atomic():
            ids = apply_order_change([row.pk for row in listing.get_rows(owner).select_for_update()], request.POST)
            for position, pk in enumerate(ids, start=1):
                listing.get_rows(owner).filter(pk=pk).update(position=position)
            self.log_change(request, owner, f"Order of {listing.title.lower()}.")
        if not request.accepts("text/html"):
            return JsonResponse({"order": ids})
        self.message_user(request, "The new order is saved.", messages.SUCCESS)
        return HttpResponseRedirect(f"{self.get_change_url(owner)}#{listing.model_name}")


class ChildAdmin(RoutingSettingsAdmin):
    """The page of something that belongs to an owner, reached from there and leading back there."""

    parent_field = ""
    change_form_template = "admin/routing/part.html"

    def get_model_perms(self, request: HttpRequest) -> dict[str, bool]:
        """No place of its own in the sidebar."""
        return {}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (self.parent_field,)

    def get_parent_admin(self) -> Any:
        return self.admin_site._registry[self.model._meta.get_field(self.parent_field).related_model]

    def _get_parent_list_url(self) -> str:
        opts = self.get_parent_admin().opts
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")

    def get_parent_from_request(self, request: HttpRequest) -> Any:
        """What the new one will belong to; None without a valid one in the address."""
        return self.get_parent_admin().get_object(request, request.GET.get(self.parent_field, ""))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return HttpResponseRedirect(self._get_parent_list_url())

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        owner = self.get_parent_from_request(request)
        if owner is None:
            noun = self.get_parent_admin().noun
            self.message_user(request, f"Open the {noun} that this belongs to, and add it there.", messages.INFO)
            return HttpResponseRedirect(self._get_parent_list_url())
        return super().add_view(request, form_url, {**self._build_parent_context(owner), **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        part = self.get_object(request, unquote(object_id))
        context = self._build_parent_context(getattr(part, self.parent_field)) if part else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def _build_parent_context(self, owner: Any) -> dict[str, Any]:
        opts = self.get_parent_admin().opts
        return {
            "parent_field": owner,
            "owner_url": self.get_parent_admin().get_change_url(owner),
            "owners": str(opts.verbose_name_plural),
            "nav_url": self._get_parent_list_url(),
        }

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """A new one belongs to its owner from the start, so that the form can ask about it."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is None:
            form.parent_field = (self.parent_field, self.get_parent_from_request(request))
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change and hasattr(obj, "position"):
            others = type(obj)._default_manager.filter(**{self.parent_field: getattr(obj, self.parent_field)})
            obj.position = (others.aggregate(last=Max("position"))["last"] or 0) + 1
        super().save_model(request, obj, form, change)

    def get_saved_message(self, thing: Any) -> str:
        owner = getattr(thing, self.parent_field)
        url = self.get_parent_admin().get_change_url(owner)
        return format_html('“{}” is saved. <a href="{}">Back to {}</a>', thing, url, owner)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """As everywhere; from there back to the owner."""
        part = self.get_object(request, unquote(object_id))
        context = self._build_parent_context(getattr(part, self.parent_field)) if part else {}
        response = super().delete_view(request, object_id, {**context, **(extra_context or {})})
        is_gone = isinstance(response, HttpResponseRedirect) and part is not None
        return HttpResponseRedirect(context["owner_url"]) if is_gone else response


class ChildFormMixin:
    """A form of something that belongs to an owner; put before the model form."""

    parent: tuple[str, Any] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.parent is not None:
            name, owner = self.parent
            setattr(self.instance, name, owner)  # type: ignore[attr-defined]
