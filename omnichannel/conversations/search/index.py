"""Keep the words of messages and contacts complete."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.apps import apps
from django.db import connections, transaction
from django.db.models import Exists, OuterRef, QuerySet

from omnichannel.conversations.models.search import (
    CONTACT_INDEX,
    MESSAGE_INDEX,
    store_contact_words,
    store_message_words,
)

BATCH_SIZE: Final = 2000


def complete_index(using: str, **kwargs: Any) -> None:
    """Complete the index after migrations: on SQLite, one that rebuilds a table drops its triggers."""
    ensure_index(using)


def ensure_index(using: str = "default") -> None:
    """Store the words that are missing, and create the indexes afterwards: loading into them would take longer.

    Each batch has a transaction of its own, so that after an interruption it goes on where it stopped.
    """
    tables = connections[using].introspection.table_names()
    if not {MESSAGE_INDEX.table, CONTACT_INDEX.table} <= set(tables):  # a migration was undone
        return
    for _count in store_missing_words(using):
        pass
    for index in (MESSAGE_INDEX, CONTACT_INDEX):
        index.create(using)


def store_missing_words(using: str = "default") -> Iterator[int]:
    """Store the words of messages and contacts that have none; yield the number of rows after each batch."""
    for model, words in (("Message", "MessageWords"), ("Contact", "ContactWords")):
        own_words = apps.get_model("conversations", words).objects.using(using).filter(pk=OuterRef("pk"))
        rows = apps.get_model("conversations", model).objects.using(using).filter(~Exists(own_words))
        yield from _store_words(rows)


def rebuild_words(using: str = "default") -> Iterator[int]:
    """Store the words of all messages and contacts again; yield the number of rows after each batch."""
    for model in ("Message", "Contact"):
        yield from _store_words(apps.get_model("conversations", model).objects.using(using).all())


def _store_words(rows: QuerySet[Any]) -> Iterator[int]:
    is_message = rows.model._meta.model_name == "message"
    store = _store_message_batch if is_message else _store_contact_batch
    ordered, last_key = rows.order_by("pk").values_list("pk", flat=True), 0
    while keys := list(ordered.filter(pk__gt=last_key)[:BATCH_SIZE]):
        last_key = keys[-1]
        store(rows.model, keys, rows.db)
        yield len(keys)


def _store_message_batch(model: Any, keys: Sequence[int], using: str) -> None:
    """Store the words of these messages; lock them, so that no body changes in between."""
    with transaction.atomic(using):
        messages = model.objects.using(using).select_for_update(no_key=True).order_by("pk")
        store_message_words(messages.filter(pk__in=keys).only("body"), using)


def _store_contact_batch(model: Any, keys: Sequence[int], using: str) -> None:
    """Store the words of these contacts; lock them, so that no name changes in between."""
    with transaction.atomic(using):
        contacts = model.objects.using(using).select_for_update(no_key=True).order_by("pk")
        store_contact_words(list(contacts.filter(pk__in=keys).values_list("pk", flat=True)), using)
