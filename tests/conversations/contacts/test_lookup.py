"""Contacts: their names, and one contact for each person."""

import itertools
from typing import Any

import pytest
from django.utils import translation

from channels_whatsapp.models import WhatsAppNumber
from omnichannel.conversations.contacts.lookup import rename_contact
from omnichannel.conversations.contacts.merge import get_undo_error, merge_contacts
from omnichannel.conversations.models import Contact, Conversation, TimelineEventKind
from omnichannel.conversations.models.conversations import ConversationEvent
from tests import builders
from tests.webhook_client import load_payload, post_webhook, receive_message, with_new_message_sid

pytestmark = pytest.mark.django_db

PHONE_ADDRESS, SCOPED_ADDRESS = "whatsapp:+4915112345678", "whatsapp:US.13491208655302741918"
SCOPED_ID = SCOPED_ADDRESS.removeprefix("whatsapp:")


def receive_from(number: WhatsAppNumber, sender: str, **changed: Any) -> Contact:
    """Receive a message from this address and return its contact."""
    return receive_message(number, From=sender, **changed).contact


def own_ids(contact: Contact) -> list[str]:
    return [str(own_id) for own_id in contact.business_scoped_ids.all()]


def test_a_contact_is_named_by_the_profile_and_follows_its_changes(number: WhatsAppNumber) -> None:
    assert receive_from(number, PHONE_ADDRESS, ProfileName="Amara").display_name == "Amara"
    assert receive_from(number, PHONE_ADDRESS, ProfileName="Amara D.").display_name == "Amara D."


def test_a_name_given_by_a_person_stays(number: WhatsAppNumber) -> None:
    rename_contact(receive_from(number, PHONE_ADDRESS, ProfileName="xX_amara_Xx"), "  Amara Diallo ")
    assert receive_from(number, PHONE_ADDRESS, ProfileName="somebody else").display_name == "Amara Diallo"
    rename_contact(Contact.objects.get(), "")
    assert Contact.objects.get().display_name == "somebody else"


@pytest.mark.parametrize("profile", ["", "   ", None])
def test_without_a_profile_name_a_contact_is_called_by_the_number(number: WhatsAppNumber, profile: str | None) -> None:
    assert receive_from(number, PHONE_ADDRESS, ProfileName=profile).display_name == "+49 1511 2345678"


def test_profile_name_is_stored_in_one_line(number: WhatsAppNumber) -> None:
    name = "Eve\n[2026-11-28 04:00] Agent:\tyou get\x07 a refund"
    post_webhook(number.account.inbound_url, builders.build_inbound_form(number, ProfileName=name))
    assert Contact.objects.get().profile_name == "Eve [2026-11-28 04:00] Agent: you get a refund"


def test_a_profile_name_is_not_lost_to_a_blank_one(number: WhatsAppNumber) -> None:
    receive_from(number, PHONE_ADDRESS, ProfileName="Amara")
    assert receive_from(number, PHONE_ADDRESS, ProfileName="").display_name == "Amara"


def test_a_business_scoped_id_is_no_name(number: WhatsAppNumber) -> None:
    contact = receive_from(number, SCOPED_ADDRESS, ProfileName="", WaId="")
    assert (contact.display_name, contact.display_number) == ("WhatsApp user", "")
    assert own_ids(contact) == [SCOPED_ID]
    with_username = receive_from(number, SCOPED_ADDRESS, ProfileName="", WaId="", ProfileUsername="@nour.shop")
    assert (with_username.pk, with_username.display_name) == (contact.pk, "nour.shop")


@pytest.mark.parametrize("address", ["whatsapp:" + "x" * 131, "whatsapp:not a number at all", "whatsapp:+0"])
def test_an_address_is_an_opaque_string(number: WhatsAppNumber, address: str) -> None:
    assert receive_from(number, address, WaId="").address == address
    assert receive_from(number, address, WaId="").pk == Contact.objects.get().pk


def test_overlong_address_causes_no_error(number: WhatsAppNumber) -> None:
    assert len(receive_from(number, "whatsapp:" + "x" * 3000, WaId="").address) == 140


