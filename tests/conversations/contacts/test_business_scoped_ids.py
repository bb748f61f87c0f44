"""Customers with business-scoped ids: where replies go, what is shown, merges, and messages at the same moment."""

from datetime import UTC
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_whatsapp.backends.memory import MemoryBackend
from channels_whatsapp.models import WebhookDelivery, WhatsAppNumber
from omnichannel.conversations.contacts.merge import MergeError, merge_contacts, undo_merge
from omnichannel.conversations.export.transcript import ExportOptions, get_file_name, get_header_fields
from omnichannel.conversations.initiate import start_conversation
from omnichannel.conversations.models import Contact, ContactBusinessId, Conversation, TimelineEventKind
from omnichannel.conversations.models.conversations import ConversationEvent
from omnichannel.conversations.outbound.compose import ReplyError, send_reply
from omnichannel.conversations.outbound.delivery import deliver_messages
from omnichannel.jobs.lanes import claim_lanes
from routing.models import Agent
from tests import builders
from tests.concurrency import run_concurrently
from tests.conversations.outbound.template_fixtures import create_template
from tests.webhook_client import post_webhook

pytestmark = pytest.mark.django_db

PHONE_ADDRESS = "whatsapp:+4915112345678"
EXPORT_OPTIONS = ExportOptions(UTC, "en")


@pytest.fixture
def number(memory_backend: MemoryBackend) -> WhatsAppNumber:
    return builders.create_number()


def receive_message(number: WhatsAppNumber, sender: str, **changed: Any) -> Conversation:
    form = builders.build_inbound_form(number, sender, WaId=None, **changed)
    assert post_webhook(number.account.inbound_url, form).status_code == 200
    return Conversation.objects.get(messages__twilio_sid=form["MessageSid"])


def reply(conversation: Conversation, agent: Agent) -> None:
    """Assign the conversation, reply, and send."""
    Conversation.objects.filter(pk=conversation.pk).update(agent=agent, state="active", offered_to=None)
    conversation.refresh_from_db()
    send_reply(conversation, author=agent.user, text="Hi")
    for lease in claim_lanes(["send"], 10):
        deliver_messages(lease)


# -- Where replies go --------------------------------------------------------------------------------------------------


def test_a_reply_goes_to_the_id_that_the_account_knows(
    number: WhatsAppNumber, dana: Agent, memory_backend: MemoryBackend
) -> None:
    other_number = builders.create_number()
    first = receive_message(number, "whatsapp:US.1", ParentExternalUserId="US.ENT.9")
    second = receive_message(other_number, "whatsapp:US.2", ParentExternalUserId="US.ENT.9")
    assert first.contact == second.contact
    for conversation in (first, second):
        reply(conversation, dana)
    assert [message.to for message in memory_backend.outbox] == ["whatsapp:US.1", "whatsapp:US.2"]


def test_a_reply_to_the_former_owner_of_a_number_does_not_reach_the_new_one(
    number: WhatsAppNumber, dana: Agent, memory_backend: MemoryBackend
) -> None:
    former = receive_message(number, PHONE_ADDRESS, ExternalUserId="US.1")
    new = receive_message(number, PHONE_ADDRESS, ExternalUserId="US.2")
    for conversation in (former, new):
        reply(conversation, dana)
    assert [message.to for message in memory_backend.outbox] == ["whatsapp:US.1", PHONE_ADDRESS]


def test_a_reply_queued_before_the_number_changed_hands_goes_to_the_former_owner(
    number: WhatsAppNumber, dana: Agent, memory_backend: MemoryBackend
) -> None:
    former = receive_message(number, PHONE_ADDRESS, ExternalUserId="US.1")
    Conversation.objects.filter(pk=former.pk).update(agent=dana, state="active")
    former.refresh_from_db()
    send_reply(former, author=dana.user, text="Your PIN is 4711")
    receive_message(number, PHONE_ADDRESS, ExternalUserId="US.2")
    for lease in claim_lanes(["send"], 10):
        deliver_messages(lease)
    assert [message.to for message in memory_backend.outbox] == ["whatsapp:US.1"]


def test_a_hidden_number_is_answered_at_the_latest_id(
    number: WhatsAppNumber, dana: Agent, memory_backend: MemoryBackend
) -> None:
    receive_message(number, "whatsapp:US.1", ParentExternalUserId="US.ENT.9")
    reply(receive_message(number, "whatsapp:US.2", ParentExternalUserId="US.ENT.9"), dana)
    assert memory_backend.outbox[0].to == "whatsapp:US.2"


def test_a_known_number_is_used_while_it_is_hidden(
    number: WhatsAppNumber, dana: Agent, memory_backend: MemoryBackend
) -> None:
    receive_message(number, PHONE_ADDRESS, ExternalUserId="US.1")
    reply(receive_message(number, "whatsapp:US.1"), dana)
    assert memory_backend.outbox[0].to == PHONE_ADDRESS


def test_another_account_cannot_write_to_a_hidden_number(number: WhatsAppNumber, dana: Agent) -> None:
    other_number = builders.create_number()
    contact = receive_message(number, "whatsapp:US.1").contact
    template = create_template(other_number.account)
    with pytest.raises(ReplyError, match="hides their number"):
        start_conversation(other_number, contact, template, {"1": "Amara", "2": "2231"}, author=dana.user)
    assert not other_number.conversations.exists()


