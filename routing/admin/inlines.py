"""Rows on a thing's page: what they are called for those who can't see the head, and duplicates in plain words."""

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
    """Rows whose fields say what they are."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for name, field in form.fields.items():
            widget = getattr(field.widget, "widget", field.widget)
            widget.attrs["aria-label"] = "Remove" if name == DELETION_FIELD_NAME else field.label

    def get_remaining_forms(self) -> list[Any]:
        """The rows that will be there after the save, without those that are wrong in themselves."""
        return [
            form
            for form in self.forms
            if form.is_valid() and form.cleaned_data and not form.cleaned_data.get(DELETION_FIELD_NAME)
        ]

    def get_unique_error_message(self, unique_check: Sequence[str]) -> str:
        return "The same one is listed twice. Remove one of the two."

    def get_form_error(self) -> str:
        return "This is listed twice."


class AccessibleTabularInline(PlainRelatedFieldsMixin, AnyInline):
    """Things edited on the page of what they belong to."""

    formset = AccessibleInlineFormSet
    extra = 0
