"""Migrations keep the data of earlier versions."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from omnichannel.conversations.contacts.merge import undo_merge
from omnichannel.conversations.models import Contact, ContactBusinessId, ContactMerge, MessageWords
from omnichannel.conversations.search.index import ensure_index
from omnichannel.conversations.search.query import search
from omnichannel.core.word_index import BLOCK_BITS
from tests import builders

pytestmark = pytest.mark.django_db(transaction=True)


def migrate(name: str) -> Any:
    """Migrate `conversations` to this migration and return the models as of then."""
    executor = MigrationExecutor(connection)
    executor.migrate([("conversations", name)])
    return MigrationExecutor(connection).loader.project_state([("conversations", name)]).apps


@pytest.fixture
def earlier_models() -> Iterator[Any]:
    yield migrate("0004_automated_message_text")
    migrate_to_latest()


def migrate_to_latest() -> None:
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes("conversations")
    MigrationExecutor(connection).migrate(latest)


def create_contact(models: Any, address: str, own_id: str = "", *, number: Any = None, identity: str = "") -> Any:
    contact = models.get_model("conversations", "Contact").objects.create(
        address=address, identity=identity or address, external_user_id=own_id
    )
    if number is not None:
        models.get_model("conversations", "Conversation").objects.create(
            contact=contact, number_id=number.pk, work_stream_id=number.work_stream_id, queue_id=get_queue(models)
        )
    return contact


def get_queue(models: Any) -> Any:
    return models.get_model("routing", "Queue").objects.values_list("pk", flat=True).first()


def migrate_forward() -> dict[str, Contact]:
    """Migrate to the table of ids; return the contacts by their address."""
    migrate("0005_contact_business_scoped_ids")
    return {contact.address: contact for contact in Contact.objects.all()}


def get_ids(contact: Contact) -> list[tuple[int, str]]:
    return list(contact.business_scoped_ids.values_list("account", "business_scoped_id"))


def test_an_id_belongs_to_the_account_of_the_latest_conversation(earlier_models: Any) -> None:
    number, other_number = builders.create_number(), builders.create_number()
    create_contact(earlier_models, "whatsapp:+491511", "whatsapp:US.1", number=number)
    create_contact(earlier_models, "whatsapp:US.2", "whatsapp:US.2", number=other_number)
    create_contact(earlier_models, "whatsapp:+491513", "whatsapp:unknown", number=number)
    create_contact(earlier_models, "whatsapp:+491514", "whatsapp:US.4")
    contacts = migrate_forward()
    assert get_ids(contacts["whatsapp:+491511"]) == [(number.account_id, "US.1")]
    assert get_ids(contacts["whatsapp:US.2"]) == [(other_number.account_id, "US.2")]
    assert contacts["whatsapp:US.2"].identity is None
    assert get_ids(contacts["whatsapp:+491513"]) == []
    assert get_ids(contacts["whatsapp:+491514"]) == []  # Which of the two accounts it is for is not known.


def test_the_only_account_gets_ids_of_contacts_without_conversations(earlier_models: Any) -> None:
    number = builders.create_number()
    create_contact(earlier_models, "whatsapp:+491514", "whatsapp:US.4")
    assert get_ids(migrate_forward()["whatsapp:+491514"]) == [(number.account_id, "US.4")]


def test_changed_spellings_of_numbers_get_the_present_identity(earlier_models: Any) -> None:
    create_contact(earlier_models, "whatsapp:+22997123456")
    create_contact(earlier_models, "whatsapp:+22507123456")
    create_contact(earlier_models, "whatsapp:+22998123456")
    create_contact(earlier_models, "whatsapp:+2290198123456")
    contacts = migrate_forward()
    assert contacts["whatsapp:+22997123456"].identity == "whatsapp:+2290197123456"
    assert contacts["whatsapp:+22507123456"].identity == "whatsapp:+2250707123456"
    # The two contacts of one number stay two.
    assert contacts["whatsapp:+22998123456"].identity == "whatsapp:+22998123456"


def test_an_earlier_merge_can_still_be_undone(earlier_models: Any) -> None:
    number, sue = builders.create_number(), builders.create_agent("Sue", role="Supervisor")
    target = create_contact(earlier_models, "whatsapp:+491511", "whatsapp:US.1", number=number)
    fields: dict[str, Any] = {
        "name": "Nour", "profile_name": "", "address": "whatsapp:US.2", "identity": "whatsapp:US.2", "language": "",
        "external_user_id": "whatsapp:US.2", "opted_out_at": None, "opted_out_by_word": False, "blocked_at": None,
        "fields": {}, "labels": [], "created_at": "2026-11-20T12:00:00+00:00",
    }  # fmt: skip
    own_fields = {**fields, "address": target.address, "identity": target.identity, "external_user_id": "whatsapp:US.1"}
    own = {"model": "conversations.contact", "pk": target.pk, "fields": own_fields, "addresses": [], "merges": []}
    source = {**own, "pk": target.pk + 1, "fields": fields, "name": "Nour", "address": "US.2"}
    for address in ("whatsapp:+491511", "whatsapp:US.1", "whatsapp:US.2"):
        earlier_models.get_model("conversations", "ContactAddress").objects.create(
            contact=target, address=address, identity=address
        )
    earlier_models.get_model("conversations", "ContactMerge").objects.create(
        target=target, source_snapshot=source, target_before=own, target_after=own, merged_by_id=sue.user_id
    )
    contact = migrate_forward()["whatsapp:+491511"]
    assert [own_id for _, own_id in get_ids(contact)] == ["US.1", "US.2"]
    assert [extra.address for extra in contact.addresses.all()] == ["whatsapp:+491511"]
    migrate_to_latest()
    restored = undo_merge(ContactMerge.objects.get(), by=sue.user)
    assert (restored.name, restored.identity, get_ids(restored)) == ("Nour", None, [(number.account_id, "US.2")])


def test_the_table_of_ids_can_be_taken_back(earlier_models: Any) -> None:
    number = builders.create_number()
    create_contact(earlier_models, "whatsapp:US.2", "whatsapp:US.2", number=number)
    migrate_forward()
    assert ContactBusinessId.objects.count() == 1
    contact = migrate("0004_automated_message_text").get_model("conversations", "Contact").objects.get()
    assert (contact.external_user_id, contact.identity) == ("whatsapp:US.2", "whatsapp:US.2")


def test_messages_and_contacts_are_found_after_the_migration_of_their_words() -> None:
    conversation = builders.create_conversation()
    bodies = ("order 4711 退货", "", "lamp")
    messages = [builders.create_inbound_message(conversation, body) for body in bodies]
    models = migrate("0008_message_search_text")
    words = dict(zip(messages, ("order 4711 退 货 退货", "", None), strict=True))
    for message, text in words.items():
        models.get_model("conversations", "Message").objects.filter(pk=message.pk).update(search_text=text)
    migrate_to_latest()
    assert MessageWords.objects.count() == 2
    ensure_index()
    supervisor = builders.create_agent("Sue", role="Supervisor").user
    for text in ("order", "4711", "退货", "lamp"):
        assert [result.conversation for result in search(supervisor, text).conversations] == [conversation]
    assert [result.contact for result in search(supervisor, "amara").customers] == [conversation.contact]


def test_an_interrupted_migration_of_words_goes_on_where_it_stopped() -> None:
    conversation = builders.create_conversation()
    first, second = (builders.create_inbound_message(conversation, body) for body in ("lamp", "desk"))
    migrate("0010_search_words")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE conversations_message SET search_text = body")
        cursor.execute("DELETE FROM conversations_messagewords")
    kept = {"sqlite": "'kept'", "postgresql": "'kept'::tsvector"}[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO conversations_messagewords VALUES (%s, {kept})", [first.pk])
    migrate_to_latest()
    words = dict(MessageWords.objects.values_list("pk", "words"))
    assert {pk: text.strip("'") for pk, text in words.items()} == {
        first.pk: "kept",
        second.pk: f"{second.pk >> BLOCK_BITS:x}:desk",
    }
