"""Customers: what they are called, and that one person is one contact."""

import itertools
from typing import Any

import pytest

from channels_whatsapp.models import WhatsAppNumber
from omnichannel.conversations.contacts.lookup import rename_contact
from omnichannel.conversations.models import Contact, Conversation
from tests import builders
from tests.webhook_client import another, deliver, recorded

pytestmark = pytest.mark.django_db

PHONE, SCOPED = "whatsapp:+4915112345678", "whatsapp:US.13491208655302741918"


@pytest.fixture
def number() -> WhatsAppNumber:
    return builders.number()


def writes(number: WhatsAppNumber, sender: str, **changed: Any) -> Contact:
    """The contact a new message from this address is filed under."""
    form = another(recorded("text", number, From=sender, **changed))
    assert deliver(number.account.inbound_url, form).status_code == 200
    return Conversation.objects.get(messages__twilio_sid=form["MessageSid"]).contact


def test_a_contact_is_named_by_the_profile_and_follows_its_changes(number: WhatsAppNumber) -> None:
    assert writes(number, PHONE, ProfileName="Amara").display_name == "Amara"
    assert writes(number, PHONE, ProfileName="Amara D.").display_name == "Amara D."


def test_a_name_given_by_a_person_stays(number: WhatsAppNumber) -> None:
    rename_contact(writes(number, PHONE, ProfileName="xX_amara_Xx"), "  Amara Diallo ")
    assert writes(number, PHONE, ProfileName="somebody else").display_name == "Amara Diallo"
    rename_contact(Contact.objects.get(), "")
    assert Contact.objects.get().display_name == "somebody else"


@pytest.mark.parametrize("profile", ["", "   ", None])
def test_without_a_profile_name_a_contact_is_called_by_the_number(number: WhatsAppNumber, profile: str | None) -> None:
    assert writes(number, PHONE, ProfileName=profile).display_name == "+49 1511 2345678"


def test_a_profile_name_is_not_lost_to_a_blank_one(number: WhatsAppNumber) -> None:
    writes(number, PHONE, ProfileName="Amara")
    assert writes(number, PHONE, ProfileName="").display_name == "Amara"


def test_a_business_scoped_id_is_shown_as_it_is(number: WhatsAppNumber) -> None:
    contact = writes(number, SCOPED, ProfileName="", WaId="")
    assert (contact.display_name, contact.external_user_id) == ("US.13491208655302741918", SCOPED)


@pytest.mark.parametrize("address", ["whatsapp:" + "x" * 131, "whatsapp:not a number at all", "whatsapp:+0"])
def test_an_address_is_an_opaque_string(number: WhatsAppNumber, address: str) -> None:
    assert writes(number, address).address == address
    assert writes(number, address).pk == Contact.objects.get().pk


def test_an_address_that_is_longer_than_any_is_no_fault(number: WhatsAppNumber) -> None:
    assert len(writes(number, "whatsapp:" + "x" * 3000).address) == 140


@pytest.mark.parametrize(
    ("one", "other"),
    [("+5511987654321", "+551187654321"), ("+5215512345678", "+525512345678"), ("+5491123456789", "+541123456789")],
)
def test_both_spellings_of_a_number_find_the_same_contact(number: WhatsAppNumber, one: str, other: str) -> None:
    for first, then in ((one, other), (other, one)):
        Conversation.objects.all().delete()
        Contact.objects.all().delete()
        writes(number, f"whatsapp:{first}")
        # Answers go to the spelling the customer last wrote from.
        assert writes(number, f"whatsapp:{then}").address == f"whatsapp:{then}"
        assert (Contact.objects.count(), Conversation.objects.count()) == (1, 1)


HOW = {"phone": (PHONE, None), "scoped": (SCOPED, SCOPED), "both": (PHONE, SCOPED)}


@pytest.mark.parametrize("order", [*itertools.permutations(HOW), ("scoped", "both"), ("phone", "both", "scoped")])
def test_number_and_business_scoped_id_become_one_contact_in_any_order(
    number: WhatsAppNumber, order: tuple[str, ...]
) -> None:
    for how in order:
        sender, scoped = HOW[how]
        writes(number, sender, ExternalUserId=scoped)
    contact, conversation = Contact.objects.get(), Conversation.objects.get()
    assert (contact.address, contact.external_user_id) == (PHONE, SCOPED)
    assert (conversation.messages.count(), conversation.unread_count) == (len(order), len(order))


@pytest.mark.parametrize("closed", ["phone", "scoped", "both", "neither"])
def test_two_contacts_become_one_whichever_of_them_has_an_open_conversation(
    number: WhatsAppNumber, closed: str
) -> None:
    for how in ("phone", "scoped"):
        sender, scoped = HOW[how]
        conversation = writes(number, sender, ExternalUserId=scoped).conversations.get()
        if closed in {how, "both"}:
            Conversation.objects.filter(pk=conversation.pk).update(state="closed", closed_at=conversation.created_at)
    contact = writes(number, PHONE, ExternalUserId=SCOPED)
    assert Contact.objects.get() == contact
    assert contact.conversations.filter(closed_at=None).count() == 1


def test_a_person_who_changes_the_number_keeps_the_contact(number: WhatsAppNumber) -> None:
    before = writes(number, PHONE, ExternalUserId=SCOPED)
    after = writes(number, "whatsapp:+33612345678", ExternalUserId=SCOPED)
    assert (after.pk, after.address) == (before.pk, "whatsapp:+33612345678")


def test_somebody_who_gets_the_number_of_another_known_contact_is_still_filed(number: WhatsAppNumber) -> None:
    writes(number, PHONE, ExternalUserId=SCOPED)
    writes(number, "whatsapp:+33612345678", ExternalUserId="whatsapp:US.2")
    contact = writes(number, PHONE, ExternalUserId="whatsapp:US.2")
    assert (contact.address, contact.external_user_id) == (PHONE, "whatsapp:US.2")


@pytest.mark.parametrize("scoped", ["US.1", "whatsapp:", "whatsapp:nonsense ", "messenger:1", ""])
def test_an_odd_business_scoped_id_is_no_fault(number: WhatsAppNumber, scoped: str) -> None:
    assert writes(number, PHONE, ExternalUserId=scoped).address == PHONE


def test_whoever_opted_out_and_writes_again_can_be_answered_again(number: WhatsAppNumber) -> None:
    contact = writes(number, PHONE)
    Contact.objects.update(opted_out_at=contact.created_at)
    assert writes(number, PHONE, Body="Where is my order?").opted_out_at is None


def test_a_message_that_twilio_marks_as_an_opt_out_opts_out(number: WhatsAppNumber) -> None:
    assert writes(number, PHONE, Body="STOP", OptOutType="STOP").opted_out_at is not None
    assert writes(number, PHONE, Body="START", OptOutType="START").opted_out_at is None
