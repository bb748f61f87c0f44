"""An open page fetches only new and changed messages, and misses none."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from omnichannel.conversations import timeline
from omnichannel.conversations.models import Label, Message, MessageStatus, TimelineEventKind
from omnichannel.conversations.outbound.compose import get_resend_public_id
from omnichannel.core.localized_text import LocalizedText
from omnichannel.desk.thread.messages import MessageEntry
from omnichannel.desk.thread.timeline import EventEntry
from routing.models import State
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for, compact

pytestmark = pytest.mark.django_db


def fetch_fragments(desk: DeskScenario, after: int | str = 0, since: Any = None) -> Any:
    query = {"after": after, "changed_since": since.isoformat() if hasattr(since, "isoformat") else since or ""}
    return client_for(desk.dana).get(reverse("desk:updates", args=[desk.conversation.pk]), query, **HTMX_HEADERS)


def fragment_messages(answer: Any) -> list[Message]:
    return [entry.message for entry in answer.context["thread"].entries if isinstance(entry, MessageEntry)]


def create_old_message(desk: DeskScenario, body: str = "old", **fields: Any) -> Message:
    at = timezone.now() - timedelta(hours=1)
    return builders.create_outbound_message(desk.conversation, body, created_at=at, updated_at=at, **fields)


def test_new_messages_come_with_their_day(desk: DeskScenario) -> None:
    known = create_old_message(desk)
    new = builders.create_inbound_message(desk.conversation, "new")
    answer = fetch_fragments(desk, after=known.pk, since=timezone.now())
    assert fragment_messages(answer) == [new]
    assert 'class="day"' in answer.content.decode()


def test_a_changed_status_comes_as_the_whole_message_with_another_version(desk: DeskScenario) -> None:
    known = create_old_message(desk)
    page = client_for(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk]))
    before = next(entry for entry in page.context["thread"].entries if isinstance(entry, MessageEntry))
    Message.objects.filter(pk=known.pk).update(status=MessageStatus.READ, updated_at=timezone.now())
    answer = fetch_fragments(desk, after=known.pk, since=timezone.now() - timedelta(seconds=30))
    after = next(entry for entry in answer.context["thread"].entries if isinstance(entry, MessageEntry))
    assert (before.message, before.id) == (after.message, after.id)
    assert before.version != after.version


def test_late_committed_message_is_included(desk: DeskScenario) -> None:
    known = create_old_message(desk)
    Message.objects.filter(pk=known.pk).update(updated_at=timezone.now() - timedelta(seconds=10))
    assert fragment_messages(fetch_fragments(desk, after=known.pk, since=timezone.now())) == [known]


def test_a_message_of_unknown_outcome_comes_until_it_is_settled(desk: DeskScenario) -> None:
    at = timezone.now() - timedelta(minutes=1)
    known = create_old_message(desk, status="sending", sending_since=at)
    answer = fetch_fragments(desk, after=known.pk, since=timezone.now())
    assert fragment_messages(answer) == [known]
    assert "Checking with Twilio if this was sent" in answer.content.decode()


def test_unchanged_messages_are_not_included(desk: DeskScenario) -> None:
    known = create_old_message(desk)
    assert fragment_messages(fetch_fragments(desk, after=known.pk, since=timezone.now())) == []


def test_events_are_included(desk: DeskScenario) -> None:
    timeline.record(
        desk.conversation, TimelineEventKind.ACTIVE, LocalizedText("Dana took the conversation."), actor=None
    )
    entries = fetch_fragments(desk, since=timezone.now()).context["thread"].entries
    assert any(isinstance(entry, EventEntry) for entry in entries)


def test_head_composer_and_customer_come_as_they_are_now(desk: DeskScenario) -> None:
    desk.conversation.state = State.WRAP_UP
    desk.conversation.save()
    shown = fetch_fragments(desk, since=timezone.now()).content.decode()
    assert 'class="state wrap_up"' in shown
    assert 'id="composer" class="composer-wrap" data-version="reply"' in compact(shown)
    assert 'id="customer-header"' in shown


def test_page_absent_for_long_gets_a_partial_result_marked_as_more(desk: DeskScenario) -> None:
    for n in range(210):
        builders.create_inbound_message(desk.conversation, str(n))
    first = fetch_fragments(desk, after=0)
    assert len(fragment_messages(first)) == 200
    assert "data-has-more" in first.content.decode()
    second = fetch_fragments(desk, after=fragment_messages(first)[-1].pk)
    assert len(fragment_messages(second)) >= 10


@pytest.mark.parametrize(("after", "since"), [("x", "y"), ("-1", "2026-01-01"), ("9" * 30, "2026-02-30T00:00:00Z")])
def test_invalid_parameters_cause_no_error(desk: DeskScenario, after: str, since: str) -> None:
    assert fetch_fragments(desk, after, since).status_code == 200


# -- Single messages ---------------------------------------------------------------------------------------------------


def surrounding_html(answer: Any) -> str:
    """Return the header, composer and customer panel of a response, without form tokens."""
    without_messages = re.sub(r"(?s)<ol>.*?</ol>", "", compact(answer.content.decode()))
    return re.sub(
        r'value="[-\w]{36,64}"| data-rendered-at="[^"]*"| data-seconds-left="[^"]*"| data-single-message',
        "",
        without_messages,
    )


def fetch_message(desk: DeskScenario, pk: int, person: str = "dana") -> Any:
    query = {"message": pk}
    return client_for(getattr(desk, person)).get(
        reverse("desk:updates", args=[desk.conversation.pk]), query, **HTMX_HEADERS
    )


@pytest.mark.parametrize("person", ["dana", "omar", "supervisor"])
def test_single_message_fragment_includes_header_composer_and_panel(desk: DeskScenario, person: str) -> None:
    desk.conversation.labels.add(Label.objects.create(name="VIP"))
    builders.create_inbound_message(desk.conversation, "another")
    message = builders.create_inbound_message(desk.conversation, "this one")
    with time_machine.travel(timezone.now(), tick=False):  # Both show how long the window is open.
        answer = fetch_message(desk, message.pk, person)
        everything = client_for(getattr(desk, person)).get(
            reverse("desk:updates", args=[desk.conversation.pk]), **HTMX_HEADERS
        )
    assert fragment_messages(answer) == [message]
    assert surrounding_html(answer) == surrounding_html(everything)


def test_fragment_of_a_failed_message_includes_its_resent_copy(desk: DeskScenario) -> None:
    failed = builders.create_outbound_message(desk.conversation, "failed", status="failed", error_code=63016)
    resent = builders.create_outbound_message(desk.conversation, "failed", public_id=get_resend_public_id(failed))
    assert fragment_messages(fetch_message(desk, failed.pk)) == [failed, resent]


def test_a_message_of_another_conversation_does_not_come(desk: DeskScenario) -> None:
    elsewhere = builders.create_inbound_message(builders.create_conversation(agent=desk.dana), "assigned_to_colleague")
    assert elsewhere not in fragment_messages(fetch_message(desk, elsewhere.pk))


@pytest.mark.parametrize(("person", "status"), [("eve", 404), ("stranger", 403)])
def test_users_without_access_get_no_fragment(desk: DeskScenario, person: str, status: int) -> None:
    assert (
        fetch_message(desk, builders.create_inbound_message(desk.conversation, "secret").pk, person).status_code
        == status
    )