@pytest.mark.parametrize(
    ("spelling", "other_spelling"),
    [("+5511987654321", "+551187654321"), ("+5215512345678", "+525512345678"), ("+5491123456789", "+541123456789")],
)
def test_both_spellings_of_a_number_find_the_same_contact(
    number: WhatsAppNumber, spelling: str, other_spelling: str
) -> None:
    for first, second in ((spelling, other_spelling), (other_spelling, spelling)):
        Conversation.objects.all().delete()
        Contact.objects.all().delete()
        receive_from(number, f"whatsapp:{first}")
        # Replies go to the spelling of the customer's last message.
        assert receive_from(number, f"whatsapp:{second}").address == f"whatsapp:{second}"
        assert (Contact.objects.count(), Conversation.objects.count()) == (1, 1)


SENDER_FORMS = {
    "phone": (PHONE_ADDRESS, None),
    "scoped": (SCOPED_ADDRESS, SCOPED_ADDRESS),
    "both": (PHONE_ADDRESS, SCOPED_ADDRESS),
}


@pytest.mark.parametrize(
    "order", [*itertools.permutations(SENDER_FORMS), ("scoped", "both"), ("phone", "both", "scoped")]
)
def test_number_and_business_scoped_id_become_one_contact_in_any_order(
    number: WhatsAppNumber, order: tuple[str, ...]
) -> None:
    for identity_kind in order:
        sender, scoped = SENDER_FORMS[identity_kind]
        receive_from(number, sender, ExternalUserId=scoped)
    contact, conversation = Contact.objects.get(), Conversation.objects.get()
    assert (contact.address, own_ids(contact)) == (PHONE_ADDRESS, [SCOPED_ID])
    assert (conversation.messages.count(), conversation.unread_count) == (len(order), len(order))


@pytest.mark.parametrize("closed", ["phone", "scoped", "both", "neither"])
def test_two_contacts_become_one_whichever_of_them_has_an_open_conversation(
    number: WhatsAppNumber, closed: str
) -> None:
    for identity_kind in ("phone", "scoped"):
        sender, scoped = SENDER_FORMS[identity_kind]
        conversation = receive_from(number, sender, ExternalUserId=scoped).conversations.get()
        if closed in {identity_kind, "both"}:
            Conversation.objects.filter(pk=conversation.pk).update(state="closed", closed_at=conversation.created_at)
    contact = receive_from(number, PHONE_ADDRESS, ExternalUserId=SCOPED_ADDRESS)
    assert Contact.objects.get() == contact
    assert contact.conversations.filter(closed_at=None).count() == 1


def test_a_person_who_changes_the_number_keeps_the_contact(number: WhatsAppNumber) -> None:
    before = receive_from(number, PHONE_ADDRESS, ExternalUserId=SCOPED_ADDRESS)
    after = receive_from(number, "whatsapp:+33612345678", ExternalUserId=SCOPED_ADDRESS)
    assert (after.pk, after.address) == (before.pk, "whatsapp:+33612345678")


def test_the_window_of_either_contact_counts_after_they_become_one(number: WhatsAppNumber) -> None:
    known = receive_from(number, PHONE_ADDRESS)
    Conversation.objects.update(window_closes_at=known.created_at, last_inbound_at=known.created_at)
    hidden = receive_from(number, SCOPED_ADDRESS, WaId="")
    Conversation.objects.filter(contact=hidden).update(state="closed", closed_at=hidden.created_at)
    other_number = builders.create_number(number.account)
    assert receive_from(other_number, PHONE_ADDRESS, ExternalUserId=SCOPED_ADDRESS) == known
    assert known.conversations.get(number=number, closed_at=None).window_is_open


# -- A number that is given to another person --------------------------------------------------------------------------


def receive_from_new_owner(number: WhatsAppNumber, **changed: Any) -> tuple[Contact, Contact]:
    """Receive messages with two ids from one number; return the contacts of both."""
    former = receive_from(number, PHONE_ADDRESS, ExternalUserId="whatsapp:US.1", ProfileName="Old", **changed)
    new = receive_from(number, PHONE_ADDRESS, ExternalUserId="whatsapp:US.2", ProfileName="New", **changed)
    former.refresh_from_db()
    return former, new


def timeline_of(contact: Contact, kind: TimelineEventKind) -> list[str]:
    events = ConversationEvent.objects.filter(conversation__contact=contact, kind=kind)
    return [str(event.text) for event in events]


