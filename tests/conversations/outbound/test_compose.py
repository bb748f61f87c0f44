"""Replies of agents are queued once or refused with a reason."""

import datetime as dt
import uuid
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile

from omnichannel.conversations.models import Contact, Conversation, Message
from omnichannel.conversations.outbound.compose import ReplyError, ReplyErrorCode, resend_reply, send_reply
from omnichannel.events.models import Event
from omnichannel.jobs.models import Lane
from routing.models import Agent, State
from tests import builders
from tests.concurrency import run_concurrently
from tests.file_samples import build_docx, build_mp4, build_ogg, build_zip

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
DAY, MICROSECOND = dt.timedelta(hours=24), dt.timedelta(microseconds=1)
WINDOW_CLOSED_TEXT = "This conversation has exceeded the 24 hour limit to respond to the customer."
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
DOCX_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PDF = b"%PDF-1.7\n" + b"x" * 40


@pytest.fixture
def conversation(dana: Agent) -> Conversation:
    return builders.create_conversation(agent=dana)


def reply_refusal(conversation: Conversation, author: Agent, **reply: Any) -> ReplyError:
    """Return the reason for which the reply is refused; nothing is stored."""
    with pytest.raises(ReplyError) as refused:
        send_reply(conversation, author=author.user, **reply)
    assert not Message.objects.filter(direction="outbound").exists()
    assert not Lane.objects.exists()
    return refused.value


def test_reply_is_queued_and_an_event_is_published(conversation: Conversation, dana: Agent) -> None:
    message = send_reply(conversation, author=dana.user, text="  On its way.\r\nBye ")
    assert (message.status, message.body, message.author) == ("queued", "On its way.\nBye", dana.user)
    assert Lane.objects.get().key == conversation.pk
    assert Event.objects.get().part_id == message.pk
    conversation.refresh_from_db()
    assert conversation.last_message == message


def test_a_reply_leaves_what_the_agent_has_not_seen_unread(conversation: Conversation, dana: Agent) -> None:
    Conversation.objects.update(unread_count=3)
    send_reply(conversation, author=dana.user, text="On its way.")
    assert Conversation.objects.get().unread_count == 3


def test_reply_does_not_extend_the_window(conversation: Conversation, dana: Agent) -> None:
    send_reply(conversation, author=dana.user, text="Hi")
    after = Conversation.objects.get()
    assert (after.last_inbound_at, after.window_closes_at) == (
        conversation.last_inbound_at,
        conversation.window_closes_at,
    )


def test_reply_exactly_24_hours_after_the_message_is_allowed(dana: Agent) -> None:
    conversation = builders.create_conversation(agent=dana, last_inbound_at=NOON)
    with time_machine.travel(NOON + DAY, tick=False):
        assert send_reply(conversation, author=dana.user, text="Just in time").status == "queued"


@pytest.mark.parametrize("reply", [{"text": "Too late"}, {"file": ContentFile(PNG, "late.png")}])
def test_reply_after_24_hours_is_refused_with_the_exact_text(dana: Agent, reply: Any) -> None:
    conversation = builders.create_conversation(agent=dana, last_inbound_at=NOON)
    with time_machine.travel(NOON + DAY + MICROSECOND, tick=False):
        refused = reply_refusal(conversation, dana, **reply)
    assert (str(refused), refused.code) == (WINDOW_CLOSED_TEXT, ReplyErrorCode.WINDOW_CLOSED)


def test_a_customer_who_never_wrote_has_no_window(dana: Agent) -> None:
    conversation = builders.create_conversation(agent=dana, last_inbound_at=None, window_closes_at=None)
    assert reply_refusal(conversation, dana, text="Hello?").message == WINDOW_CLOSED_TEXT


def test_reply_to_an_opted_out_customer_is_refused(conversation: Conversation, dana: Agent) -> None:
    Contact.objects.update(opted_out_at=NOON)
    assert reply_refusal(conversation, dana, text="Hello").code == ReplyErrorCode.OPTED_OUT


