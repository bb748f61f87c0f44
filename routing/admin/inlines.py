"""Inlines whose fields have accessible labels, with plain messages about duplicates."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.contrib import admin
from django.forms.formsets import DELETION_FIELD_NAME

from omnichannel.core.admin.pages import PlainRelatedFieldsMixin

if TYPE_CHECKING:
    AnyInline: TypeAlias = admin.TabularInline[Any, Any]
    AnyFormSet: TypeAlias = forms.BaseInlineFormSet[Any, Any, Any]
else:
    AnyInline, AnyFormSet = admin.TabularInline, forms.BaseInlineFormSet


class AccessibleInlineFormSet(AnyFormSet):
    """Rows whose fields have an accessible label."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for name, field in form.fields.items():
            widget = getattr(field.widget, "widget", field.widget)
            widget.attrs["aria-label"] = "Remove" if name == DELETION_FIELD_NAME else field.label

    def get_remaining_forms(self) -> list[Any]:
        """Return the valid forms of the rows that will exist after the save."""
        return [
            form
            for form in self.forms
            if form.is_valid() and form.cleaned_data and not form.cleaned_data.get(DELETION_FIELD_NAME)
        ]

    def get_unique_error_message(self, unique_check: Sequence[str]) -> str:
        return "There are duplicates. Remove one of them."

    def get_form_error(self) -> str:
        return "Duplicate entry."


class AccessibleTabularInline(PlainRelatedFieldsMixin, AnyInline):
    """Related objects edited on their parent's page."""

    formset = AccessibleInlineFormSet
    extra = 0
