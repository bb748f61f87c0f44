"""The words by which messages and contacts are found, in tables of their own.

They are stored whenever messages, contacts, their numbers or their ids are saved through these models. A change of a
message's status or of a contact's labels does not touch them.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from django.apps import apps
from django.db import models

from omnichannel.core.text.search_words import build_search_words, fold_text, get_grams, iter_words
from omnichannel.core.word_index import WordIndex, WordsField

if TYPE_CHECKING:
    from omnichannel.conversations.models.contacts import Contact, ContactAddress, ContactBusinessId
    from omnichannel.conversations.models.messages import Message

# The fields of a contact that have words.
NAME_FIELDS: Final = frozenset({"name", "profile_name", "username", "address", "identity"})
MESSAGE_INDEX: Final = WordIndex("conversations_messagewords", "message_id")
CONTACT_INDEX: Final = WordIndex("conversations_contactwords", "contact_id")


class MessageWords(models.Model):
    """The different words of a message's body; empty for a message without text."""

    message = models.OneToOneField("conversations.Message", models.CASCADE, primary_key=True, related_name="+")
    words = WordsField()

    def __str__(self) -> str:
        return f"words of message {self.pk}"


class ContactWords(models.Model):
    """The grams of a contact's names, username and numbers, and its ids."""

    contact = models.OneToOneField("conversations.Contact", models.CASCADE, primary_key=True, related_name="+")
    words = WordsField()

    def __str__(self) -> str:
        return f"words of contact {self.pk}"


class TextKind(StrEnum):
    """The kind of a contact's text; its words in the index begin with the value."""

    NAME = ""
    USERNAME = "@"
    NUMBER = "+"
    ID = "&"


class ContactText(NamedTuple):
    """A word of a contact's names, its username, the digits of a number, or an id."""

    kind: TextKind
    text: str

    def contains(self, part: "ContactText") -> bool:
        """Return whether it is found by this part: an id by its beginning, other texts by any part."""
        is_found = self.text.startswith(part.text) if self.kind is TextKind.ID else part.text in self.text
        return self.kind is part.kind and is_found

    def get_index_words(self) -> list[str]:
        """Return the words for the index."""
        mark = self.kind.value
        texts = [self.text] if self.kind is TextKind.ID else get_grams(self.text)
        return [mark + text for text in texts] if mark else texts


def iter_contact_texts(contact: "Contact") -> Iterator[ContactText]:
    """Yield the texts by which a contact is found."""
    yield from iter_own_texts(contact)
    for row in (*contact.addresses.all(), *contact.business_scoped_ids.all()):
        yield from row.iter_texts()


def iter_own_texts(contact: "Contact") -> Iterator[ContactText]:
    """Yield the texts in a contact's own row: without its additional numbers and its ids."""
    for name in filter(None, (contact.name, contact.profile_name)):
        yield from (ContactText(TextKind.NAME, word) for word in iter_words(fold_text(name)))
    yield ContactText(TextKind.USERNAME, plain_text(contact.username))
    if contact.identity is not None:
        yield from iter_number_texts(contact.address, contact.identity)


def iter_number_texts(*addresses: str) -> Iterator[ContactText]:
    """Yield the different digits of these addresses."""
    spellings = dict.fromkeys(re.sub(r"[^0-9]", "", address) for address in addresses)
    return (ContactText(TextKind.NUMBER, digits) for digits in spellings)


def iter_id_texts(business_scoped_id: str) -> Iterator[ContactText]:
    """Yield an id, and what follows each of its dots: people leave out the country."""
    parts = business_scoped_id.split(".")
    return (ContactText(TextKind.ID, plain_text(".".join(parts[start:]))) for start in range(len(parts)))


def plain_text(text: str) -> str:
    """Return the text in lower case, with an underscore for each character that no word of the index has."""
    return re.sub(r"[^0-9a-z_.\-\u0080-\U0010ffff]|\s", "_", text.lower())


def store_message_words(messages: Iterable["Message"], using: str = "default") -> None:
    """Store the words of these messages, in one statement on PostgreSQL."""
    MESSAGE_INDEX.store({message.pk: build_search_words(message.body) for message in messages}, using=using)


def store_contact_words(contact_ids: Collection[int], using: str = "default") -> None:
    """Store the words of contacts anew, from their names, all their numbers and their ids."""
    contacts = apps.get_model("conversations", "Contact").objects.using(using)
    with_numbers = contacts.order_by().prefetch_related("addresses", "business_scoped_ids")
    rows = with_numbers.filter(pk__in=contact_ids).only(*NAME_FIELDS)
    CONTACT_INDEX.store({row.pk: _build_words(iter_contact_texts(row)) for row in rows}, using=using)


def store_new_contact_words(contacts: Iterable["Contact"], using: str = "default") -> None:
    """Store the words of contacts that have no additional numbers and no ids yet, in one statement on PostgreSQL."""
    CONTACT_INDEX.store({contact.pk: _build_words(iter_own_texts(contact)) for contact in contacts}, using=using)


def add_contact_words(rows: Iterable["ContactAddress | ContactBusinessId"], using: str = "default") -> None:
    """Add the words of additional numbers and of ids to those of their contacts, in one statement on PostgreSQL."""
    texts: dict[int, list[ContactText]] = {}
    for row in rows:
        texts.setdefault(row.contact_id, []).extend(row.iter_texts())
    CONTACT_INDEX.store({key: _build_words(own) for key, own in texts.items()}, using=using, add=True)


def _build_words(texts: Iterable[ContactText]) -> list[str]:
    """Return the different words of these texts."""
    return list(dict.fromkeys(word for text in texts for word in text.get_index_words()))