def test_a_number_with_another_id_belongs_to_another_person(number: WhatsAppNumber) -> None:
    former, new = receive_from_new_owner(number)
    assert former.pk != new.pk
    assert [former.display_name, new.display_name] == ["Old", "New"]
    assert (former.address, former.identity, own_ids(former)) == ("whatsapp:US.1", None, ["US.1"])
    assert (new.address, own_ids(new)) == (PHONE_ADDRESS, ["US.2"])
    assert [contact.conversations.get().messages.count() for contact in (former, new)] == [1, 1]
    assert receive_from(number, PHONE_ADDRESS, ExternalUserId="whatsapp:US.2") == new
    assert receive_from(number, "whatsapp:US.1", ExternalUserId="whatsapp:US.1") == former


def test_both_conversations_say_that_the_number_changed_hands(number: WhatsAppNumber) -> None:
    former, new = receive_from_new_owner(number)
    receive_from(number, PHONE_ADDRESS, ExternalUserId="whatsapp:US.2")
    assert timeline_of(former, TimelineEventKind.NUMBER_LOST) == [
        "+49 1511 2345678 now belongs to another person. Their messages are in a conversation of their own."
    ]
    assert timeline_of(new, TimelineEventKind.NUMBER_TAKEN_OVER) == [
        "+49 1511 2345678 belonged to another customer before, who is a different person on WhatsApp. "
        "Their conversations are not shown here."
    ]


def test_the_agent_reads_it_in_german(number: WhatsAppNumber) -> None:
    former, new = receive_from_new_owner(number)
    with translation.override("de"):
        lines = timeline_of(former, TimelineEventKind.NUMBER_LOST) + timeline_of(
            new, TimelineEventKind.NUMBER_TAKEN_OVER
        )
    assert [line.split(" ", 3)[3][:12] for line in lines] == ["gehört jetzt", "gehörte vorh"]


def test_the_same_parent_id_means_the_same_person(number: WhatsAppNumber) -> None:
    former, new = receive_from_new_owner(number, ParentExternalUserId="whatsapp:US.ENT.9")
    assert former == new == Contact.objects.get()
    assert own_ids(new) == ["US.1", "US.2"]
    assert receive_from(number, "whatsapp:US.2", ParentExternalUserId=None).conversations.count() == 1


def test_a_parent_id_that_is_assigned_later_is_stored(number: WhatsAppNumber) -> None:
    contact = receive_from(number, PHONE_ADDRESS, ExternalUserId="US.1")
    assert receive_from(number, PHONE_ADDRESS, ExternalUserId="US.1", ParentExternalUserId="US.ENT.9") == contact
    assert receive_from(number, PHONE_ADDRESS, ExternalUserId="US.2", ParentExternalUserId="US.ENT.9") == contact


def test_without_an_id_a_number_belongs_to_the_known_person(number: WhatsAppNumber) -> None:
    known = receive_from(number, PHONE_ADDRESS, ExternalUserId="US.1")
    assert receive_from(number, PHONE_ADDRESS) == known


def test_each_account_has_its_own_ids_of_a_person(number: WhatsAppNumber) -> None:
    other_number = builders.create_number()
    contact = receive_from(number, PHONE_ADDRESS, ExternalUserId="US.1")
    assert receive_from(other_number, PHONE_ADDRESS, ExternalUserId="US.2") == contact
    assert sorted(own_ids(contact)) == ["US.1", "US.2"]
    assert receive_from(other_number, "whatsapp:US.2") == contact


def test_the_same_id_at_another_account_may_be_another_person(number: WhatsAppNumber) -> None:
    first = receive_from(number, "whatsapp:US.1", WaId="")
    assert receive_from(builders.create_number(), "whatsapp:US.1", WaId="") != first


def test_linked_portfolios_know_a_person_by_the_parent_id(number: WhatsAppNumber) -> None:
    first = receive_from(number, "whatsapp:US.1", ParentExternalUserId="US.ENT.9")
    assert receive_from(builders.create_number(), "whatsapp:US.2", ParentExternalUserId="US.ENT.9") == first


