"""Where a template is chosen and filled in: what there is to choose, what is to fill in, what the customer will see."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
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
from omnichannel.core.languages import language_name
from routing.models import Agent

MAX_CHOICES: Final = 50
MAX_PREVIEW_LENGTH: Final = 160


@dataclass(frozen=True)
class TemplateChoice:
    """A template in the list; with a `reason` it can't be chosen."""

    template: MessageTemplate
    unavailable_reason: str

    @property
    def preview(self) -> str:
        return " ".join(self.template.text.split())[:MAX_PREVIEW_LENGTH]

    @property
    def details(self) -> str:
        """Language, category and kind."""
        template = self.template
        words = [
            template_language_name(template),
            category_name(template.category),
            kind_name(template.content_type),
        ]
        return " · ".join(dict.fromkeys(filter(None, words)))


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
        """Twilio's templates number their variables, or name them."""
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
        return {one.name: one.value for one in self.fields}

    @property
    def has_full_preview(self) -> bool:
        """Whether all that the customer sees of this kind is in the preview."""
        return self.template.content_type in KIND_LABELS

    @property
    def details(self) -> str:
        return TemplateChoice(self.template, "").details

    @property
    def autofocus_key(self) -> str:
        """The field to go on in: the first that is wrong, else the first."""
        return next((one.key for one in self.fields if one.error), self.fields[0].key if self.fields else "")


@dataclass(frozen=True)
class TemplatePicker:
    """`where` is composer, dialog, page or start: a page may have two of them. `kept` goes along with each step."""

    location: str
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
        """The address of the list, searched as before."""
        return f"{self.list_url}?{urlencode({**self.preserved_params, 'location': self.location, 'q': self.query})}"

    @property
    def include_with_search(self) -> str:
        """The selector of the search form, and of what goes along with each step."""
        return ", ".join(filter(None, [f"#templates-search-{self.location}", self.htmx_include]))

    @property
    def count_words(self) -> str:
        """The number of templates that are listed, in words."""
        count = len(self.choices)
        return ngettext("%(count)s template", "%(count)s templates", count) % {"count": count}


def add_choices(
    picker: TemplatePicker, account: WhatsAppAccount, contact: Contact | None, *, window_is_open: bool
) -> TemplatePicker:
    """The picker with what there is to choose from, and when it came over from Twilio."""
    choices, has_more = find_template_choices(account, contact, picker.query, window_is_open=window_is_open)
    return replace(picker, choices=choices, has_more=has_more, synced_at=account.templates_synced_at)


def template_language_name(template: MessageTemplate) -> str:
    """German, or Portuguese (Brazil)."""
    return language_name(template.language)


def find_template_choices(
    account: WhatsAppAccount, contact: Contact | None, query: str, *, window_is_open: bool
) -> tuple[list[TemplateChoice], bool]:
    """The channel's templates that match, those that can be sent first, of these those in the customer's language."""
    found = _search_templates(account.templates.filter(removed_at=None), query)
    listed = list(
        found.annotate(rank=_language_rank(contact)).order_by(_approval_rank(), "rank", "name", "language", "pk")[
            : MAX_CHOICES + 1
        ]
    )
    choices = [
        TemplateChoice(one, get_not_sendable_reason(one, window_is_open=window_is_open)) for one in listed[:MAX_CHOICES]
    ]
    return sorted(choices, key=lambda one: bool(one.unavailable_reason)), len(listed) > MAX_CHOICES


def _search_templates(templates: QuerySet[MessageTemplate], query: str) -> QuerySet[MessageTemplate]:
    """Every word is in the name, the text, the category or the language."""
    for word in query.split()[:8]:
        languages = {
            code for code in _distinct_languages(templates) if word.casefold() in language_name(code).casefold()
        }
        categories = {code for code in CATEGORY_LABELS if word.casefold() in category_name(code).casefold()}
        templates = templates.filter(
            Q(name__icontains=word)
            | Q(text__icontains=word)
            | Q(category__icontains=word)
            | Q(category__in=categories)
            | Q(language__icontains=word)
            | Q(language__in=languages)
        )
    return templates


def _distinct_languages(templates: QuerySet[MessageTemplate]) -> Iterable[str]:
    return templates.order_by().values_list("language", flat=True).distinct()


def _language_rank(contact: Contact | None) -> Case:
    """The customer's language before its relatives, before all others."""
    spoken = [code for code in (language_fallbacks(contact) if contact else ()) if code]
    exact = [
        When(Q(language__iexact=code) | Q(language__iexact=code.replace("-", "_")), then=Value(place))
        for place, code in enumerate(spoken)
    ]
    relatives = [When(language__istartswith=spoken[-1], then=Value(len(spoken)))] if spoken else []
    return Case(*exact, *relatives, default=Value(99), output_field=IntegerField())


def _approval_rank() -> Case:
    return Case(When(approval=ApprovalStatus.APPROVED, then=Value(0)), default=Value(1), output_field=IntegerField())


def build_selected_template(
    template: MessageTemplate,
    *,
    window_is_open: bool,
    submitted_values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> SelectedTemplate:
    """The template with its variables, what was filled in so far and what is wrong with it."""
    wrong = errors or {}
    names = get_variable_names(template.content_type, template.content)
    values = submitted_values or {}
    fields = [
        VariableField(
            name, f"variable-{place}", values.get(name, ""), str(template.variables.get(name, "")), wrong.get(name, "")
        )
        for place, name in enumerate(names)
    ]
    reason = get_not_sendable_reason(template, window_is_open=window_is_open)
    return SelectedTemplate(
        template, fields, reason, " ".join(text for name, text in wrong.items() if name not in names)
    )


def get_submitted_values(template: MessageTemplate, form: Mapping[str, str]) -> dict[str, str]:
    """What was filled in, by the variable's name."""
    names = get_variable_names(template.content_type, template.content)
    return {name: form.get(f"variable-{place}", "") for place, name in enumerate(names)}


def get_name_suggestions(contact: Contact | None, agent: Agent) -> list[tuple[str, str]]:
    """Names that are often filled in: the customer's and the agent's, each with whose it is."""
    customer = (contact.name or contact.profile_name).strip() if contact else ""
    own, user = agent.user.display_name, agent.user
    offers = [
        (_("The customer's name"), customer),
        (_("The customer's first name"), customer.partition(" ")[0]),
        (_("Your first name"), user.first_name),
        (_("Your name"), own),
    ]
    return list({value: (whose, value) for whose, value in reversed(offers) if value}.values())[::-1]