@pytest.mark.parametrize("text", ["", "   ", "\x00", "\r\n"])
def test_an_empty_reply_is_refused(conversation: Conversation, dana: Agent, text: str) -> None:
    assert reply_refusal(conversation, dana, text=text).code == ReplyErrorCode.EMPTY


def test_over_1600_characters_are_refused_at_the_field(conversation: Conversation, dana: Agent) -> None:
    refused = reply_refusal(conversation, dana, text="x" * 1601)
    assert (refused.code, refused.field) == (ReplyErrorCode.TOO_LONG, "text")
    assert "1 too long" in str(refused)
    assert send_reply(conversation, author=dana.user, text="x" * 1600).pk


def test_nul_characters_are_left_out(conversation: Conversation, dana: Agent) -> None:
    assert send_reply(conversation, author=dana.user, text="a\x00b").body == "ab"


@pytest.mark.parametrize("state", [State.OPEN, State.WAITING, State.CLOSED])
def test_only_active_and_wrap_up_conversations_are_answered(dana: Agent, state: State) -> None:
    conversation = builders.create_conversation(
        agent=None if state == State.OPEN else dana,
        state=state,
        closed_at=NOON if state == State.CLOSED else None,
    )
    assert reply_refusal(conversation, dana, text="Hi").code == ReplyErrorCode.NOT_ASSIGNED


def test_only_the_agent_who_has_it_answers(conversation: Conversation) -> None:
    assert (
        reply_refusal(conversation, builders.create_agent("Eli", role="Supervisor"), text="Hi").code
        == ReplyErrorCode.NOT_ASSIGNED
    )


def test_reply_to_a_conversation_reassigned_meanwhile_is_refused(conversation: Conversation, dana: Agent) -> None:
    Conversation.objects.update(agent=builders.create_agent("Eli"))
    assert reply_refusal(conversation, dana, text="Hi").code == ReplyErrorCode.NOT_ASSIGNED


def test_the_same_form_twice_queues_one_message(conversation: Conversation, dana: Agent) -> None:
    form = uuid.uuid4()
    first, two = (send_reply(conversation, author=dana.user, text="Hi", public_id=form) for _ in range(2))
    assert (first.pk, Message.objects.count()) == (two.pk, 1)


def test_resubmitted_form_after_the_window_closed_returns_the_queued_message(dana: Agent) -> None:
    conversation, form = builders.create_conversation(agent=dana, last_inbound_at=NOON), uuid.uuid4()
    with time_machine.travel(NOON + DAY, tick=False) as clock:
        first = send_reply(conversation, author=dana.user, text="Hi", public_id=form)
        clock.shift(MICROSECOND)
        assert send_reply(conversation, author=dana.user, text="Hi", public_id=form) == first


@pytest.mark.django_db(transaction=True)
def test_the_same_form_ten_times_at_once_queues_one_message() -> None:
    dana = builders.create_agent("Dana")
    conversation, form = builders.create_conversation(agent=dana), uuid.uuid4()
    outcomes = run_concurrently(
        *[lambda: send_reply(conversation, author=dana.user, text="Hi", public_id=form).pk] * 10
    )
    assert set(outcomes) == {Message.objects.get().pk}


def test_somebody_elses_form_id_shows_nothing_of_theirs(conversation: Conversation, dana: Agent) -> None:
    other_message = builders.create_outbound_message(builders.create_conversation(), "A secret")
    with pytest.raises(ReplyError):
        send_reply(conversation, author=dana.user, text="Hi", public_id=other_message.public_id)
    assert Message.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_replies_queued_at_once_are_numbered_in_the_order_of_their_commits() -> None:
    dana = builders.create_agent("Dana")
    conversation = builders.create_conversation(agent=dana)
    outcomes = run_concurrently(
        *[lambda n=n: send_reply(conversation, author=dana.user, text=f"{n}").pk for n in range(10)]
    )
    assert sorted(outcomes) == list(Message.objects.order_by("pk").values_list("pk", flat=True))
    assert Lane.objects.count() == 1


