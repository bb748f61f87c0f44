"""The template picker: the templates to choose from, the variables to fill in and the preview."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channels_whatsapp.message_templates.content import (
    CATEGORY_LABELS,
    KIND_LABELS,
    TemplateParts,
    category_name,
    get_not_sendable_reason,
    get_variable_names,
    kind_name,
    parse_parts,
)
from channels_whatsapp.message_templates.sync import SyncResult
from channels_whatsapp.models import ApprovalStatus, MessageTemplate, WhatsAppAccount
from omnichannel.conversations.automated_messages.triggers import language_fallbacks
from omnichannel.conversations.models import Contact
from omnichannel.core.db import FoldedText
from omnichannel.core.languages import language_name
from omnichannel.core.text.search_words import fold_text
from routing.models import Agent

MAX_CHOICES: Final = 50
MAX_PREVIEW_LENGTH: Final = 160


@dataclass(frozen=True)
class TemplateChoice:
    """A template in the list; with an `unavailable_reason` it can't be chosen."""

    template: MessageTemplate
    unavailable_reason: str

    @property
    def preview(self) -> str:
        return " ".join(self.template.text.split())[:MAX_PREVIEW_LENGTH]

    @property
    def details(self) -> str:
        """Return language, category and kind in one line."""
        template = self.template
        parts = [
            template_language_name(template),
            category_name(template.category),
            kind_name(template.content_type),
        ]
        return " · ".join(dict.fromkeys(filter(None, parts)))


@dataclass(frozen=True)
class VariableField:
    """A variable to fill in."""

    name: str
    key: str
    value: str
    example: str
    error: str

    @property
    def label(self) -> str:
        """Return the label of the field; Twilio's templates number their variables or name them."""
        return _("Variable %(name)s") % {"name": self.name} if self.name.isdecimal() else self.name.replace("_", " ")

    @property
    def placeholder(self) -> str:
        """The example that Twilio knows, if any."""
        return _("For example %(example)s") % {"example": self.example} if self.example else ""


@dataclass(frozen=True)
class SelectedTemplate:
    """The template that is being filled in."""

    template: MessageTemplate
    fields: Sequence[VariableField]
    unavailable_reason: str = ""
    error: str = ""

    @property
    def parts(self) -> TemplateParts:
        return parse_parts(self.template.content_type, self.template.content)

    @property
    def values(self) -> dict[str, str]:
        return {field.name: field.value for field in self.fields}

    @property
    def has_full_preview(self) -> bool:
        """Return whether the preview shows everything the customer sees of this kind of template."""
        return self.template.content_type in KIND_LABELS

    @property
    def details(self) -> str:
        return TemplateChoice(self.template, "").details

    @property
    def autofocus_key(self) -> str:
        """Return the key of the field that gets the focus: the first with an error, else the first."""
        return next((field.key for field in self.fields if field.error), self.fields[0].key if self.fields else "")


class PickerLocation(StrEnum):
    """Where on a page a template picker is; part of the ids of its elements."""

    COMPOSER = "composer"
    DIALOG = "dialog"
    PAGE = "page"
    NEW_CONVERSATION = "new-conversation"


@dataclass(frozen=True)
class TemplatePicker:
    """The template picker; a page may have two of them.

    Attributes:
        preserved_params: Query parameters that are passed on with each step.
    """

    location: PickerLocation
    list_url: str
    choices: Sequence[TemplateChoice] = ()
    has_more: bool = False
    synced_at: datetime | None = None
    sync_url: str = ""
    sync_result: SyncResult | None = None
    query: str = ""
    selected: SelectedTemplate | None = None
    send_url: str = ""
    name_suggestions: Sequence[tuple[str, str]] = ()
    preserved_params: Mapping[str, str] = field(default_factory=dict)
    htmx_include: str = ""
    public_id: uuid.UUID = field(default_factory=uuid.uuid4)

    @property
    def list_search_url(self) -> str:
        """Return the URL of the list with the current search."""
        return f"{self.list_url}?{urlencode({**self.preserved_params, 'location': self.location, 'q': self.query})}"

    @property
    def include_with_search(self) -> str:
        """The selector of the search form, and of what goes along with each step."""
        return ", ".join(filter(None, [f"#templates-search-{self.location}", self.htmx_include]))

    @property
    def count_label(self) -> str:
        """The number of templates that are listed, in words."""
        count = len(self.choices)
        return ngettext("%(count)s template", "%(count)s templates", count) % {"count": count}


def add_choices(
    picker: TemplatePicker, account: WhatsAppAccount, contact: Contact | None, *, window_is_open: bool
) -> TemplatePicker:
    """Return the picker with the templates to choose from and the time they were last synced from Twilio."""
    choices, has_more = find_template_choices(account, contact, picker.query, window_is_open=window_is_open)
    return replace(picker, choices=choices, has_more=has_more, synced_at=account.templates_synced_at)


