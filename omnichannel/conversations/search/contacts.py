"""Find contacts by parts of their names, username, numbers, or by the beginning of a business-scoped id."""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from django.db.models import QuerySet

from channels_whatsapp.identity import WHATSAPP_PREFIX, get_identity
from omnichannel.conversations.models import Contact
from omnichannel.conversations.models.search import (
    CONTACT_INDEX,
    ContactText,
    TextKind,
    iter_contact_texts,
    plain_text,
)
from omnichannel.conversations.search.rounds import SECONDS
from omnichannel.core.text.phone_numbers import strip_punctuation
from omnichannel.core.text.search_words import get_required_grams, split_words
from omnichannel.core.time_limited_queries import time_limited_queries
from omnichannel.core.word_index import RequiredWord

MIN_DIGITS: Final = 4
MAX_CONTACTS: Final = 1000
ID_PATTERN: Final = re.compile(r"\A(?:whatsapp:)?[A-Za-z]{0,2}\.?(?:ENT\.)?[A-Za-z0-9]{5,128}\Z")


class ContactQuery:
    """The parts of which a contact must have all of one of the alternatives.

    These are the words of its names; its username, as typed with dots and underscores; the digits of a number, in any
    of its spellings; the beginning of a business-scoped id.
    """

    def __init__(self, query: str, *, min_digits: int = MIN_DIGITS) -> None:
        alternatives = [
            [ContactText(TextKind.NAME, word) for word in split_words(query)],
            *([ContactText(TextKind.NUMBER, digits)] for digits in get_number_variants(query, min_digits)),
            *([text] for text in _iter_username_and_id(query)),
        ]
        self._alternatives = [parts for parts in alternatives if parts]

    @property
    def required_words(self) -> list[list[RequiredWord]]:
        """Return the alternatives for the index; a contact with these words may still lack a long part."""
        return [[word for part in parts for word in _iter_required_words(part)] for parts in self._alternatives]

    def matches(self, contact: Contact) -> bool:
        """Return whether the contact has the parts."""
        texts = list(iter_contact_texts(contact))
        return any(all(any(text.contains(part) for text in texts) for part in parts) for parts in self._alternatives)


def find_contacts(query: str, *, min_digits: int = MIN_DIGITS, limit: int = MAX_CONTACTS) -> Sequence[int]:
    """Return the keys of the newest contacts that a query finds, whoever may see them.

    Raises:
        QueryTimeoutError: it took too long.
    """
    contact_query = ContactQuery(query.strip(), min_digits=min_digits)
    if not contact_query.required_words:
        return []
    with time_limited_queries(SECONDS):
        keys = CONTACT_INDEX.find(contact_query.required_words, limit=limit)
        return [contact.pk for contact in load_texts(keys) if contact_query.matches(contact)]


def load_texts(keys: Collection[int]) -> QuerySet[Contact]:
    """Return these contacts with all their numbers and ids, for ContactQuery.matches."""
    return Contact.objects.filter(pk__in=keys).prefetch_related("addresses", "business_scoped_ids")


def get_number_variants(query: str, min_digits: int = MIN_DIGITS) -> set[str]:
    """Return the digits of the query without leading zeros, as they may be stored.

    These are all digits, those without a trunk zero in parentheses, and those of the number's usual spelling.
    """
    digits = re.sub(r"\D", "", query)
    if len(digits) < min_digits or re.search(r"[^\W\d_]", query):
        return set()
    without_trunk_zero = re.sub(r"\D", "", strip_punctuation(query))
    variants = {re.sub(r"^0+", "", variant) or digits for variant in (digits, without_trunk_zero)}
    return variants | {re.sub(r"\D", "", get_identity(f"+{variant}")) for variant in variants}


def _iter_username_and_id(query: str) -> Iterator[ContactText]:
    username = query.removeprefix("@").lower()
    if username and username == plain_text(username):  # others have characters that no username has
        yield ContactText(TextKind.USERNAME, username)
    if ID_PATTERN.match(query):
        yield ContactText(TextKind.ID, plain_text(query.removeprefix(WHATSAPP_PREFIX)))


def _iter_required_words(part: ContactText) -> Iterator[RequiredWord]:
    grams, are_prefixes = ([part.text], True) if part.kind is TextKind.ID else get_required_grams(part.text)
    return (RequiredWord(f"{part.kind.value}{gram}", are_prefixes) for gram in grams)
