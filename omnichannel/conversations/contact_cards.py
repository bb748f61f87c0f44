"""Contact cards: the names, numbers and e-mail addresses in a vCard."""

import logging
from itertools import islice
from typing import NotRequired, TypedDict

import vobject

logger = logging.getLogger(__name__)
MOST_PEOPLE, MOST_NUMBERS = 20, 10  # numbers, and as many e-mail addresses
LONGEST_CARD = 64 * 1024  # the parser takes a second for the worst of this length, and ever longer for more


class Person(TypedDict):
    name: str
    phones: list[str]
    emails: NotRequired[list[str]]


def people_in(card: bytes) -> list[Person]:
    """Everyone in the card; empty for what is no card, never an error."""
    text = card[:LONGEST_CARD].decode("utf-8", errors="replace").replace("\x00", "")  # PostgreSQL takes no NUL
    try:
        found = islice(vobject.readComponents(text, ignoreUnreadable=True, allowQP=True), MOST_PEOPLE)
        return [_person(one) for one in found if one.name == "VCARD"]
    except Exception as error:  # the parser raises whatever it meets in a stranger's file; the file itself stays
        logger.info("A contact card could not be read: %s.", type(error).__name__)
        return []


def _person(card: vobject.base.Component) -> Person:
    names = _values(card, "fn", 200) or ["Unnamed contact"]
    person = Person(name=names[0], phones=_values(card, "tel", 40))
    if emails := [one for one in _values(card, "email", 120) if "@" in one]:
        person["emails"] = emails
    return person


def _values(card: vobject.base.Component, name: str, longest: int) -> list[str]:
    return [str(line.value)[:longest] for line in card.contents.get(name, [])[:MOST_NUMBERS]]