def test_a_conversation_is_started_with_a_typed_id(
    number: WhatsAppNumber, dana: Agent, memory_backend: MemoryBackend
) -> None:
    values = {"1": "Amara", "2": "2231"}
    template = create_template(number.account)
    started = start_conversation(number, "whatsapp:US.1", template, values, author=dana.user)
    for lease in claim_lanes(["send"], 10):
        deliver_messages(lease)
    assert memory_backend.outbox[0].to == "whatsapp:US.1"
    assert receive_message(number, "whatsapp:US.1") == started.conversation


# -- What is shown -----------------------------------------------------------------------------------------------------


def test_no_export_shows_a_business_scoped_id_as_a_name(number: WhatsAppNumber, dana: Agent) -> None:
    conversation = receive_message(number, "whatsapp:EG.55500000001", ProfileName="")
    fields = dict(get_header_fields(conversation, EXPORT_OPTIONS, by=dana.user, now=timezone.now()))
    assert fields["Customer"] == "WhatsApp user"
    assert "Number" not in fields
    assert "55500000001" not in get_file_name(conversation, "txt")
    named = receive_message(number, "whatsapp:EG.55500000001", ProfileName="", ProfileUsername="nour.shop")
    fields = dict(get_header_fields(named, EXPORT_OPTIONS, by=dana.user, now=timezone.now()))
    assert (fields["Customer"], fields["Username"]) == ("nour.shop", "nour.shop")


# -- Merges ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def sue(db: None) -> Agent:
    return builders.create_agent("Sue", role="Supervisor")


def get_ids(contact: Contact) -> list[str]:
    return [str(own_id) for own_id in contact.business_scoped_ids.all()]


def test_a_merge_joins_the_ids_and_its_undo_parts_them(number: WhatsAppNumber, sue: Agent) -> None:
    home = receive_message(number, PHONE_ADDRESS, ExternalUserId="US.1").contact
    work = receive_message(number, "whatsapp:US.2", ProfileUsername="nour.shop").contact
    merge = merge_contacts(home, work, by=sue.user)
    home.refresh_from_db()
    assert (get_ids(home), home.username) == (["US.1", "US.2"], "nour.shop")
    assert receive_message(number, "whatsapp:US.2").contact == home
    restored = undo_merge(merge, by=sue.user)
    home.refresh_from_db()
    assert (get_ids(home), get_ids(restored)) == (["US.1"], ["US.2"])
    assert (home.address, restored.address) == (PHONE_ADDRESS, "whatsapp:US.2")
    assert (home.username, restored.username) == ("", "nour.shop")
    assert receive_message(number, "whatsapp:US.2").contact == restored


def test_two_hidden_numbers_are_merged_and_parted(number: WhatsAppNumber, sue: Agent) -> None:
    first, second = (receive_message(number, f"whatsapp:US.{n}").contact for n in (1, 2))
    restored = undo_merge(merge_contacts(first, second, by=sue.user), by=sue.user)
    first.refresh_from_db()
    assert (first.address, restored.address) == ("whatsapp:US.1", "whatsapp:US.2")


def test_a_merge_stays_when_the_former_number_belongs_to_somebody_else(number: WhatsAppNumber, sue: Agent) -> None:
    home = receive_message(number, PHONE_ADDRESS, ExternalUserId="US.1").contact
    work = receive_message(number, "whatsapp:+33612345678", ExternalUserId="US.2").contact
    merge = merge_contacts(home, work, by=sue.user)
    receive_message(number, PHONE_ADDRESS, ExternalUserId="US.3")
    with pytest.raises(MergeError, match="has the number"):
        undo_merge(merge, by=sue.user)


# -- At the same moment, and cost --------------------------------------------------------------------------------------


def post_concurrently(number: WhatsAppNumber, forms: list[dict[str, str]]) -> None:
    url = number.account.inbound_url
    answers = run_concurrently(*[lambda form=form: post_webhook(url, form).status_code for form in forms])
    assert answers == [200] * len(forms)
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"applied"}


@pytest.mark.django_db(transaction=True)
def test_first_messages_of_a_hidden_number_at_once_make_one_contact(number: WhatsAppNumber) -> None:
    post_concurrently(number, [builders.build_inbound_form(number, "whatsapp:US.1", WaId="") for _ in range(12)])
    assert (Contact.objects.count(), ContactBusinessId.objects.count()) == (1, 1)
    assert Conversation.objects.get().messages.count() == 12


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_known", [False, True])
def test_messages_of_a_numbers_new_owner_at_once_make_one_contact(number: WhatsAppNumber, is_known: bool) -> None:
    former = receive_message(number, PHONE_ADDRESS, ExternalUserId="US.1")
    if is_known:
        receive_message(number, "whatsapp:US.2")
    forms = [builders.build_inbound_form(number, PHONE_ADDRESS, ExternalUserId="US.2") for _ in range(10)]
    post_concurrently(number, forms)
    new = Conversation.objects.exclude(pk=former.pk).get()
    assert (Contact.objects.count(), new.messages.count()) == (2, 11 if is_known else 10)
    for kind in (TimelineEventKind.NUMBER_LOST, TimelineEventKind.NUMBER_TAKEN_OVER):
        assert ConversationEvent.objects.filter(kind=kind).count() == 1


def test_a_message_with_an_id_costs_at_most_two_queries_more_than_one_without(number: WhatsAppNumber) -> None:
    counts = []
    for sender, own_id in ((PHONE_ADDRESS, None), ("whatsapp:+33612345678", "US.1"), ("whatsapp:US.2", "US.2")):
        for _ in range(2):
            with CaptureQueriesContext(connection) as captured:
                receive_message(number, sender, ExternalUserId=own_id)
        counts.append(len(captured))
    assert max(counts) - counts[0] <= 2, counts
