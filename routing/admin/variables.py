"""Context variables of a work stream, and contact fields: what rules can ask about besides the message itself."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.text import get_text_list

from omnichannel.core.admin.pages import ProductModelAdmin
from routing.admin.related_lists import ChildAdmin, ChildFormMixin, RelatedList
from routing.models import ContactField, ContextVariable, SkillRule
from routing.variables.names import generate_name, get_rules_using

if TYPE_CHECKING:
    ContextModelForm: TypeAlias = forms.ModelForm[ContextVariable]
    ContactModelForm: TypeAlias = forms.ModelForm[ContactField]
    AnyPage: TypeAlias = ProductModelAdmin
else:
    ContextModelForm = ContactModelForm = forms.ModelForm
    AnyPage = object

FIELD_LABELS = {"display_name": "Display Name", "name": "Name", "type": "Type"}
LOCKED_FIELDS = ("name", "type")  # rules, conversations and contacts know it by its name, and keep values of its type


class GeneratedNameFormMixin:
    """The name is made from the display name where it is left empty; put before the model form."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields = self.fields  # type: ignore[attr-defined]
        if "name" in fields:
            fields["name"].required = False
            fields["name"].help_text = (
                "Small letters, digits and underscores. Empty: made from the display name. "
                "Name and type can’t be changed after the first save."
            )
            fields["name"].widget.attrs["data-named-after"] = "id_display_name"

    def get_taken_names(self) -> Collection[str]:
        """Names that are taken."""
        raise NotImplementedError

    def clean_name(self) -> str:
        cleaned: dict[str, Any] = self.cleaned_data  # type: ignore[attr-defined]
        taken = self.get_taken_names()
        if cleaned["name"] in taken:
            raise ValidationError("There is one of this name already.")
        return cleaned["name"] or generate_name(cleaned.get("display_name", ""), taken)


class ContextVariableForm(GeneratedNameFormMixin, ChildFormMixin, ContextModelForm):
    class Meta:
        model = ContextVariable
        fields = ("display_name", "name", "type", "found_after")
        labels = {**FIELD_LABELS, "found_after": "Found after"}
        help_texts = {
            "found_after": "Where a customer’s first message has this text, what stands after it, up to the end of "
            "the line, is the value: “Order number:”. Empty: set by agents only.",
        }

    def get_taken_names(self) -> Collection[str]:
        siblings = self.instance.work_stream.context_variables.exclude(pk=self.instance.pk)
        return set(siblings.values_list("name", flat=True))


class ContactFieldForm(GeneratedNameFormMixin, ContactModelForm):
    class Meta:
        model = ContactField
        fields = ("display_name", "name", "type")
        labels = FIELD_LABELS

    def get_taken_names(self) -> Collection[str]:
        return set(ContactField.objects.exclude(pk=self.instance.pk).values_list("name", flat=True))


class UsedByRulesAdminMixin(AnyPage):
    """A page of something that is kept as long as a rule asks about it; put before the page's class."""

    deletion_hint = "Change these rules first."

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        own = tuple(super().get_readonly_fields(request, obj))
        return (*own, *LOCKED_FIELDS) if obj else own

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        asking = [_describe_rule(rule) for thing in objs for rule in get_rules_using(thing)]
        if asking:
            return [], {}, set(), [get_text_list(asking, "and")]
        return super().get_deleted_objects(objs, request)


def _describe_rule(rule: Any) -> str:
    kind = "skill attachment rule" if isinstance(rule, SkillRule) else "routing rule"
    return f"{kind} “{rule}” of {rule.work_stream}"


@admin.register(ContextVariable)
class ContextVariableAdmin(UsedByRulesAdminMixin, ChildAdmin):
    form = ContextVariableForm
    parent_field = "work_stream"
    fieldsets = (("General information", {"fields": ("work_stream", "display_name", "name", "type", "found_after")}),)


@admin.register(ContactField)
class ContactFieldAdmin(UsedByRulesAdminMixin, ProductModelAdmin):
    """What is known of each customer beside name and language."""

    form = ContactFieldForm
    list_display = ("display_name", "name", "type")
    search_fields = ("display_name", "name")
    search_help_text = "Name"
    fieldsets = (("General information", {"fields": ("display_name", "name", "type")}),)


CONTEXT_VARIABLE_LIST = RelatedList(
    ContextVariable,
    "work_stream",
    "Context variables",
    "Known of each conversation: rules can ask about them, agents see and set them, "
    "and automated messages can say them.",
    "New context variable",
    ("Display Name", "Name", "Type", "Found after"),
    lambda stream, variables: (
        (one.display_name, one.name, one.get_type_display(), one.found_after) for one in variables
    ),
    is_ordered=False,
)
