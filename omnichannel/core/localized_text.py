"""Texts that are stored once and translated for each reader.

A text is stored as the catalog's message id and, separately, the values of its placeholders. It is translated when it
is shown, in the reader's language and time zone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from omnichannel.core.text.single_line import single_line

DATETIME_KEY = "at"  # marks a datetime among the stored values


@dataclass(frozen=True)
class LocalizedText:
    """A translatable text, or part of one: the English message id and the values of its placeholders."""

    msgid: str
    values: tuple[tuple[str, Any], ...] = ()
    msgid_plural: str = ""

    def __str__(self) -> str:
        values = {name: _render_value(value) for name, value in self.values}
        if self.msgid_plural:
            return ngettext(self.msgid, self.msgid_plural, dict(self.values)["count"]) % values
        return gettext(self.msgid) % values if values else gettext(self.msgid)

    def to_json(self) -> dict[str, Any]:
        """Return the text as it is stored in JSON."""
        # Rows in the database have these keys: do not rename them without a migration.
        plural = {"msgid_plural": self.msgid_plural} if self.msgid_plural else {}
        return {"msgid": self.msgid, **plural, "values": {name: _value_to_json(value) for name, value in self.values}}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the text that `to_json` stored."""
        values = tuple((name, _value_from_json(value)) for name, value in stored.get("values", {}).items())
        return cls(stored["msgid"], values, stored.get("msgid_plural", ""))


def localized(msgid: str, /, **values: Any) -> LocalizedText:
    """Return the text with these values: strings, integers, datetimes, other texts, and lists of them.

    Anything else, such as an agent or a queue, is stored as its str().
    """
    return LocalizedText(msgid, tuple((name, _normalize_value(value)) for name, value in values.items()))


def localized_plural(msgid: str, msgid_plural: str, /, count: int, **values: Any) -> LocalizedText:
    """Return the text in singular or plural, by the number that is `%(count)s` in it."""
    return LocalizedText(msgid, localized(msgid, count=count, **values).values, msgid_plural)


def _normalize_value(value: Any) -> Any:
    match value:
        case LocalizedText() | datetime() | int() | str():
            return value
        case list() | tuple():
            return tuple(_normalize_value(item) for item in value)
    return str(value)


def _render_value(value: Any) -> str:
    match value:
        case datetime():
            return date_format(timezone.localtime(value), gettext("j M Y, H:i"))
        case tuple():
            return ", ".join(map(_render_value, value))
    return single_line(str(value))


def _value_to_json(value: Any) -> Any:
    match value:
        case LocalizedText():
            return value.to_json()
        case datetime():
            return {DATETIME_KEY: value.isoformat()}
        case tuple():
            return [_value_to_json(item) for item in value]
    return value


def _value_from_json(stored: Any) -> Any:
    match stored:
        case {"msgid": _}:
            return LocalizedText.from_json(stored)
        case dict():
            return datetime.fromisoformat(stored[DATETIME_KEY])
        case list():
            return tuple(map(_value_from_json, stored))
    return stored


class LocalizedTextField(models.JSONField):
    """Model field that stores a LocalizedText as JSON."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> LocalizedText | None:
        stored = super().from_db_value(value, expression, connection)
        return None if stored is None else LocalizedText.from_json(stored)

    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(value.to_json() if isinstance(value, LocalizedText) else value)