# -- Files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("content", "kind"), [(PNG, "image/png"), (PDF, "application/pdf")])
def test_file_is_queued_with_the_content_type_of_its_bytes(
    conversation: Conversation, dana: Agent, content: bytes, kind: str
) -> None:
    file = SimpleUploadedFile("../../etc/pass\x00wd", content, content_type="text/html")
    message = send_reply(conversation, author=dana.user, text="Here", file=file)
    attachment = message.attachments.get()
    assert (message.kind, attachment.content_type, attachment.state) == ("media", kind, "stored")
    assert attachment.file.read() == content
    assert "passwd" not in str(attachment.file.name)
    assert "\x00" not in attachment.name


@pytest.mark.parametrize(
    ("name", "declared", "content", "kind"),
    [
        ("Report.docx", "", build_docx(), DOCX_TYPE),
        ("memo.m4a", "audio/x-m4a", build_mp4(), "audio/mp4"),
        ("memo.m4a", "", build_mp4(), "audio/mp4"),
        ("film.mp4", "video/mp4", build_mp4(), "video/mp4"),
        ("voice.ogg", "audio/ogg", build_ogg(b"OpusHead\x01"), "audio/ogg"),
    ],
)
def test_office_documents_and_sound_are_sent_with_their_own_type(
    conversation: Conversation, dana: Agent, name: str, declared: str, content: bytes, kind: str
) -> None:
    file = SimpleUploadedFile(name, content, content_type=declared)
    attachment = send_reply(conversation, author=dana.user, file=file).attachments.get()
    assert (attachment.name, attachment.content_type) == (name, kind)


@pytest.mark.parametrize("name", ["ms-word-customxml.docx", "ms-word-trash.docx"])
def test_documents_that_word_wrote_with_other_parts_first_are_sent(
    conversation: Conversation, dana: Agent, name: str
) -> None:
    content = (Path(__file__).parents[2] / "cases" / "data" / "files" / name).read_bytes()
    attachment = send_reply(conversation, author=dana.user, file=SimpleUploadedFile(name, content)).attachments.get()
    assert (attachment.name, attachment.content_type) == (name, DOCX_TYPE)


def test_sound_that_is_sent_again_stays_sound(conversation: Conversation, dana: Agent) -> None:
    first = send_reply(
        conversation, author=dana.user, file=SimpleUploadedFile("memo", build_mp4(), content_type="audio/mp4")
    )
    assert first.attachments.get().name == "memo.m4a"
    Message.objects.update(status="undelivered")
    assert resend_reply(first, author=dana.user).attachments.get().content_type == "audio/mp4"


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("invoice-\u202efdp.pdf", "invoice-fdp.pdf"),
        ("Invoice", "Invoice.pdf"),
        ("x" * 400 + ".pdf", "x" * 116 + ".pdf"),
        ("\u202e", "file.pdf"),
    ],
)
def test_name_of_a_sent_file_is_cleaned(conversation: Conversation, dana: Agent, given_name: str, name: str) -> None:
    file = ContentFile(PDF)
    file.name = given_name
    assert send_reply(conversation, author=dana.user, file=file).attachments.get().name == name


@pytest.mark.parametrize("packet", [b"\x01vorbis", b"Speex   ", b"\x7fFLAC"])
def test_ogg_without_opus_is_refused_with_advice(conversation: Conversation, dana: Agent, packet: bytes) -> None:
    refused = reply_refusal(conversation, dana, file=ContentFile(build_ogg(packet), "a.ogg"))
    assert "only with the Opus codec" in str(refused)


@pytest.mark.parametrize(
    ("content", "error_text"),
    [
        (b"", "This file is empty."),
        (build_ogg(b"\x80theora"), "This file type is not supported"),
        (build_zip("word/document.xml", "a.txt"), "This file type is not supported"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "This file type is not supported"),
        (b"<html><script>alert(1)</script>", "This file type is not supported"),
        (b"MZ" + b"\x00" * 100, "This file type is not supported"),
        (PNG + b"\x00" * (5 * 1024 * 1024), "The limit is 5 MB"),
        (PDF + b"\x00" * (16 * 1024 * 1024), "The limit is 16 MB"),
    ],
)
def test_a_file_whatsapp_does_not_take_is_refused_with_the_reason(
    conversation: Conversation, dana: Agent, content: bytes, error_text: str
) -> None:
    refused = reply_refusal(conversation, dana, file=ContentFile(content, "picture.png"))
    assert error_text in str(refused)
    assert (refused.code, refused.field) == (ReplyErrorCode.FILE_REJECTED, "file")


