"""Labels, priority and disposition codes of conversations."""

from datetime import timedelta

import pytest
from django.utils import timezone

from omnichannel.conversations.assignment.dispatch import offer_waiting_conversations
from omnichannel.conversations.lifecycle import dispositions
from omnichannel.conversations.lifecycle.close import close_conversation
from omnichannel.conversations.lifecycle.labels import LabelError, get_or_create_label, update_labels
from omnichannel.conversations.lifecycle.priority import set_priority
from omnichannel.conversations.models import Conversation, DispositionCode, Label, Priority
from omnichannel.conversations.state_machine import TransitionError
from omnichannel.events.models import Event
from routing.models import Agent, State
from tests import builders
from tests.conversations.routing_fixtures import timeline_texts

pytestmark = pytest.mark.django_db


# -- Labels ------------------------------------------------------------------------------------------------------------


def test_the_timeline_says_in_one_line_who_labeled_it(dana: Agent) -> None:
    conversation, vip, old = (
        builders.create_conversation(),
        Label.objects.create(name="VIP"),
        Label.objects.create(name="Old"),
    )
    update_labels(conversation, add=[old], remove=[], actor=dana.user)
    assert update_labels(conversation, add=[vip], remove=[old], actor=dana.user)
    assert set(conversation.labels.all()) == {vip}
    assert timeline_texts(conversation) == [
        "Dana added the label Old.",
        "Dana added the label VIP and removed the label Old.",
    ]


def test_a_label_that_is_there_already_changes_nothing(dana: Agent) -> None:
    conversation, vip = builders.create_conversation(), Label.objects.create(name="VIP")
    assert update_labels(conversation, add=[vip], remove=[], actor=dana.user)
    assert not update_labels(conversation, add=[vip], remove=[], actor=dana.user)
    assert len(timeline_texts(conversation)) == 1
    assert update_labels(conversation, add=[], remove=[vip], actor=dana.user)
    assert not update_labels(conversation, add=[], remove=[vip], actor=dana.user)


def test_contact_label_publishes_events_for_open_conversations(dana: Agent) -> None:
    conversation = builders.create_conversation(agent=dana)
    update_labels(conversation.contact, add=[Label.objects.create(name="VIP")], remove=[], actor=dana.user)
    assert Event.objects.get().subject_id == conversation.pk
    assert not timeline_texts(conversation)


def test_agents_use_labels_and_supervisors_make_them(dana: Agent, sue: Agent) -> None:
    with pytest.raises(LabelError, match="Ask a supervisor to create it"):
        get_or_create_label("VIP", user=dana.user)
    label = get_or_create_label("  VIP  ", user=sue.user)
    assert label.name == "VIP"
    assert get_or_create_label("vip", user=dana.user) == label
    with pytest.raises(LabelError, match="up to 40"):
        get_or_create_label("x" * 41, user=sue.user)


# -- Priority ----------------------------------------------------------------------------------------------------------


def test_urgent_conversation_is_assigned_before_longer_waiting_ones(dana: Agent) -> None:
    Agent.objects.update(capacity=30)
    before = builders.create_conversation(queued_at=timezone.now() - timedelta(hours=1))
    urgent = builders.create_conversation()
    set_priority(urgent, Priority.URGENT, agent=dana)
    assert offer_waiting_conversations(timezone.now())[0] == 1
    urgent.refresh_from_db()
    before.refresh_from_db()
    assert (urgent.offered_to, before.offered_to) == (dana, None)
    assert "Dana set the priority to Urgent." in timeline_texts(urgent)


def test_assigned_agent_or_supervisor_changes_the_priority(dana: Agent, sue: Agent) -> None:
    conversation = builders.create_conversation(agent=dana)
    with pytest.raises(TransitionError, match="Only the assigned agent"):
        set_priority(conversation, Priority.HIGH, agent=builders.create_agent("Omar"))
    set_priority(conversation, Priority.HIGH, agent=sue)
    conversation.refresh_from_db()
    assert conversation.priority == Priority.HIGH
    set_priority(conversation, Priority.HIGH, agent=dana)
    assert len(timeline_texts(conversation)) == 1


# -- Wrap-up -----------------------------------------------------------------------------------------------------------


def create_codes(*names: str) -> list[DispositionCode]:
    return [DispositionCode.objects.create(name=name) for name in names]


def test_conversation_is_closed_with_codes_and_a_note(dana: Agent) -> None:
    conversation, chosen = (
        builders.create_conversation(agent=dana, state=State.WRAP_UP),
        create_codes("Solved", "Refunded"),
    )
    close_conversation(conversation, dana, codes=chosen, note=" Sent a new one. ")
    conversation.refresh_from_db()
    assert conversation.state == State.CLOSED
    assert set(conversation.dispositions.all()) == set(chosen)
    assert conversation.notes.get().text == "Sent a new one."
    assert timeline_texts(conversation) == ["Dana closed the conversation: Refunded, Solved."]


def test_closing_without_a_required_code_is_refused(dana: Agent) -> None:
    builders.update_work_stream(disposition_required=True)
    conversation = builders.create_conversation(agent=dana)
    with pytest.raises(dispositions.WrapUpError, match="Choose an outcome") as refused:
        close_conversation(conversation, dana, note="Bye")
    assert refused.value.field == "codes"
    conversation.refresh_from_db()
    assert (conversation.state, conversation.notes.count()) == (State.ACTIVE, 0)


def test_active_conversation_is_ended_and_closed_in_one_step(dana: Agent) -> None:
    conversation = builders.create_conversation(agent=dana)
    close_conversation(conversation, dana)
    assert timeline_texts(conversation) == ["Dana ended the conversation.", "Dana closed the conversation."]


def test_closing_is_refused_when_a_message_arrived_meanwhile(dana: Agent) -> None:
    conversation = builders.create_conversation(agent=dana)
    Conversation.objects.update(unread_count=1)
    with pytest.raises(TransitionError, match="sent a new message"):
        close_conversation(conversation, dana, codes=create_codes("Solved"), note="Bye")
    conversation.refresh_from_db()
    assert (conversation.state, conversation.dispositions.count(), conversation.notes.count()) == (State.ACTIVE, 0, 0)
    assert timeline_texts(conversation) == []


def test_more_than_two_codes_are_refused(dana: Agent) -> None:
    conversation = builders.create_conversation(agent=dana)
    with pytest.raises(dispositions.WrapUpError, match="up to 2"):
        close_conversation(conversation, dana, codes=create_codes("A", "B", "C"))


def test_a_supervisor_closes_what_a_colleague_wraps_up(dana: Agent, sue: Agent) -> None:
    conversation = builders.create_conversation(agent=dana, state=State.WRAP_UP)
    with pytest.raises(TransitionError, match="Only the assigned agent"):
        close_conversation(conversation, builders.create_agent("Omar"))
    close_conversation(conversation, sue)
    conversation.refresh_from_db()
    assert (conversation.state, conversation.agent) == (State.CLOSED, dana)


def test_supervisor_cannot_end_a_colleagues_conversation(dana: Agent, sue: Agent) -> None:
    with pytest.raises(TransitionError, match="Only the assigned agent"):
        close_conversation(builders.create_conversation(agent=dana), sue)
