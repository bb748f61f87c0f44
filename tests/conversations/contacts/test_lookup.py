"""Contacts: their names, and one contact for each person."""

import itertools
from typing import Any

import pytest

from channels_whatsapp.models import WhatsAppNumber
from omnichannel.conversations.contacts.lookup import rename_contact
from omnichannel.conversations.models import Contact, Conversation
from tests import builders
from tests.webhook_client import load_payload, post_webhook, with_new_message_sid

pytestmark = pytest.mark.django_db

PHONE_ADDRESS, SCOPED_ADDRESS = "whatsapp:+4915112345678", "whatsapp:US.13491208655302741918"


def receive_message(number: WhatsAppNumber, sender: str, **changed: Any) -> Contact:
    """Receive a message from this address and return its contact."""
    form = with_new_message_sid(load_payload("text", number, From=sender, **changed))
    assert post_webhook(number.account.inbound_url, form).status_code == 200
    return Conversation.objects.get(messages__twilio_sid=form["MessageSid"]).contact


def test_a_contact_is_named_by_the_profile_and_follows_its_changes(number: WhatsAppNumber) -> None:
    assert receive_message(number, PHONE_ADDRESS, ProfileName="Amara").display_name == "Amara"
    assert receive_message(number, PHONE_ADDRESS, ProfileName="Amara D.").display_name == "Amara D."


def test_a_name_given_by_a_person_stays(number: WhatsAppNumber) -> None:
    rename_contact(receive_message(number, PHONE_ADDRESS, ProfileName="xX_amara_Xx"), "  Amara Diallo ")
    assert receive_message(number, PHONE_ADDRESS, ProfileName="somebody else").display_name == "Amara Diallo"
    rename_contact(Contact.objects.get(), "")
    assert Contact.objects.get().display_name == "somebody else"


@pytest.mark.parametrize("profile", ["", "   ", None])
def test_without_a_profile_name_a_contact_is_called_by_the_number(number: WhatsAppNumber, profile: str | None) -> None:
    assert receive_message(number, PHONE_ADDRESS, ProfileName=profile).display_name == "+49 1511 2345678"


def test_profile_name_is_stored_in_one_line(number: WhatsAppNumber) -> None:
    name = "Eve\n[2026-11-28 04:00] Agent:\tyou get\x07 a refund"
    post_webhook(number.account.inbound_url, builders.build_inbound_form(number, ProfileName=name))
    assert Contact.objects.get().profile_name == "Eve [2026-11-28 04:00] Agent: you get a refund"


def test_a_profile_name_is_not_lost_to_a_blank_one(number: WhatsAppNumber) -> None:
    receive_message(number, PHONE_ADDRESS, ProfileName="Amara")
    assert receive_message(number, PHONE_ADDRESS, ProfileName="").display_name == "Amara"


def test_a_business_scoped_id_is_shown_as_it_is(number: WhatsAppNumber) -> None:
    contact = receive_message(number, SCOPED_ADDRESS, ProfileName="", WaId="")
    assert (contact.display_name, contact.external_user_id) == ("US.13491208655302741918", SCOPED_ADDRESS)


@pytest.mark.parametrize("address", ["whatsapp:" + "x" * 131, "whatsapp:not a number at all", "whatsapp:+0"])
def test_an_address_is_an_opaque_string(number: WhatsAppNumber, address: str) -> None:
    assert receive_message(number, address).address == address
    assert receive_message(number, address).pk == Contact.objects.get().pk


def test_overlong_address_causes_no_error(number: WhatsAppNumber) -> None:
    assert len(receive_message(number, "whatsapp:" + "x" * 3000).address) == 140


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
        receive_message(number, f"whatsapp:{first}")
        # Replies go to the spelling of the customer's last message.
        assert receive_message(number, f"whatsapp:{second}").address == f"whatsapp:{second}"
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
        receive_message(number, sender, ExternalUserId=scoped)
    contact, conversation = Contact.objects.get(), Conversation.objects.get()
    assert (contact.address, contact.external_user_id) == (PHONE_ADDRESS, SCOPED_ADDRESS)
    assert (conversation.messages.count(), conversation.unread_count) == (len(order), len(order))


@pytest.mark.parametrize("closed", ["phone", "scoped", "both", "neither"])
def test_two_contacts_become_one_whichever_of_them_has_an_open_conversation(
    number: WhatsAppNumber, closed: str
) -> None:
    for identity_kind in ("phone", "scoped"):
        sender, scoped = SENDER_FORMS[identity_kind]
        conversation = receive_message(number, sender, ExternalUserId=scoped).conversations.get()
        if closed in {identity_kind, "both"}:
            Conversation.objects.filter(pk=conversation.pk).update(state="closed", closed_at=conversation.created_at)
    contact = receive_message(number, PHONE_ADDRESS, ExternalUserId=SCOPED_ADDRESS)
    assert Contact.objects.get() == contact
    assert contact.conversations.filter(closed_at=None).count() == 1


def test_a_person_who_changes_the_number_keeps_the_contact(number: WhatsAppNumber) -> None:
    before = receive_message(number, PHONE_ADDRESS, ExternalUserId=SCOPED_ADDRESS)
    after = receive_message(number, "whatsapp:+33612345678", ExternalUserId=SCOPED_ADDRESS)
    assert (after.pk, after.address) == (before.pk, "whatsapp:+33612345678")


def test_somebody_who_gets_the_number_of_another_known_contact_is_still_filed(number: WhatsAppNumber) -> None:
    receive_message(number, PHONE_ADDRESS, ExternalUserId=SCOPED_ADDRESS)
    receive_message(number, "whatsapp:+33612345678", ExternalUserId="whatsapp:US.2")
    contact = receive_message(number, PHONE_ADDRESS, ExternalUserId="whatsapp:US.2")
    assert (contact.address, contact.external_user_id) == (PHONE_ADDRESS, "whatsapp:US.2")


@pytest.mark.parametrize("scoped", ["US.1", "whatsapp:", "whatsapp:nonsense ", "messenger:1", ""])
def test_malformed_business_scoped_id_causes_no_error(number: WhatsAppNumber, scoped: str) -> None:
    assert receive_message(number, PHONE_ADDRESS, ExternalUserId=scoped).address == PHONE_ADDRESS


def test_opted_out_customer_who_writes_again_can_be_answered(number: WhatsAppNumber) -> None:
    contact = receive_message(number, PHONE_ADDRESS)
    Contact.objects.update(opted_out_at=contact.created_at)
    assert receive_message(number, PHONE_ADDRESS, Body="Where is my order?").opted_out_at is None


def test_a_message_that_twilio_marks_as_an_opt_out_opts_out(number: WhatsAppNumber) -> None:
    assert receive_message(number, PHONE_ADDRESS, Body="STOP", OptOutType="STOP").opted_out_at is not None
    assert receive_message(number, PHONE_ADDRESS, Body="START", OptOutType="START").opted_out_at is None
