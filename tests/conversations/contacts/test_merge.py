"""Merging two contacts by hand, and unmerging them."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from channels_whatsapp.models import WhatsAppNumber
from omnichannel.conversations.contacts import merge as merges
from omnichannel.conversations.contacts.merge import MergeError, get_undo_error, merge_contacts, undo_merge
from omnichannel.conversations.models import Contact, ContactMerge, Conversation, Label, TimelineEventKind
from omnichannel.conversations.outbound.compose import send_reply
from omnichannel.jobs.models import Lane
from routing.models import Agent, State
from tests import builders
from tests.webhook_client import receive_message

pytestmark = pytest.mark.django_db

HOME_ADDRESS, WORK_ADDRESS = "whatsapp:+4915111111111", "whatsapp:+4915122222222"


@pytest.fixture
def home_contact() -> Contact:
    return builders.create_contact("Amara", address=HOME_ADDRESS)


@pytest.fixture
def work_contact() -> Contact:
    contact = builders.create_contact("Amara Diallo", address=WORK_ADDRESS, language="fr")
    contact.name = "A. Diallo"
    contact.save()
    return contact


def create_conversation_with_message(
    contact: Contact, receiving_number: WhatsAppNumber, text: str = "Hello", **fields: Any
) -> Conversation:
    conversation = builders.create_conversation(contact=contact, number=receiving_number, **fields)
    builders.create_inbound_message(conversation, text)
    return conversation


def receive_from(sender: str, to: WhatsAppNumber, body: str = "It is me again") -> None:
    receive_message(to, From=sender, Body=body)


def message_bodies(conversation: Conversation | int) -> set[str]:
    pk = conversation if isinstance(conversation, int) else conversation.pk
    return set(Conversation.objects.get(pk=pk).messages.values_list("body", flat=True))


def contact_snapshot(contact: Contact) -> dict[str, Any]:
    row = Contact.objects.filter(pk=contact.pk).values().get()
    return {**row, "labels": set(contact.labels.values_list("name", flat=True))}


# -- Merging -----------------------------------------------------------------------------------------------------------


def test_merge_combines_the_data_of_both_contacts(
    number: WhatsAppNumber, sue: Agent, home_contact: Contact, work_contact: Contact
) -> None:
    home_conversation, other_message = (
        create_conversation_with_message(home_contact, number, "From home"),
        create_conversation_with_message(work_contact, builders.create_number(), "From work"),
    )
    work_contact.labels.add(Label.objects.create(name="VIP"))
    Contact.objects.filter(pk=work_contact.pk).update(fields={"group": "gold"})
    done = merge_contacts(home_contact, work_contact, by=sue.user)
    assert Contact.objects.get().pk == home_contact.pk
    home_contact.refresh_from_db()
    assert (home_contact.name, home_contact.language, home_contact.fields) == ("A. Diallo", "fr", {"group": "gold"})
    assert [str(label) for label in home_contact.labels.all()] == ["VIP"]
    assert set(home_contact.conversations.all()) == {home_conversation, other_message}
    assert (done.merged_by, done.source_conversation_ids) == (sue.user, [other_message.pk])
    line = other_message.events.get(kind=TimelineEventKind.CONTACTS_MERGED)
    assert line.actor == sue.user
    assert str(line.text).startswith("Sue merged A. Diallo (")


def test_messages_from_either_number_belong_to_the_merged_contact(
    number: WhatsAppNumber, sue: Agent, home_contact: Contact, work_contact: Contact
) -> None:
    create_conversation_with_message(home_contact, number)
    merge_contacts(home_contact, work_contact, by=sue.user)
    for sender in (WORK_ADDRESS, HOME_ADDRESS, WORK_ADDRESS):
        receive_from(sender, number)
        assert Contact.objects.get().address == sender
    assert Conversation.objects.count() == 1


def test_answers_go_to_the_number_they_wrote_from_last(
    number: WhatsAppNumber, sue: Agent, home_contact: Contact, work_contact: Contact
) -> None:
    create_conversation_with_message(home_contact, number, last_inbound_at=timezone.now() - timedelta(hours=3))
    create_conversation_with_message(work_contact, number)
    merge_contacts(home_contact, work_contact, by=sue.user)
    assert Contact.objects.get().address == WORK_ADDRESS


def test_two_open_conversations_on_a_number_become_one(
    number: WhatsAppNumber, sue: Agent, home_contact: Contact, work_contact: Contact
) -> None:
    dana = builders.create_agent("Dana")
    home_conversation, other_message = (
        create_conversation_with_message(home_contact, number, "One"),
        create_conversation_with_message(work_contact, number, "Two", agent=dana),
    )
    merge_contacts(home_contact, work_contact, by=sue.user)
    assert list(Conversation.objects.all()) == [other_message]
    assert message_bodies(other_message) == {"One", "Two"}
    assert not Conversation.objects.filter(pk=home_conversation.pk).exists()


def test_merging_open_and_waiting_conversations_gives_an_open_one(
    number: WhatsAppNumber, sue: Agent, home_contact: Contact, work_contact: Contact
) -> None:
    away = builders.create_agent("Dana", presence="away")
    waiting = create_conversation_with_message(home_contact, number, agent=away, state=State.WAITING)
    create_conversation_with_message(work_contact, number, "Anybody?", unread_count=1)
    merge_contacts(home_contact, work_contact, by=sue.user)
    waiting.refresh_from_db()
    assert waiting.state == State.OPEN


def test_contacts_with_two_active_agents_cannot_be_merged(
    number: WhatsAppNumber, sue: Agent, home_contact: Contact, work_contact: Contact
) -> None:
    create_conversation_with_message(home_contact, number, agent=builders.create_agent("Dana"))
    create_conversation_with_message(work_contact, number, agent=builders.create_agent("Omar"))
    with pytest.raises(MergeError, match="one with Dana, one with Omar"):
        merge_contacts(home_contact, work_contact, by=sue.user)
    assert Contact.objects.count() == 2


def test_while_a_message_is_being_sent_nothing_is_merged(
    number: WhatsAppNumber, sue: Agent, home_contact: Contact, work_contact: Contact
) -> None:
    dana = builders.create_agent("Dana")
    send_reply(create_conversation_with_message(work_contact, number, agent=dana), author=dana.user, text="Hi")
    with pytest.raises(MergeError, match="still being sent"):
        merge_contacts(home_contact, work_contact, by=sue.user)


def test_an_agent_merges_only_those_of_whom_they_see_everything(number: WhatsAppNumber, home_contact: Contact) -> None:
    orders, secret = builders.create_queue("Orders"), builders.create_queue("Secret")
    dana = builders.create_agent("Dana", queue=orders)
    own_conversation, hidden = builders.create_contact("Mine"), builders.create_contact("Hidden")
    for contact in (home_contact, own_conversation, hidden):
        create_conversation_with_message(contact, builders.create_number(), queue=orders)
    create_conversation_with_message(hidden, builders.create_number(), queue=secret)
    assert list(merges.search_merge_candidates(home_contact, dana.user, "i")) == [own_conversation]
    with pytest.raises(MergeError, match="access to all conversations"):
        merge_contacts(home_contact, hidden, by=dana.user)
    merge_contacts(home_contact, own_conversation, by=dana.user)
    assert not Contact.objects.filter(pk=own_conversation.pk).exists()


@pytest.mark.parametrize("text", ["diallo", "A. D", "+49 1512 2222"])
def test_a_contact_is_found_by_a_part_of_name_or_number(
    sue: Agent, home_contact: Contact, work_contact: Contact, text: str
) -> None:
    assert list(merges.search_merge_candidates(home_contact, sue.user, text)) == [work_contact]
    assert not merges.search_merge_candidates(work_contact, sue.user, " ")


def test_a_contact_is_not_merged_with_itself(sue: Agent, home_contact: Contact) -> None:
    with pytest.raises(MergeError, match="same contact"):
        merge_contacts(home_contact, home_contact, by=sue.user)


# -- Unmerging ---------------------------------------------------------------------------------------------------------


def test_undoing_brings_both_back_as_they_were(
    number: WhatsAppNumber, sue: Agent, home_contact: Contact, work_contact: Contact
) -> None:
    both = Label.objects.create(name="Both")
    home_contact.labels.add(both)
    work_contact.labels.add(both, Label.objects.create(name="VIP"))
    Contact.objects.filter(pk=work_contact.pk).update(fields={"group": "gold"}, blocked_at=timezone.now())
    home_conversation, other_message = (
        create_conversation_with_message(home_contact, number),
        create_conversation_with_message(work_contact, builders.create_number()),
    )
    before = contact_snapshot(home_contact), contact_snapshot(work_contact)
    unmerged = undo_merge(merge_contacts(home_contact, work_contact, by=sue.user), by=sue.user)
    assert (contact_snapshot(home_contact), contact_snapshot(unmerged)) == before
    assert [*home_contact.conversations.all(), *unmerged.conversations.all()] == [home_conversation, other_message]
    assert not home_contact.addresses.exists()
    assert (
        str(other_message.events.get(kind=TimelineEventKind.CONTACTS_UNMERGED).text)
        == "Sue undid the merge with Amara."
    )


@pytest.mark.parametrize("has_agent", [True, False])
def test_unmerge_splits_joined_conversations_with_their_messages(
    number: WhatsAppNumber, sue: Agent, home_contact: Contact, work_contact: Contact, has_agent: bool
) -> None:
    dana = builders.create_agent("Dana")
    home_conversation = create_conversation_with_message(home_contact, number, "One", unread_count=1)
    other_message = create_conversation_with_message(
        work_contact, number, "Two", unread_count=1, agent=dana if has_agent else None
    )
    home_conversation.notes.create(author=sue.user, text="Ours")
    other_message.notes.create(author=sue.user, text="Theirs")
    done = merge_contacts(home_contact, work_contact, by=sue.user)
    assert Conversation.objects.count() == 1
    unmerged = undo_merge(done, by=sue.user)
    home_conversation.refresh_from_db()
    other_message.refresh_from_db()
    assert (home_conversation.contact, other_message.contact) == (home_contact, unmerged)
    assert (message_bodies(home_conversation), message_bodies(other_message)) == ({"One"}, {"Two"})
    assert [home_conversation.notes.get().text, other_message.notes.get().text] == ["Ours", "Theirs"]
    assert (home_conversation.unread_count, other_message.unread_count) == (1, 1)
    assert (home_conversation.state, other_message.state) == (State.OPEN, State.ACTIVE if has_agent else State.OPEN)
    assert (home_conversation.last_message.body, other_message.last_message.body) == ("One", "Two")  # type: ignore[union-attr]
    assert Lane.objects.filter(kind="assign").exists()


def test_unmerge_keeps_the_window_from_an_earlier_conversation(
    number: WhatsAppNumber, sue: Agent, home_contact: Contact, work_contact: Contact
) -> None:
    closed = builders.create_conversation(
        number=number, contact=home_contact, state=State.CLOSED, closed_at=timezone.now()
    )
    started = builders.create_conversation(
        number=number,
        contact=home_contact,
        last_inbound_at=closed.last_inbound_at,
        window_closes_at=closed.window_closes_at,
    )
    create_conversation_with_message(work_contact, number, "Two")
    undo_merge(merge_contacts(home_contact, work_contact, by=sue.user), by=sue.user)
    started.refresh_from_db()
    assert (started.last_inbound_at, started.window_closes_at) == (closed.last_inbound_at, closed.window_closes_at)


def test_unmerge_keeps_later_messages_and_separates_the_numbers(
    number: WhatsAppNumber, sue: Agent, home_contact: Contact, work_contact: Contact
) -> None:
    home_conversation = create_conversation_with_message(home_contact, number, "One")
    other_message = create_conversation_with_message(work_contact, number, "Two")
    done = merge_contacts(home_contact, work_contact, by=sue.user)
    receive_from(WORK_ADDRESS, number, "Since then")
    undo_merge(done, by=sue.user)
    assert message_bodies(home_conversation) == {"One", "Since then"}
    assert message_bodies(other_message) == {"Two"}
    receive_from(WORK_ADDRESS, number, "From work")
    receive_from(HOME_ADDRESS, number, "From home")
    assert message_bodies(other_message) == {"Two", "From work"}
    assert "From home" in message_bodies(home_conversation)
    assert Contact.objects.count() == 2


def test_unmerge_keeps_closed_conversations_closed(
    number: WhatsAppNumber, sue: Agent, home_contact: Contact, work_contact: Contact
) -> None:
    home_conversation, other_message = (
        create_conversation_with_message(home_contact, number),
        create_conversation_with_message(work_contact, number),
    )
    done = merge_contacts(home_contact, work_contact, by=sue.user)
    Conversation.objects.update(state=State.CLOSED, closed_at=timezone.now())
    undo_merge(done, by=sue.user)
    assert set(Conversation.objects.filter(state=State.CLOSED)) == {home_conversation, other_message}


def test_unmerge_keeps_a_name_set_after_the_merge(sue: Agent, home_contact: Contact, work_contact: Contact) -> None:
    done = merge_contacts(home_contact, work_contact, by=sue.user)
    Contact.objects.update(name="Amara D.")
    undo_merge(done, by=sue.user)
    assert Contact.objects.get(pk=home_contact.pk).name == "Amara D."
    assert Contact.objects.get(pk=work_contact.pk).name == "A. Diallo"


def test_of_several_merges_the_latest_is_undone_first(sue: Agent, home_contact: Contact, work_contact: Contact) -> None:
    third = builders.create_contact("Third")
    first, second = (
        merge_contacts(home_contact, work_contact, by=sue.user),
        merge_contacts(home_contact, third, by=sue.user),
    )
    with pytest.raises(MergeError, match="Third was merged into this customer later"):
        undo_merge(first, by=sue.user)
    undo_merge(second, by=sue.user)
    undo_merge(ContactMerge.objects.get(pk=first.pk), by=sue.user)
    assert set(Contact.objects.all()) == {home_contact, work_contact, third}


def test_merge_record_moves_with_a_later_merge(sue: Agent, home_contact: Contact, work_contact: Contact) -> None:
    third = builders.create_contact("Third")
    first = merge_contacts(home_contact, work_contact, by=sue.user)
    second = merge_contacts(third, home_contact, by=sue.user)
    undo_merge(second, by=sue.user)
    undo_merge(ContactMerge.objects.get(pk=first.pk), by=sue.user)
    assert set(Contact.objects.all()) == {home_contact, work_contact, third}


@pytest.mark.parametrize(("person", "may"), [("by", True), ("sue", True), ("other", False)])
def test_only_the_merging_agent_and_supervisors_can_undo(
    sue: Agent, home_contact: Contact, work_contact: Contact, person: str, may: bool
) -> None:
    people = {"by": builders.create_agent("Dana"), "sue": sue, "other": builders.create_agent("Omar")}
    done = merge_contacts(home_contact, work_contact, by=people["by"].user)
    assert (get_undo_error(done, people[person].user) == "") is may


def test_merge_cannot_be_undone_after_thirty_days(sue: Agent, home_contact: Contact, work_contact: Contact) -> None:
    done = merge_contacts(home_contact, work_contact, by=sue.user)
    done.merged_at = timezone.now() - timedelta(days=31)
    assert get_undo_error(done, sue.user) == "Merges can be undone for 30 days."


def test_merge_cannot_be_undone_twice(sue: Agent, home_contact: Contact, work_contact: Contact) -> None:
    done = merge_contacts(home_contact, work_contact, by=sue.user)
    undo_merge(done, by=sue.user)
    with pytest.raises(MergeError, match="already been undone"):
        undo_merge(done, by=sue.user)


def test_undo_is_refused_when_the_number_belongs_to_another_contact(
    sue: Agent, home_contact: Contact, work_contact: Contact
) -> None:
    done = merge_contacts(home_contact, work_contact, by=sue.user)
    builders.create_contact("New", address=WORK_ADDRESS)
    assert "Another contact now has the number +49" in get_undo_error(done, sue.user)