def test_files_are_refused_where_agents_may_not_attach(conversation: Conversation, dana: Agent) -> None:
    conversation.number.agents_may_attach = False
    conversation.number.save()
    assert reply_refusal(conversation, dana, file=ContentFile(PNG, "a.png")).code == ReplyErrorCode.ATTACHMENTS_DISABLED


# -- Send again --------------------------------------------------------------------------------------------------------


def test_a_failed_message_is_sent_again_once(conversation: Conversation, dana: Agent) -> None:
    failed = builders.create_outbound_message(conversation, "Hi", status="failed", error_code=63016)
    resent = resend_reply(failed, author=dana.user)
    assert (resent.body, resent.status, resent.pk != failed.pk) == ("Hi", "queued", True)
    with pytest.raises(ReplyError) as refused:
        resend_reply(failed, author=dana.user)
    assert refused.value.code == ReplyErrorCode.ALREADY_RESENT
    failed.refresh_from_db()
    assert (failed.status, failed.error_code) == ("failed", 63016)


def test_a_failed_file_is_sent_again_with_its_file(conversation: Conversation, dana: Agent) -> None:
    first = send_reply(conversation, author=dana.user, file=ContentFile(PNG, "a.png"))
    Message.objects.update(status="undelivered")
    first.refresh_from_db()
    copy = resend_reply(first, author=dana.user).attachments.get()
    assert (copy.file.read(), copy.file.name != first.attachments.get().file.name) == (PNG, True)


def test_missing_file_is_refused_with_a_reason(conversation: Conversation, dana: Agent) -> None:
    first = send_reply(conversation, author=dana.user, file=ContentFile(PNG, "a.png"))
    file = first.attachments.get().file
    file.storage.delete(str(file.name))
    Message.objects.update(status="failed")
    first.refresh_from_db()
    with pytest.raises(ReplyError) as refused:
        resend_reply(first, author=dana.user)
    assert refused.value.field == "file"


@pytest.mark.parametrize("status", ["queued", "sending", "sent", "delivered", "read"])
def test_message_that_has_not_failed_cannot_be_resent(conversation: Conversation, dana: Agent, status: str) -> None:
    with pytest.raises(ReplyError):
        resend_reply(builders.create_outbound_message(conversation, status=status), author=dana.user)


def test_a_customers_message_is_not_sent_again(conversation: Conversation, dana: Agent) -> None:
    with pytest.raises(ReplyError):
        resend_reply(builders.create_inbound_message(conversation), author=dana.user)


def test_after_24_hours_nothing_is_sent_again(conversation: Conversation, dana: Agent) -> None:
    failed = builders.create_outbound_message(conversation, status="failed")
    Conversation.objects.update(window_closes_at=NOON)
    with pytest.raises(ReplyError, match="24 hour limit"):
        resend_reply(failed, author=dana.user)


def test_a_reply_knows_the_message_it_replies_to(conversation: Conversation) -> None:
    quoted_message, elsewhere = (
        builders.create_inbound_message(conversation),
        builders.create_inbound_message(builders.create_conversation()),
    )
    assert conversation.agent is not None
    author = conversation.agent.user
    assert send_reply(conversation, author=author, text="Yes", quoted=quoted_message).quoted == quoted_message
    with pytest.raises(ReplyError, match="not in this conversation"):
        send_reply(conversation, author=author, text="Yes", quoted=elsewhere)


def test_unfilled_slug_is_refused(conversation: Conversation) -> None:
    assert conversation.agent is not None
    with pytest.raises(ReplyError, match=r"Replace {LastName{Customer}} before sending") as caught:
        send_reply(conversation, author=conversation.agent.user, text="Dear {LastName{Customer}}")
    assert caught.value.field == "text"
