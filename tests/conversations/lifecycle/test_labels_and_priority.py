"""Labels, priority and disposition codes: who sets them, what becomes of it."""

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
from omnichannel.live.models import LiveEvent
from routing.models import Agent, State
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana() -> Agent:
    return builders.agent("Dana")


@pytest.fixture
def sue() -> Agent:
    return builders.agent("Sue", role="Supervisor")


def lines(conversation: Conversation) -> list[str]:
    return [str(line) for line in conversation.events.values_list("said", flat=True)]


# -- Labels -----------------------------------------------------------------------------------------------------------


def test_the_timeline_says_in_one_line_who_labelled_it(dana: Agent) -> None:
    found, vip, old = builders.conversation(), Label.objects.create(name="VIP"), Label.objects.create(name="Old")
    update_labels(found, add=[old], remove=[], by=dana.user)
    assert update_labels(found, add=[vip], remove=[old], by=dana.user)
    assert set(found.labels.all()) == {vip}
    assert lines(found) == ["Dana added the label Old.", "Dana added the label VIP and removed the label Old."]


def test_a_label_that_is_there_already_changes_nothing(dana: Agent) -> None:
    found, vip = builders.conversation(), Label.objects.create(name="VIP")
    assert update_labels(found, add=[vip], remove=[], by=dana.user)
    assert not update_labels(found, add=[vip], remove=[], by=dana.user)
    assert len(lines(found)) == 1
    assert update_labels(found, add=[], remove=[vip], by=dana.user)
    assert not update_labels(found, add=[], remove=[vip], by=dana.user)


def test_a_customers_label_is_told_to_the_pages_of_their_open_conversations(dana: Agent) -> None:
    found = builders.conversation(with_agent=dana)
    update_labels(found.contact, add=[Label.objects.create(name="VIP")], remove=[], by=dana.user)
    assert LiveEvent.objects.get().subject_id == found.pk
    assert not lines(found)


def test_agents_use_labels_and_supervisors_make_them(dana: Agent, sue: Agent) -> None:
    with pytest.raises(LabelError, match="A supervisor can create it"):
        get_or_create_label("VIP", by=dana.user)
    made = get_or_create_label("  VIP  ", by=sue.user)
    assert made.name == "VIP"
    assert get_or_create_label("vip", by=dana.user) == made
    with pytest.raises(LabelError, match="up to 40"):
        get_or_create_label("x" * 41, by=sue.user)


# -- Priority ---------------------------------------------------------------------------------------------------------


def test_what_is_urgent_is_handed_out_before_what_waits_longer(dana: Agent) -> None:
    Agent.objects.update(capacity=30)
    before = builders.conversation(queued_at=timezone.now() - timedelta(hours=1))
    urgent = builders.conversation()
    set_priority(urgent, Priority.URGENT, by=dana)
    assert offer_waiting_conversations(timezone.now())[0] == 1
    urgent.refresh_from_db()
    before.refresh_from_db()
    assert (urgent.offered_to, before.offered_to) == (dana, None)
    assert "Dana set the priority to Urgent." in lines(urgent)


def test_the_priority_is_its_agents_while_somebody_has_it(dana: Agent, sue: Agent) -> None:
    found = builders.conversation(with_agent=dana)
    with pytest.raises(TransitionError, match="Only the agent"):
        set_priority(found, Priority.HIGH, by=builders.agent("Omar"))
    set_priority(found, Priority.HIGH, by=sue)
    found.refresh_from_db()
    assert found.priority == Priority.HIGH
    set_priority(found, Priority.HIGH, by=dana)
    assert len(lines(found)) == 1


# -- Wrapping up ------------------------------------------------------------------------------------------------------


def codes(*names: str) -> list[DispositionCode]:
    return [DispositionCode.objects.create(name=name) for name in names]


def test_a_conversation_is_closed_with_what_it_came_to_and_a_note(dana: Agent) -> None:
    found, chosen = builders.conversation(with_agent=dana, state=State.WRAP_UP), codes("Solved", "Refunded")
    close_conversation(found, dana, codes=chosen, note=" Sent a new one. ")
    found.refresh_from_db()
    assert found.state == State.CLOSED
    assert set(found.dispositions.all()) == set(chosen)
    assert found.notes.get().text == "Sent a new one."
    assert lines(found) == ["Dana closed the conversation: Refunded, Solved."]


def test_where_a_code_is_required_nothing_happens_without_one(dana: Agent) -> None:
    builders.work_stream(disposition_required=True)
    found = builders.conversation(with_agent=dana)
    with pytest.raises(dispositions.WrapUpError, match="Choose what the conversation came to") as refused:
        close_conversation(found, dana, note="Bye")
    assert refused.value.field == "codes"
    found.refresh_from_db()
    assert (found.state, found.notes.count()) == (State.ACTIVE, 0)


def test_an_active_conversation_is_ended_and_closed_in_one_go(dana: Agent) -> None:
    found = builders.conversation(with_agent=dana)
    close_conversation(found, dana)
    assert lines(found) == ["Dana ended the conversation.", "Dana closed the conversation."]


def test_a_message_meanwhile_leaves_it_as_it_was(dana: Agent) -> None:
    found = builders.conversation(with_agent=dana)
    Conversation.objects.update(unread_count=1)
    with pytest.raises(TransitionError, match="has written in the meantime"):
        close_conversation(found, dana, codes=codes("Solved"), note="Bye")
    found.refresh_from_db()
    assert (found.state, found.dispositions.count(), found.notes.count()) == (State.ACTIVE, 0, 0)
    assert lines(found) == []


def test_more_than_two_codes_are_refused(dana: Agent) -> None:
    found = builders.conversation(with_agent=dana)
    with pytest.raises(dispositions.WrapUpError, match="up to 2"):
        close_conversation(found, dana, codes=codes("A", "B", "C"))


def test_a_supervisor_closes_what_a_colleague_wraps_up(dana: Agent, sue: Agent) -> None:
    found = builders.conversation(with_agent=dana, state=State.WRAP_UP)
    with pytest.raises(TransitionError, match="Only the agent"):
        close_conversation(found, builders.agent("Omar"))
    close_conversation(found, sue)
    found.refresh_from_db()
    assert (found.state, found.agent) == (State.CLOSED, dana)


def test_a_supervisor_ends_nobodys_conversation(dana: Agent, sue: Agent) -> None:
    with pytest.raises(TransitionError, match="Only the agent"):
        close_conversation(builders.conversation(with_agent=dana), sue)