def template_language_name(template: MessageTemplate) -> str:
    """Return the name of the template's language, such as German or Portuguese (Brazil)."""
    return language_name(template.language)


def find_template_choices(
    account: WhatsAppAccount, contact: Contact | None, query: str, *, window_is_open: bool
) -> tuple[list[TemplateChoice], bool]:
    """Return the account's templates that match the query, and whether there are more of them.

    Templates that can be sent come first, and among these the templates in the customer's language.
    """
    matches = _search_templates(account.templates.filter(removed_at=None), query)
    ordered = matches.annotate(rank=_language_rank(contact)).order_by(
        _approval_rank(), "rank", "name", "language", "pk"
    )
    recipient = contact.address if contact else ""
    templates = list(ordered[: MAX_CHOICES + 1])
    choices = [
        TemplateChoice(template, get_not_sendable_reason(template, window_is_open=window_is_open, recipient=recipient))
        for template in templates[:MAX_CHOICES]
    ]
    return sorted(choices, key=lambda choice: bool(choice.unavailable_reason)), len(templates) > MAX_CHOICES


def _search_templates(templates: QuerySet[MessageTemplate], query: str) -> QuerySet[MessageTemplate]:
    """Filter to templates in which each word is in the name, the text, the category or the language."""
    templates = templates.alias(plain_name=FoldedText("name"), plain_text=FoldedText("text"))
    for word in fold_text(query).split()[:8]:
        languages = {code for code in _distinct_languages(templates) if word in fold_text(language_name(code))}
        categories = {code for code in CATEGORY_LABELS if word in fold_text(category_name(code))}
        templates = templates.filter(
            Q(plain_name__contains=word)
            | Q(plain_text__contains=word)
            | Q(category__icontains=word)
            | Q(category__in=categories)
            | Q(language__icontains=word)
            | Q(language__in=languages)
        )
    return templates


def _distinct_languages(templates: QuerySet[MessageTemplate]) -> Iterable[str]:
    return templates.order_by().values_list("language", flat=True).distinct()


def _language_rank(contact: Contact | None) -> Case:
    """Rank the customer's language before its variants, and those before all other languages."""
    codes = [code for code in (language_fallbacks(contact) if contact else ()) if code]
    exact = [
        When(Q(language__iexact=code) | Q(language__iexact=code.replace("-", "_")), then=Value(rank))
        for rank, code in enumerate(codes)
    ]
    variants = [When(language__istartswith=codes[-1], then=Value(len(codes)))] if codes else []
    return Case(*exact, *variants, default=Value(99), output_field=IntegerField())


def _approval_rank() -> Case:
    return Case(When(approval=ApprovalStatus.APPROVED, then=Value(0)), default=Value(1), output_field=IntegerField())


def build_selected_template(
    template: MessageTemplate,
    contact: Contact | None,
    *,
    window_is_open: bool,
    submitted_values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> SelectedTemplate:
    """Return the template with a field for each variable.

    Args:
        contact: The customer, if it is known already.
        submitted_values: The values entered so far, by the variable's name.
        errors: Error messages by the variable's name; a message of any other name is shown above the fields.
    """
    errors = errors or {}
    names = get_variable_names(template.content_type, template.content)
    values = submitted_values or {}
    fields = [
        VariableField(
            name, f"variable-{index}", values.get(name, ""), str(template.variables.get(name, "")), errors.get(name, "")
        )
        for index, name in enumerate(names)
    ]
    recipient = contact.address if contact else ""
    reason = get_not_sendable_reason(template, window_is_open=window_is_open, recipient=recipient)
    other_errors = " ".join(text for name, text in errors.items() if name not in names)
    return SelectedTemplate(template, fields, reason, other_errors)


def get_submitted_values(template: MessageTemplate, form: Mapping[str, str]) -> dict[str, str]:
    """Return the values from the submitted form by the variable's name."""
    names = get_variable_names(template.content_type, template.content)
    return {name: form.get(f"variable-{index}", "") for index, name in enumerate(names)}


def get_name_suggestions(contact: Contact | None, agent: Agent) -> list[tuple[str, str]]:
    """Return label and text of the customer's and the agent's names, without duplicates."""
    customer_name = contact.known_name.strip() if contact else ""
    user = agent.user
    suggestions = [
        (_("The customer's name"), customer_name),
        (_("The customer's first name"), customer_name.partition(" ")[0]),
        (_("Your first name"), user.first_name),
        (_("Your name"), user.display_name),
    ]
    return list({name: (label, name) for label, name in reversed(suggestions) if name}.values())[::-1]
