"""Replies are sent once or refused with the reason at the field, with and without JavaScript."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from channels_whatsapp.service_window import WINDOW_EXCEEDED_MESSAGE
from omnichannel.conversations.models import Contact, Conversation, Message
from omnichannel.conversations.outbound.uploads import MAX_BYTES_BY_TYPE
from routing.models import State
from tests import builders
from tests.desk.scenario import HTMX_HEADERS, DeskScenario, client_for, compact

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 64


def post_reply(desk: DeskScenario, text: str = "Hi", *, without_htmx: bool = False, **form: Any) -> Any:
    url = reverse("desk:reply", args=[desk.conversation.pk])
    return client_for(desk.dana).post(url, {"text": text, **form}, **({} if without_htmx else HTMX_HEADERS))


def get_page(desk: DeskScenario) -> str:
    return client_for(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk])).content.decode()


def test_a_reply_is_queued_and_shown_with_a_fresh_form(desk: DeskScenario) -> None:
    answer = post_reply(desk, "On its way", public_id=(used := uuid.uuid4()))
    message = desk.conversation.messages.get()
    assert (message.body, message.status, message.author) == ("On its way", "queued", desk.dana.user)
    shown = answer.content.decode()
    assert f'id="message-{message.pk}"' in shown
    assert answer.context["composer"].public_id != used
    assert "data-form-response" in shown


def test_without_the_script_the_reply_leads_back_to_the_conversation(desk: DeskScenario) -> None:
    answer = post_reply(desk, without_htmx=True)
    assert answer.status_code == 302
    assert answer["Location"] == reverse("desk:conversation", args=[desk.conversation.pk])


def test_the_same_form_sent_twice_sends_one_message(desk: DeskScenario) -> None:
    form_id = uuid.uuid4()
    first, second = (post_reply(desk, "Once", public_id=form_id) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert desk.conversation.messages.count() == 1


def test_a_form_with_a_broken_id_is_refused_and_keeps_its_text(desk: DeskScenario) -> None:
    answer = post_reply(desk, "Keep me", public_id="nonsense")
    assert answer.status_code == 422
    assert "Keep me" in answer.content.decode()


@pytest.mark.parametrize("plain", [True, False])
def test_over_1600_characters_is_refused_by_the_field_and_the_text_is_kept(desk: DeskScenario, plain: bool) -> None:
    answer = post_reply(desk, "x" * 1601, without_htmx=plain)
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "Messages can have up to 1,600 characters. This one is 1 too long." in shown
    assert "x" * 1601 in shown
    assert 'aria-invalid="true"' in shown
    assert not Message.objects.exists()


def test_1600_characters_over_several_lines_pass(desk: DeskScenario) -> None:
    assert post_reply(desk, "x\r\n" * 800).status_code == 200


def test_empty_reply_is_refused(desk: DeskScenario) -> None:
    answer = post_reply(desk, "  \n ")
    assert answer.status_code == 422
    assert "Enter a message or choose a file." in answer.content.decode()


@pytest.mark.parametrize("plain", [True, False])
def test_after_24_hours_a_reply_is_refused_in_exactly_these_words(desk: DeskScenario, plain: bool) -> None:
    Conversation.objects.update(window_closes_at=timezone.now() - timedelta(seconds=1))
    answer = post_reply(desk, "Too late", without_htmx=plain)
    assert answer.status_code == 422
    shown = answer.content.decode()
    assert "This conversation has exceeded the 24 hour limit to respond to the customer." in shown
    assert "Too late" in shown
    assert not Message.objects.exists()


def test_after_24_hours_the_composer_shows_that_sentence_in_its_place(desk: DeskScenario) -> None:
    assert WINDOW_EXCEEDED_MESSAGE not in get_page(desk)
    Conversation.objects.update(window_closes_at=timezone.now() - timedelta(seconds=1))
    shown = get_page(desk)
    assert f"<span>{WINDOW_EXCEEDED_MESSAGE}</span>" in shown
    assert "reply-text" not in shown


def test_composer_shows_the_remaining_window_time(desk: DeskScenario) -> None:
    Conversation.objects.update(window_closes_at=timezone.now() + timedelta(hours=21, minutes=48, seconds=30))
    assert 'Reply within</span><span data-format="exact">21 h 48 min</span>' in compact(get_page(desk))


def test_reply_to_an_opted_out_customer_is_refused(desk: DeskScenario) -> None:
    Contact.objects.update(opted_out_at=timezone.now())
    assert "This customer opted out." in get_page(desk)
    answer = post_reply(desk)
    assert answer.status_code == 422
    assert "opted out" in answer.content.decode()


def test_unassigned_conversation_must_be_taken_before_replying(desk: DeskScenario) -> None:
    Conversation.objects.update(state=State.OPEN, agent=None)
    shown = get_page(desk)
    assert "composer-take" in shown
    assert "reply-text" not in shown
    assert post_reply(desk).status_code == 422


def test_colleague_sees_the_assignee_instead_of_the_composer(desk: DeskScenario) -> None:
    url = reverse("desk:conversation", args=[desk.conversation.pk])
    assert "Assigned to Dana." in client_for(desk.omar).get(url).content.decode()


def test_a_closed_conversation_says_that_a_new_one_will_start(desk: DeskScenario) -> None:
    Conversation.objects.update(state=State.CLOSED, closed_at=timezone.now())
    assert "This conversation is closed." in get_page(desk)


def test_a_picture_is_sent_with_its_text(desk: DeskScenario) -> None:
    answer = post_reply(desk, "Look", file=SimpleUploadedFile("lamp.png", PNG))
    assert answer.status_code == 200
    attachment = desk.conversation.messages.get().attachments.get()
    assert (attachment.name, attachment.content_type) == ("lamp.png", "image/png")


@pytest.mark.parametrize(
    ("name", "content", "error_text"),
    [
        ("page.html", b"<html><script>alert(1)</script>", "This file type is not supported."),
        ("empty.png", b"", "This file is empty."),
        ("big.png", PNG + b"\x00" * (5 * 1024 * 1024), "5.0 MB. The limit is 5 MB."),
    ],
)
def test_a_file_whatsapp_does_not_take_is_refused_by_its_field(
    desk: DeskScenario, name: str, content: bytes, error_text: str
) -> None:
    answer = post_reply(desk, "Keep me", file=SimpleUploadedFile(name, content))
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert error_text in shown
    assert "Keep me" in shown
    assert not Message.objects.exists()


def test_the_file_chooser_knows_the_types_and_their_limits(desk: DeskScenario) -> None:
    shown = get_page(desk)
    assert all(content_type in shown for content_type in MAX_BYTES_BY_TYPE)


def test_where_agents_may_not_attach_there_is_no_file_to_choose(desk: DeskScenario) -> None:
    number = desk.conversation.number
    number.agents_may_attach = False
    number.save()
    assert 'type="file"' not in get_page(desk)


def post_send_again(desk: DeskScenario, failed: Message) -> Any:
    url = reverse("desk:resend", args=[desk.conversation.pk, failed.pk])
    return client_for(desk.dana).post(url, **HTMX_HEADERS)


def test_send_again_queues_a_copy_below_and_marks_the_failed_one(desk: DeskScenario) -> None:
    failed = builders.create_outbound_message(desk.conversation, "Lost", status="failed", error_code=30008)
    answer = post_send_again(desk, failed)
    copy = desk.conversation.messages.exclude(pk=failed.pk).get()
    assert (copy.body, copy.status) == ("Lost", "queued")
    shown = answer.content.decode()
    assert f'id="message-{failed.pk}"' in shown
    assert f'id="message-{copy.pk}"' in shown
    assert "Sent again below." in shown
    assert f"resend-{failed.pk}" not in get_page(desk)


def test_sending_again_twice_or_what_was_delivered_is_refused_in_words(desk: DeskScenario) -> None:
    failed = builders.create_outbound_message(desk.conversation, "Lost", status="failed")
    delivered = builders.create_outbound_message(desk.conversation, status="delivered")
    post_send_again(desk, failed)
    second = post_send_again(desk, failed)
    assert second.status_code == 422
    assert "already been sent again" in second.content.decode()
    assert post_send_again(desk, delivered).status_code == 422
