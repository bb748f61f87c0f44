"""An error in routing delays the assignment of a conversation but never the message."""

import logging

import pytest
from django.utils import timezone

from channels_whatsapp.models import WebhookDelivery
from omnichannel.conversations.assignment.classify import classify_conversation
from omnichannel.conversations.assignment.dispatch import offer_waiting_conversations
from omnichannel.conversations.models import Conversation, Message
from routing.assignment.assign_waiting import BATCH_SIZE, MAX_FAILURES_PER_WORK_STREAM
from routing.models import Queue, WorkStream
from tests import builders
from tests.webhook_client import load_payload, post_webhook, with_new_message_sid

pytestmark = pytest.mark.django_db

UNKNOWN_ASSIGNMENT_METHOD = 5  # The engine cannot read these allowed presences, so every decision fails.


def assignment_errors(conversation: Conversation) -> list[str]:
    return [str(line) for line in conversation.events.filter(kind="assignment_fault").values_list("text", flat=True)]


def create_broken_queue(name: str = "Broken", *, priority: int = 1) -> Queue:
    """Create a queue with an unknown assignment method and the highest priority."""
    queue = Queue.objects.create(name=name, priority=priority)
    Queue.objects.filter(pk=queue.pk).update(assignment_method="dice")
    return queue


def test_while_every_decision_fails_messages_are_stored_and_afterwards_they_are_handed_out() -> None:
    dana, number = builders.create_agent("Dana"), builders.create_number()
    WorkStream.objects.update(allowed_presences=UNKNOWN_ASSIGNMENT_METHOD)
    first = load_payload("text", number)
    for form in (first, with_new_message_sid(first)):
        assert post_webhook(number.account.inbound_url, form).status_code == 200
        classify_conversation(Conversation.objects.get().pk)
        assert offer_waiting_conversations(timezone.now()) == (0, False)
    assert Message.objects.count() == 2
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"applied"}
    WorkStream.objects.update(allowed_presences=["available"])
    offer_waiting_conversations(timezone.now())
    assert Conversation.objects.get().offered_to == dana


@pytest.mark.parametrize("others", [1, BATCH_SIZE, 2 * BATCH_SIZE])
def test_work_that_can_not_be_decided_does_not_keep_the_others_from_their_agents(others: int) -> None:
    for _ in range(others):
        builders.create_agent()
    number = builders.create_number()
    faulty = builders.create_conversation(queue=create_broken_queue(), number=number)
    healthy = [builders.create_conversation(number=number) for _ in range(others)]
    assert offer_waiting_conversations(timezone.now()) == (others, False)
    faulty.refresh_from_db()
    assert faulty.offered_to is None
    assert not Conversation.objects.filter(
        pk__in=[conversation.pk for conversation in healthy], offered_to=None
    ).exists()
    assert not [conversation for conversation in healthy if assignment_errors(conversation)]


def test_assignment_error_is_recorded_once_in_timeline_and_log(caplog: pytest.LogCaptureFixture) -> None:
    builders.create_agent("Dana")
    faulty = builders.create_conversation(queue=create_broken_queue())
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            offer_waiting_conversations(timezone.now())
    assert assignment_errors(faulty) == ["Assignment failed: 'dice' is not a valid AssignmentMethod."]
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_work_stream_of_which_everything_fails_is_left_for_the_next_time() -> None:
    dana, number = builders.create_agent("Dana"), builders.create_number()
    broken = WorkStream.objects.create(name="Broken", allowed_presences=UNKNOWN_ASSIGNMENT_METHOD)
    urgent = Queue.objects.create(name="Urgent", priority=1)
    for _ in range(BATCH_SIZE + MAX_FAILURES_PER_WORK_STREAM):
        builders.create_conversation(number=number, work_stream=broken, queue=urgent)
    waiting = builders.create_conversation(number=number)
    assert offer_waiting_conversations(timezone.now()) == (1, False)
    waiting.refresh_from_db()
    assert waiting.offered_to == dana
    assert sum(len(assignment_errors(conversation)) for conversation in Conversation.objects.all()) == BATCH_SIZE
