"""The admin of context variables and contact fields, which rules can use besides the message itself."""

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
LOCKED_FIELDS = ("name", "type")  # rules and stored values refer to the name and depend on the type


class GeneratedNameFormMixin:
    """Generates an empty name from the display name; put it before the model form."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields = self.fields  # type: ignore[attr-defined]
        if "name" in fields:
            fields["name"].required = False
            fields["name"].help_text = (
                "Lowercase letters, digits and underscores. Leave empty to create it from the display name. "
                "Name and type can’t be changed later."
            )
            fields["name"].widget.attrs["data-name-source"] = "id_display_name"

    def get_taken_names(self) -> Collection[str]:
        """Return the names that are taken."""
        raise NotImplementedError

    def clean_name(self) -> str:
        cleaned: dict[str, Any] = self.cleaned_data  # type: ignore[attr-defined]
        taken_names = self.get_taken_names()
        if cleaned["name"] in taken_names:
            raise ValidationError("This name is already in use.")
        return cleaned["name"] or generate_name(cleaned.get("display_name", ""), taken_names)


class ContextVariableForm(GeneratedNameFormMixin, ChildFormMixin, ContextModelForm):
    """A context variable, whose name is unique in its work stream."""

    class Meta:
        model = ContextVariable
        fields = ("display_name", "name", "type", "found_after")
        labels = {**FIELD_LABELS, "found_after": "Text before the value"}
        help_texts = {
            "found_after": (
                "The value is read from the customer’s first message: everything after this text, up to the end of "
                "the line. Example: “Order number:”. Leave empty if only agents set it."
            ),
        }

    def get_taken_names(self) -> Collection[str]:
        siblings = self.instance.work_stream.context_variables.exclude(pk=self.instance.pk)
        return set(siblings.values_list("name", flat=True))


class ContactFieldForm(GeneratedNameFormMixin, ContactModelForm):
    """A contact field, whose name is unique."""

    class Meta:
        model = ContactField
        fields = ("display_name", "name", "type")
        labels = FIELD_LABELS

    def get_taken_names(self) -> Collection[str]:
        return set(ContactField.objects.exclude(pk=self.instance.pk).values_list("name", flat=True))


class UsedByRulesAdminMixin(AnyPage):
    """Prevents the deletion of an object that rules use; put it before the page's class."""

    deletion_hint = "Change these rules first."

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields = tuple(super().get_readonly_fields(request, obj))
        return (*fields, *LOCKED_FIELDS) if obj else fields

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        rules = [_describe_rule(rule) for variable in objs for rule in get_rules_using(variable)]
        if rules:
            return [], {}, set(), [get_text_list(rules, "and")]
        return super().get_deleted_objects(objs, request)


def _describe_rule(rule: Any) -> str:
    kind = "skill attachment rule" if isinstance(rule, SkillRule) else "routing rule"
    return f"{kind} “{rule}” of {rule.work_stream}"


@admin.register(ContextVariable)
class ContextVariableAdmin(UsedByRulesAdminMixin, ChildAdmin):
    """Context variables, reached from the page of their work stream."""

    form = ContextVariableForm
    parent_field = "work_stream"
    fieldsets = (("General information", {"fields": ("work_stream", "display_name", "name", "type", "found_after")}),)


@admin.register(ContactField)
class ContactFieldAdmin(UsedByRulesAdminMixin, ProductModelAdmin):
    """Fields of each contact, besides name and language."""

    empty_hint = "Contact fields hold what you know about customers, for use in rules."
    form = ContactFieldForm
    list_display = ("display_name", "name", "type")
    search_fields = ("display_name", "name")
    search_help_text = "Name"
    fieldsets = (("General information", {"fields": ("display_name", "name", "type")}),)


CONTEXT_VARIABLE_LIST = RelatedList(
    ContextVariable,
    "work_stream",
    "Context variables",
    "Values stored with each conversation. Rules can check them, agents can edit them, "
    "and automated messages can include them.",
    "New context variable",
    ("Display Name", "Name", "Type", "Text before the value"),
    lambda stream, variables: (
        (variable.display_name, variable.name, variable.get_type_display(), variable.found_after)
        for variable in variables
    ),
    "There are no context variables yet.",
    is_ordered=False,
)
