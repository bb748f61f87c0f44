"""What an open page asks for: only what is new or has changed, and nothing is missed."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from omnichannel.conversations.models import Label, Message, Status
from omnichannel.conversations.outbound.compose import id_when_sent_again
from omnichannel.conversations.state_machine import record_event
from omnichannel.core.localized_text import LocalizedText
from omnichannel.desk.thread.messages import Happening, Said
from routing.models import State
from tests import builders
from tests.desk.people import HTMX, Desk, browser, compact

pytestmark = pytest.mark.django_db


def ask(desk: Desk, after: int | str = 0, since: Any = None) -> Any:
    query = {"after": after, "changed_since": since.isoformat() if hasattr(since, "isoformat") else since or ""}
    return browser(desk.dana).get(reverse("desk:pieces", args=[desk.conversation.pk]), query, **HTMX)


def said(answer: Any) -> list[Message]:
    return [entry.message for entry in answer.context["thread"].entries if isinstance(entry, Said)]


def old(desk: Desk, body: str = "old", **fields: Any) -> Message:
    at = timezone.now() - timedelta(hours=1)
    return builders.outbound(desk.conversation, body, created_at=at, updated_at=at, **fields)


def test_new_messages_come_with_their_day(desk: Desk) -> None:
    known = old(desk)
    new = builders.inbound(desk.conversation, "new")
    answer = ask(desk, after=known.pk, since=timezone.now())
    assert said(answer) == [new]
    assert 'class="day"' in answer.content.decode()


def test_a_changed_status_comes_as_the_whole_message_with_another_version(desk: Desk) -> None:
    known = old(desk)
    page = browser(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk]))
    before = next(entry for entry in page.context["thread"].entries if isinstance(entry, Said))
    Message.objects.filter(pk=known.pk).update(status=Status.READ, updated_at=timezone.now())
    answer = ask(desk, after=known.pk, since=timezone.now() - timedelta(seconds=30))
    after = next(entry for entry in answer.context["thread"].entries if isinstance(entry, Said))
    assert (before.message, before.id) == (after.message, after.id)
    assert before.version != after.version


def test_what_committed_late_is_not_missed(desk: Desk) -> None:
    known = old(desk)
    Message.objects.filter(pk=known.pk).update(updated_at=timezone.now() - timedelta(seconds=10))
    assert said(ask(desk, after=known.pk, since=timezone.now())) == [known]


def test_a_message_of_unknown_outcome_comes_until_it_is_settled(desk: Desk) -> None:
    at = timezone.now() - timedelta(minutes=1)
    known = old(desk, status="sending", sending_since=at)
    answer = ask(desk, after=known.pk, since=timezone.now())
    assert said(answer) == [known]
    assert "Checking with Twilio whether this was sent" in answer.content.decode()


def test_what_has_not_changed_does_not_come(desk: Desk) -> None:
    known = old(desk)
    assert said(ask(desk, after=known.pk, since=timezone.now())) == []


def test_events_come_too(desk: Desk) -> None:
    record_event(desk.conversation, "active", LocalizedText("Dana took the conversation."), by=None)
    entries = ask(desk, since=timezone.now()).context["thread"].entries
    assert any(isinstance(entry, Happening) for entry in entries)


def test_head_composer_and_customer_come_as_they_are_now(desk: Desk) -> None:
    desk.conversation.state = State.WRAP_UP
    desk.conversation.save()
    shown = ask(desk, since=timezone.now()).content.decode()
    assert 'class="state wrap_up"' in shown
    assert 'id="composer" class="composer-wrap" data-version="reply"' in compact(shown)
    assert 'id="customer-top"' in shown


def test_a_page_that_was_away_for_long_is_told_that_there_is_more(desk: Desk) -> None:
    for n in range(210):
        builders.inbound(desk.conversation, str(n))
    first = ask(desk, after=0)
    assert len(said(first)) == 200
    assert "data-more" in first.content.decode()
    second = ask(desk, after=said(first)[-1].pk)
    assert len(said(second)) >= 10


@pytest.mark.parametrize(("after", "since"), [("x", "y"), ("-1", "2026-01-01"), ("9" * 30, "2026-02-30T00:00:00Z")])
def test_a_broken_question_is_never_an_error(desk: Desk, after: str, since: str) -> None:
    assert ask(desk, after, since).status_code == 200


# -- One message that a hint names ------------------------------------------------------------------------------------


def around(answer: Any) -> str:
    """What comes with the messages: head, composer and customer, but for the token of its forms."""
    without_messages = re.sub(r"(?s)<ol>.*?</ol>", "", compact(answer.content.decode()))
    return re.sub(r'value="[-\w]{36,64}"| data-at="[^"]*"| data-left="[^"]*"| data-one', "", without_messages)


def swap(desk: Desk, pk: int, who: str = "dana") -> Any:
    query = {"message": pk}
    return browser(getattr(desk, who)).get(reverse("desk:pieces", args=[desk.conversation.pk]), query, **HTMX)


@pytest.mark.parametrize("who", ["dana", "omar", "sue"])
def test_one_message_comes_alone_with_all_that_is_around_it(desk: Desk, who: str) -> None:
    desk.conversation.labels.add(Label.objects.create(name="VIP"))
    builders.inbound(desk.conversation, "another")
    message = builders.inbound(desk.conversation, "this one")
    answer = swap(desk, message.pk, who)
    assert said(answer) == [message]
    everything = browser(getattr(desk, who)).get(reverse("desk:pieces", args=[desk.conversation.pk]), **HTMX)
    assert around(answer) == around(everything)


def test_what_failed_comes_with_everything_else(desk: Desk) -> None:
    failed = builders.outbound(desk.conversation, "failed", status="failed", error_code=63016)
    again = builders.outbound(desk.conversation, "failed", public_id=id_when_sent_again(failed))
    assert said(swap(desk, failed.pk)) == [failed, again]


def test_a_message_of_another_conversation_does_not_come(desk: Desk) -> None:
    elsewhere = builders.inbound(builders.conversation(with_agent=desk.dana), "elsewhere")
    assert elsewhere not in said(swap(desk, elsewhere.pk))


@pytest.mark.parametrize(("who", "status"), [("eve", 404), ("stranger", 403)])
def test_nobody_else_gets_it(desk: Desk, who: str, status: int) -> None:
    assert swap(desk, builders.inbound(desk.conversation, "secret").pk, who).status_code == status
