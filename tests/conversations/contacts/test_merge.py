"""Two contacts are made one by a person, and parted again."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from channels_whatsapp.models import WhatsAppNumber
from omnichannel.conversations.contacts import merge as merges
from omnichannel.conversations.contacts.merge import MergeError, get_undo_error, merge_contacts, undo_merge
from omnichannel.conversations.models import Contact, ContactMerge, Conversation, Label
from omnichannel.conversations.outbound.compose import send_reply
from omnichannel.jobs.models import Lane
from routing.models import Agent, State
from tests import builders
from tests.webhook_client import deliver, recorded

pytestmark = pytest.mark.django_db

HOME, WORK = "whatsapp:+4915111111111", "whatsapp:+4915122222222"


@pytest.fixture
def number() -> WhatsAppNumber:
    return builders.number()


@pytest.fixture
def sue() -> Agent:
    return builders.agent("Sue", role="Supervisor")


@pytest.fixture
def home() -> Contact:
    return builders.contact("Amara", address=HOME)


@pytest.fixture
def work() -> Contact:
    contact = builders.contact("Amara Diallo", address=WORK, language="fr")
    contact.name = "A. Diallo"
    contact.save()
    return contact


def talks(contact: Contact, on: WhatsAppNumber, said: str = "Hello", **fields: Any) -> Conversation:
    conversation = builders.conversation(of=contact, on=on, **fields)
    builders.inbound(conversation, said)
    return conversation


def writes(sender: str, to: WhatsAppNumber, body: str = "It is me again") -> None:
    form = recorded("text", to, From=sender, Body=body, MessageSid=builders.sid())
    assert deliver(to.account.inbound_url, form).status_code == 200


def said_in(conversation: Conversation | int) -> set[str]:
    pk = conversation if isinstance(conversation, int) else conversation.pk
    return set(Conversation.objects.get(pk=pk).messages.values_list("body", flat=True))


def as_it_is(contact: Contact) -> dict[str, Any]:
    row = Contact.objects.filter(pk=contact.pk).values().get()
    return {**row, "labels": set(contact.labels.values_list("name", flat=True))}


# -- Made one ---------------------------------------------------------------------------------------------------------


def test_all_of_both_is_one_customers(number: WhatsAppNumber, sue: Agent, home: Contact, work: Contact) -> None:
    ours, theirs = talks(home, number, "From home"), talks(work, builders.number(), "From work")
    work.labels.add(Label.objects.create(name="VIP"))
    Contact.objects.filter(pk=work.pk).update(fields={"group": "gold"})
    done = merge_contacts(home, work, by=sue.user)
    assert Contact.objects.get().pk == home.pk
    home.refresh_from_db()
    assert (home.name, home.language, home.fields) == ("A. Diallo", "fr", {"group": "gold"})
    assert [str(label) for label in home.labels.all()] == ["VIP"]
    assert set(home.conversations.all()) == {ours, theirs}
    assert (done.by, done.conversations) == (sue.user, [theirs.pk])
    line = theirs.events.get(kind=merges.MERGED_EVENT)
    assert line.actor == sue.user
    assert str(line.said).startswith("Sue merged A. Diallo (")


def test_who_writes_from_either_number_is_the_one(
    number: WhatsAppNumber, sue: Agent, home: Contact, work: Contact
) -> None:
    talks(home, number)
    merge_contacts(home, work, by=sue.user)
    for sender in (WORK, HOME, WORK):
        writes(sender, number)
        assert Contact.objects.get().address == sender
    assert Conversation.objects.count() == 1


def test_answers_go_to_the_number_they_wrote_from_last(
    number: WhatsAppNumber, sue: Agent, home: Contact, work: Contact
) -> None:
    talks(home, number, wrote=timezone.now() - timedelta(hours=3))
    talks(work, number)
    merge_contacts(home, work, by=sue.user)
    assert Contact.objects.get().address == WORK


def test_two_open_conversations_on_a_number_become_one(
    number: WhatsAppNumber, sue: Agent, home: Contact, work: Contact
) -> None:
    dana = builders.agent("Dana")
    ours, theirs = talks(home, number, "One"), talks(work, number, "Two", with_agent=dana)
    merge_contacts(home, work, by=sue.user)
    assert list(Conversation.objects.all()) == [theirs]
    assert said_in(theirs) == {"One", "Two"}
    assert not Conversation.objects.filter(pk=ours.pk).exists()


def test_an_open_conversation_joined_to_one_that_waited_is_not_left_waiting(
    number: WhatsAppNumber, sue: Agent, home: Contact, work: Contact
) -> None:
    away = builders.agent("Dana", presence="away")
    waiting = talks(home, number, with_agent=away, state=State.WAITING)
    talks(work, number, "Anybody?", unread_count=1)
    merge_contacts(home, work, by=sue.user)
    waiting.refresh_from_db()
    assert waiting.state == State.OPEN


def test_two_agents_at_work_are_not_made_one(number: WhatsAppNumber, sue: Agent, home: Contact, work: Contact) -> None:
    talks(home, number, with_agent=builders.agent("Dana"))
    talks(work, number, with_agent=builders.agent("Omar"))
    with pytest.raises(MergeError, match="one with Dana, one with Omar"):
        merge_contacts(home, work, by=sue.user)
    assert Contact.objects.count() == 2


def test_while_a_message_is_being_sent_nothing_is_merged(
    number: WhatsAppNumber, sue: Agent, home: Contact, work: Contact
) -> None:
    dana = builders.agent("Dana")
    send_reply(talks(work, number, with_agent=dana), author=dana.user, text="Hi")
    with pytest.raises(MergeError, match="still being sent"):
        merge_contacts(home, work, by=sue.user)


def test_an_agent_merges_only_those_of_whom_they_see_everything(number: WhatsAppNumber, home: Contact) -> None:
    orders, secret = builders.queue("Orders"), builders.queue("Secret")
    dana = builders.agent("Dana", queue=orders)
    mine, hidden = builders.contact("Mine"), builders.contact("Hidden")
    for contact in (home, mine, hidden):
        talks(contact, builders.number(), in_queue=orders)
    talks(hidden, builders.number(), in_queue=secret)
    assert list(merges.search_merge_candidates(home, dana.user, "i")) == [mine]
    with pytest.raises(MergeError, match="who may see all conversations"):
        merge_contacts(home, hidden, by=dana.user)
    merge_contacts(home, mine, by=dana.user)
    assert not Contact.objects.filter(pk=mine.pk).exists()


@pytest.mark.parametrize("words", ["diallo", "A. D", "+49 1512 2222"])
def test_a_contact_is_found_by_a_part_of_name_or_number(sue: Agent, home: Contact, work: Contact, words: str) -> None:
    assert list(merges.search_merge_candidates(home, sue.user, words)) == [work]
    assert not merges.search_merge_candidates(work, sue.user, " ")


def test_a_contact_is_not_merged_with_itself(sue: Agent, home: Contact) -> None:
    with pytest.raises(MergeError, match="same contact"):
        merge_contacts(home, home, by=sue.user)


# -- Parted again -----------------------------------------------------------------------------------------------------


def test_undoing_brings_both_back_as_they_were(
    number: WhatsAppNumber, sue: Agent, home: Contact, work: Contact
) -> None:
    both = Label.objects.create(name="Both")
    home.labels.add(both)
    work.labels.add(both, Label.objects.create(name="VIP"))
    Contact.objects.filter(pk=work.pk).update(fields={"group": "gold"}, blocked_at=timezone.now())
    ours, theirs = talks(home, number), talks(work, builders.number())
    before = as_it_is(home), as_it_is(work)
    back = undo_merge(merge_contacts(home, work, by=sue.user), by=sue.user)
    assert (as_it_is(home), as_it_is(back)) == before
    assert [*home.conversations.all(), *back.conversations.all()] == [ours, theirs]
    assert not home.addresses.exists()
    assert str(theirs.events.get(kind=merges.UNMERGED_EVENT).said) == "Sue parted this customer from Amara again."


@pytest.mark.parametrize("has_agent", [True, False])
def test_joined_conversations_are_two_again_each_with_its_own(
    number: WhatsAppNumber, sue: Agent, home: Contact, work: Contact, has_agent: bool
) -> None:
    dana = builders.agent("Dana")
    ours = talks(home, number, "One", unread_count=1)
    theirs = talks(work, number, "Two", unread_count=1, with_agent=dana if has_agent else None)
    ours.notes.create(author=sue.user, text="Ours")
    theirs.notes.create(author=sue.user, text="Theirs")
    done = merge_contacts(home, work, by=sue.user)
    assert Conversation.objects.count() == 1
    back = undo_merge(done, by=sue.user)
    ours.refresh_from_db()
    theirs.refresh_from_db()
    assert (ours.contact, theirs.contact) == (home, back)
    assert (said_in(ours), said_in(theirs)) == ({"One"}, {"Two"})
    assert [ours.notes.get().text, theirs.notes.get().text] == ["Ours", "Theirs"]
    assert (ours.unread_count, theirs.unread_count) == (1, 1)
    assert (ours.state, theirs.state) == (State.OPEN, State.ACTIVE if has_agent else State.OPEN)
    assert (ours.last_message.body, theirs.last_message.body) == ("One", "Two")  # type: ignore[union-attr]
    assert Lane.objects.filter(kind="assign").exists()


def test_what_was_said_since_stays_and_either_number_is_its_own_again(
    number: WhatsAppNumber, sue: Agent, home: Contact, work: Contact
) -> None:
    ours = talks(home, number, "One")
    theirs = talks(work, number, "Two")
    done = merge_contacts(home, work, by=sue.user)
    writes(WORK, number, "Since then")
    undo_merge(done, by=sue.user)
    assert said_in(ours) == {"One", "Since then"}
    assert said_in(theirs) == {"Two"}
    writes(WORK, number, "From work")
    writes(HOME, number, "From home")
    assert said_in(theirs) == {"Two", "From work"}
    assert "From home" in said_in(ours)
    assert Contact.objects.count() == 2


def test_what_was_closed_while_it_was_one_is_closed_when_it_is_two(
    number: WhatsAppNumber, sue: Agent, home: Contact, work: Contact
) -> None:
    ours, theirs = talks(home, number), talks(work, number)
    done = merge_contacts(home, work, by=sue.user)
    Conversation.objects.update(state=State.CLOSED, closed_at=timezone.now())
    undo_merge(done, by=sue.user)
    assert set(Conversation.objects.filter(state=State.CLOSED)) == {ours, theirs}


def test_a_name_given_since_stays(sue: Agent, home: Contact, work: Contact) -> None:
    done = merge_contacts(home, work, by=sue.user)
    Contact.objects.update(name="Amara D.")
    undo_merge(done, by=sue.user)
    assert Contact.objects.get(pk=home.pk).name == "Amara D."
    assert Contact.objects.get(pk=work.pk).name == "A. Diallo"


def test_of_several_merges_the_latest_is_undone_first(sue: Agent, home: Contact, work: Contact) -> None:
    third = builders.contact("Third")
    first, second = merge_contacts(home, work, by=sue.user), merge_contacts(home, third, by=sue.user)
    with pytest.raises(MergeError, match="Third was merged into this customer afterwards"):
        undo_merge(first, by=sue.user)
    undo_merge(second, by=sue.user)
    undo_merge(ContactMerge.objects.get(pk=first.pk), by=sue.user)
    assert set(Contact.objects.all()) == {home, work, third}


def test_a_merge_goes_along_when_its_contact_is_merged_on(sue: Agent, home: Contact, work: Contact) -> None:
    third = builders.contact("Third")
    first = merge_contacts(home, work, by=sue.user)
    second = merge_contacts(third, home, by=sue.user)
    undo_merge(second, by=sue.user)
    undo_merge(ContactMerge.objects.get(pk=first.pk), by=sue.user)
    assert set(Contact.objects.all()) == {home, work, third}


@pytest.mark.parametrize(("who", "may"), [("by", True), ("sue", True), ("other", False)])
def test_who_merged_them_and_supervisors_undo_it(sue: Agent, home: Contact, work: Contact, who: str, may: bool) -> None:
    people = {"by": builders.agent("Dana"), "sue": sue, "other": builders.agent("Omar")}
    done = merge_contacts(home, work, by=people["by"].user)
    assert (get_undo_error(done, people[who].user) == "") is may


def test_after_thirty_days_it_stays_as_it_is(sue: Agent, home: Contact, work: Contact) -> None:
    done = merge_contacts(home, work, by=sue.user)
    done.at = timezone.now() - timedelta(days=31)
    assert get_undo_error(done, sue.user) == "A merge can be undone for 30 days."


def test_a_merge_is_undone_once(sue: Agent, home: Contact, work: Contact) -> None:
    done = merge_contacts(home, work, by=sue.user)
    undo_merge(done, by=sue.user)
    with pytest.raises(MergeError, match="undone already"):
        undo_merge(done, by=sue.user)


def test_a_number_that_somebody_else_has_by_now_is_said(sue: Agent, home: Contact, work: Contact) -> None:
    done = merge_contacts(home, work, by=sue.user)
    builders.contact("New", address=WORK)
    assert "There is another contact with the number +49" in get_undo_error(done, sue.user)