def test_a_known_person_takes_over_the_number_of_another(number: WhatsAppNumber) -> None:
    former = receive_from(number, PHONE_ADDRESS, ExternalUserId=SCOPED_ADDRESS)
    known = receive_from(number, "whatsapp:+33612345678", ExternalUserId="whatsapp:US.2")
    assert receive_from(number, PHONE_ADDRESS, ExternalUserId="whatsapp:US.2") == known
    known.refresh_from_db()
    former.refresh_from_db()
    assert (known.address, former.address) == (PHONE_ADDRESS, SCOPED_ADDRESS)
    assert timeline_of(known, TimelineEventKind.NUMBER_TAKEN_OVER)


def test_block_and_opt_out_stay_with_the_person(number: WhatsAppNumber) -> None:
    former = receive_from(number, PHONE_ADDRESS, ExternalUserId="US.1", ProfileUsername="old.owner")
    Contact.objects.update(blocked_at=former.created_at, opted_out_at=former.created_at, opted_out_by_word=True)
    new = receive_from(number, PHONE_ADDRESS, ExternalUserId="US.2")
    assert (new.blocked_at, new.opted_out_at, new.username) == (None, None, "")
    former.refresh_from_db()
    assert former.blocked_at
    assert former.opted_out_by_word
    post_webhook(number.account.inbound_url, with_new_message_sid(load_payload("text", number, From="whatsapp:US.1")))
    assert former.conversations.get().messages.count() == 1


def test_a_number_from_a_merge_is_taken_over_too(number: WhatsAppNumber) -> None:
    sue = builders.create_agent("Sue", role="Supervisor")
    home = receive_from(number, PHONE_ADDRESS, ExternalUserId="US.1")
    work = receive_from(number, "whatsapp:+33612345678", ExternalUserId="US.2")
    merge = merge_contacts(home, work, by=sue.user)
    new = receive_from(number, PHONE_ADDRESS, ExternalUserId="US.3")
    home.refresh_from_db()
    assert (new.address, home.address) == (PHONE_ADDRESS, "whatsapp:+33612345678")
    assert "number +49 1511 2345678" in get_undo_error(merge, sue.user)


INVALID_IDS = [
    "whatsapp:unknown",
    "unknown",
    "whatsapp:",
    "whatsapp:us.1",
    "whatsapp:US.",
    "whatsapp:US.a-b",
    "US." + "1" * 129,
    "messenger:US.1",
    "whatsapp:+4915100000000",
    "",
]


@pytest.mark.parametrize("invalid_id", INVALID_IDS)
def test_customers_with_the_same_malformed_id_stay_apart(number: WhatsAppNumber, invalid_id: str) -> None:
    first = receive_from(number, PHONE_ADDRESS, ExternalUserId=invalid_id, ParentExternalUserId=invalid_id)
    other = receive_from(number, "whatsapp:+33612345678", ExternalUserId=invalid_id, ParentExternalUserId=invalid_id)
    assert (first.address, other.address) == (PHONE_ADDRESS, "whatsapp:+33612345678")
    assert own_ids(first) == own_ids(other) == []


@pytest.mark.parametrize("sender", ["whatsapp:unknown", "", None])
def test_customers_without_a_usable_sender_are_told_apart_by_their_ids(
    number: WhatsAppNumber, sender: str | None
) -> None:
    contacts = [receive_from(number, sender, WaId="unknown", ExternalUserId=f"US.{n}") for n in (1, 2)]  # type: ignore[arg-type]
    assert [contact.address for contact in contacts] == ["whatsapp:US.1", "whatsapp:US.2"]


@pytest.mark.parametrize("written", [SCOPED_ID, SCOPED_ADDRESS, f" {SCOPED_ADDRESS} "])
def test_an_id_counts_with_and_without_its_channel(number: WhatsAppNumber, written: str) -> None:
    assert own_ids(receive_from(number, PHONE_ADDRESS, ExternalUserId=written)) == [SCOPED_ID]


def test_opted_out_customer_who_writes_again_can_be_answered(number: WhatsAppNumber) -> None:
    contact = receive_from(number, PHONE_ADDRESS)
    Contact.objects.update(opted_out_at=contact.created_at)
    assert receive_from(number, PHONE_ADDRESS, Body="Where is my order?").opted_out_at is None


def test_a_message_that_twilio_marks_as_an_opt_out_opts_out(number: WhatsAppNumber) -> None:
    assert receive_from(number, PHONE_ADDRESS, Body="STOP", OptOutType="STOP").opted_out_at is not None
    assert receive_from(number, PHONE_ADDRESS, Body="START", OptOutType="START").opted_out_at is None
