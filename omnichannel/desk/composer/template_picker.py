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

from channels_whatsapp.models import Approval, MessageTemplate, WhatsAppAccount
from channels_whatsapp.template_sync import Synced
from channels_whatsapp.templates import (
    CATEGORIES,
    KINDS,
    Parts,
    category_name,
    kind_name,
    language_name,
    parts_of,
    variables_of,
    why_not,
)
from omnichannel.conversations.automated_messages.triggers import languages_of
from omnichannel.conversations.models import Contact
from routing.models import Agent

MOST: Final = 50
LONGEST_LINE: Final = 160


@dataclass(frozen=True)
class Choice:
    """A template in the list; with a `reason` it can't be chosen."""

    template: MessageTemplate
    reason: str

    @property
    def says(self) -> str:
        return " ".join(self.template.text.split())[:LONGEST_LINE]

    @property
    def details(self) -> str:
        """Language, category and kind."""
        template = self.template
        words = [
            language_of(template),
            category_name(template.category),
            kind_name(template.content_type),
        ]
        return " · ".join(dict.fromkeys(filter(None, words)))


@dataclass(frozen=True)
class Field:
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
class Chosen:
    """The template that is being filled in."""

    template: MessageTemplate
    fields: Sequence[Field]
    reason: str = ""
    error: str = ""

    @property
    def parts(self) -> Parts:
        return parts_of(self.template.content_type, self.template.content)

    @property
    def values(self) -> dict[str, str]:
        return {one.name: one.value for one in self.fields}

    @property
    def is_known(self) -> bool:
        """Whether all that the customer sees of this kind is in the preview."""
        return self.template.content_type in KINDS

    @property
    def details(self) -> str:
        return Choice(self.template, "").details

    @property
    def begins_at(self) -> str:
        """The field to go on in: the first that is wrong, else the first."""
        return next((one.key for one in self.fields if one.error), self.fields[0].key if self.fields else "")


@dataclass(frozen=True)
class Picker:
    """`where` is composer, dialog, page or start: a page may have two of them. `kept` goes along with each step."""

    where: str
    url: str
    choices: Sequence[Choice] = ()
    has_more: bool = False
    synced_at: datetime | None = None
    sync_url: str = ""
    synced: Synced | None = None
    query: str = ""
    chosen: Chosen | None = None
    send_url: str = ""
    offers: Sequence[tuple[str, str]] = ()
    kept: Mapping[str, str] = field(default_factory=dict)
    include: str = ""
    public_id: uuid.UUID = field(default_factory=uuid.uuid4)

    @property
    def back(self) -> str:
        """The address of the list, searched as before."""
        return f"{self.url}?{urlencode({**self.kept, 'where': self.where, 'q': self.query})}"

    @property
    def include_with_search(self) -> str:
        """The selector of the search form, and of what goes along with each step."""
        return ", ".join(filter(None, [f"#templates-search-{self.where}", self.include]))

    @property
    def count_words(self) -> str:
        """The number of templates that are listed, in words."""
        count = len(self.choices)
        return ngettext("%(count)s template", "%(count)s templates", count) % {"count": count}


def with_choices(picker: Picker, account: WhatsAppAccount, contact: Contact | None, *, window_is_open: bool) -> Picker:
    """The picker with what there is to choose from, and when it came over from Twilio."""
    choices, has_more = choices_for(account, contact, picker.query, window_is_open=window_is_open)
    return replace(picker, choices=choices, has_more=has_more, synced_at=account.templates_synced_at)


def language_of(template: MessageTemplate) -> str:
    """German, or Portuguese (Brazil)."""
    return language_name(template.language)


def choices_for(
    account: WhatsAppAccount, contact: Contact | None, query: str, *, window_is_open: bool
) -> tuple[list[Choice], bool]:
    """The channel's templates that match, those that can be sent first, of these those in the customer's language."""
    found = _matching(account.templates.filter(gone_at=None), query)
    listed = list(
        found.annotate(rank=_rank(contact)).order_by(_can_be_sent(), "rank", "name", "language", "pk")[: MOST + 1]
    )
    choices = [Choice(one, why_not(one, window_is_open=window_is_open)) for one in listed[:MOST]]
    return sorted(choices, key=lambda one: bool(one.reason)), len(listed) > MOST


def _matching(templates: QuerySet[MessageTemplate], query: str) -> QuerySet[MessageTemplate]:
    """Every word is in the name, the text, the category or the language."""
    for word in query.split()[:8]:
        languages = {code for code in _languages(templates) if word.casefold() in language_name(code).casefold()}
        categories = {code for code in CATEGORIES if word.casefold() in category_name(code).casefold()}
        templates = templates.filter(
            Q(name__icontains=word)
            | Q(text__icontains=word)
            | Q(category__icontains=word)
            | Q(category__in=categories)
            | Q(language__icontains=word)
            | Q(language__in=languages)
        )
    return templates


def _languages(templates: QuerySet[MessageTemplate]) -> Iterable[str]:
    return templates.order_by().values_list("language", flat=True).distinct()


def _rank(contact: Contact | None) -> Case:
    """The customer's language before its relatives, before all others."""
    spoken = [code for code in (languages_of(contact) if contact else ()) if code]
    exact = [
        When(Q(language__iexact=code) | Q(language__iexact=code.replace("-", "_")), then=Value(place))
        for place, code in enumerate(spoken)
    ]
    relatives = [When(language__istartswith=spoken[-1], then=Value(len(spoken)))] if spoken else []
    return Case(*exact, *relatives, default=Value(99), output_field=IntegerField())


def _can_be_sent() -> Case:
    return Case(When(approval=Approval.APPROVED, then=Value(0)), default=Value(1), output_field=IntegerField())


def chosen(
    template: MessageTemplate,
    *,
    window_is_open: bool,
    given: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Chosen:
    """The template with its variables, what was filled in so far and what is wrong with it."""
    wrong = errors or {}
    names = variables_of(template.content_type, template.content)
    values = given or {}
    fields = [
        Field(
            name, f"variable-{place}", values.get(name, ""), str(template.variables.get(name, "")), wrong.get(name, "")
        )
        for place, name in enumerate(names)
    ]
    reason = why_not(template, window_is_open=window_is_open)
    return Chosen(template, fields, reason, " ".join(text for name, text in wrong.items() if name not in names))


def values_in(template: MessageTemplate, form: Mapping[str, str]) -> dict[str, str]:
    """What was filled in, by the variable's name."""
    names = variables_of(template.content_type, template.content)
    return {name: form.get(f"variable-{place}", "") for place, name in enumerate(names)}


def names_to_offer(contact: Contact | None, agent: Agent) -> list[tuple[str, str]]:
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
