"""Sentences that are kept, and read later by people of whatever language.

What is kept is the sentence of the catalogue and, apart from it, the names and numbers that belong into it. It becomes
words when it is shown, in the language and the time zone of whoever reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

DATETIME_KEY = "at"  # how a moment is told from a text among the kept values


@dataclass(frozen=True)
class LocalizedText:
    """A sentence, or a piece of one: its words in English, as in the catalogue, and what belongs into them."""

    msgid: str
    values: tuple[tuple[str, Any], ...] = ()
    msgid_plural: str = ""

    def __str__(self) -> str:
        shown = {name: _render_value(value) for name, value in self.values}
        if self.msgid_plural:
            return ngettext(self.msgid, self.msgid_plural, dict(self.values)["count"]) % shown
        return gettext(self.msgid) % shown if shown else gettext(self.msgid)

    def to_json(self) -> dict[str, Any]:
        """As it is kept in JSON."""
        msgid_plural = {"msgid_plural": self.msgid_plural} if self.msgid_plural else {}
        return {
            "msgid": self.msgid,
            **msgid_plural,
            "values": {name: _value_to_json(value) for name, value in self.values},
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """What was kept."""
        values = tuple((name, _value_from_json(value)) for name, value in kept.get("values", {}).items())
        return cls(kept["words"], values, kept.get("plural", ""))


def localized(words: str, **values: Any) -> LocalizedText:
    """The sentence with these values: texts, whole numbers, moments, other pieces, and lists of any of them.

    Anything else, an agent or a queue, goes in by its name.
    """
    return LocalizedText(words, tuple((name, _normalize_value(value)) for name, value in values.items()))


def localized_plural(one: str, several: str, count: int, **values: Any) -> LocalizedText:
    """The sentence for one or for several, whose number is `%(count)s` in it."""
    return LocalizedText(one, localized(one, count=count, **values).values, several)


def _normalize_value(value: Any) -> Any:
    match value:
        case LocalizedText() | datetime() | int() | str():
            return value
        case list() | tuple():
            return tuple(_normalize_value(one) for one in value)
    return str(value)


def _render_value(value: Any) -> str:
    match value:
        case datetime():
            return date_format(timezone.localtime(value), gettext("j M Y, H:i"))
        case tuple():
            return ", ".join(map(_render_value, value))
    return str(value)


def _value_to_json(value: Any) -> Any:
    match value:
        case LocalizedText():
            return value.to_json()
        case datetime():
            return {DATETIME_KEY: value.isoformat()}
        case tuple():
            return [_value_to_json(one) for one in value]
    return value


def _value_from_json(kept: Any) -> Any:
    match kept:
        case {"words": _}:
            return LocalizedText.from_json(kept)
        case dict():
            return datetime.fromisoformat(kept[DATETIME_KEY])
        case list():
            return tuple(map(_value_from_json, kept))
    return kept


class LocalizedTextField(models.JSONField):
    """A sentence of a row."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> LocalizedText | None:
        kept = super().from_db_value(value, expression, connection)
        return None if kept is None else LocalizedText.from_json(kept)

    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(value.to_json() if isinstance(value, LocalizedText) else value)
