"""A reply can be undone until it is sent, and never both."""

import datetime as dt
from functools import partial
from importlib import import_module
from pkgutil import iter_modules
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from channels_whatsapp.backends.memory import MemoryBackend
from omnichannel.conversations import migrations
from omnichannel.conversations.models import Attachment, Conversation, DeskPreferences, Message
from omnichannel.conversations.outbound.compose import send_reply
from omnichannel.conversations.outbound.delivery import deliver_messages
from omnichannel.conversations.outbound.undo_send import HOLD_DURATION, UndoSendError, undo_messages
from omnichannel.events.models import Event
from omnichannel.jobs.lanes import claim_lanes
from tests import builders
from tests.concurrency import run_concurrently

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 64


@pytest.fixture
def conversation(memory_backend: MemoryBackend, clock: Any) -> Conversation:
    return builders.create_conversation(agent=builders.create_agent("Dana"))


def assigned_user(conversation: Conversation) -> Any:
    assert conversation.agent is not None
    return conversation.agent.user


def send_held_reply(conversation: Conversation, text: str = "Oops", **more: Any) -> Message:
    return send_reply(conversation, author=assigned_user(conversation), text=text, send_delay=HOLD_DURATION, **more)


def run_send_lanes() -> None:
    """Run the send lanes that are due."""
    for lease in claim_lanes(["send"], 10):
        lease.finish(deliver_messages(lease))


def test_held_reply_is_sent_after_its_delay_and_before_later_replies(
    conversation: Conversation, memory_backend: MemoryBackend, clock: Any
) -> None:
    send_held_reply(conversation, "first")
    send_reply(conversation, author=assigned_user(conversation), text="second")
    run_send_lanes()
    assert not memory_backend.outbox
    clock.shift(HOLD_DURATION)
    run_send_lanes()
    assert [message.body for message in memory_backend.outbox] == ["first", "second"]


def test_undone_reply_is_deleted(conversation: Conversation, memory_backend: MemoryBackend, clock: Any) -> None:
    question = builders.create_inbound_message(conversation, "Which one?")
    picture = SimpleUploadedFile("lamp.png", PNG)
    pks = [
        send_held_reply(conversation, "Look", file=picture, quoted=question).pk,
        send_held_reply(conversation, "this one").pk,
    ]
    stored = Attachment.objects.get().file
    storage, name = stored.storage, stored.name
    Event.objects.all().delete()
    clock.shift(HOLD_DURATION - dt.timedelta(seconds=1))
    removed_messages = undo_messages(conversation, assigned_user(conversation), pks)
    assert [(message.body, message.quoted) for message in removed_messages] == [("Look", question), ("this one", None)]
    assert list(Message.objects.all()) == [question]
    conversation.refresh_from_db()
    assert conversation.last_message == question
    assert Event.objects.filter(kind="message").exists()
    clock.shift(HOLD_DURATION)
    run_send_lanes()
    assert not memory_backend.outbox
    assert name
    assert storage.exists(name)  # The file exists until the transaction ends.


@pytest.mark.django_db(transaction=True)
def test_file_of_an_undone_reply_is_deleted(conversation: Conversation) -> None:
    message = send_held_reply(conversation, "", file=SimpleUploadedFile("lamp.png", PNG))
    file = message.attachments.get().file
    name = str(file.name)
    assert file.storage.exists(name)
    undo_messages(conversation, assigned_user(conversation), [message.pk])
    assert not file.storage.exists(name)


@pytest.mark.parametrize("refusal_case", ["sent", "not held", "somebody else's", "one of two", "nothing"])
def test_late_or_foreign_undo_is_refused(conversation: Conversation, clock: Any, refusal_case: str) -> None:
    author = builders.create_agent("Omar").user if refusal_case == "somebody else's" else assigned_user(conversation)
    pks = [] if refusal_case == "nothing" else [send_held_reply(conversation).pk]
    if refusal_case == "not held":
        pks = [send_reply(conversation, author=author, text="Hi").pk]
    if refusal_case == "one of two":
        pks.append(builders.create_outbound_message(conversation, author=author).pk)
    if refusal_case == "sent":
        clock.shift(HOLD_DURATION)
        run_send_lanes()
    before = list(Message.objects.values_list("pk", "status"))
    with pytest.raises(UndoSendError, match="Already sent"):
        undo_messages(conversation, author, pks)
    assert list(Message.objects.values_list("pk", "status")) == before


@pytest.mark.django_db(transaction=True)
def test_concurrent_send_and_undo_have_one_winner(
    conversation: Conversation, memory_backend: MemoryBackend, clock: Any
) -> None:
    for _ in range(25):
        memory_backend.outbox.clear()
        Message.objects.all().delete()
        message = send_held_reply(conversation)
        clock.shift(HOLD_DURATION)
        _, taken_back = run_concurrently(
            run_send_lanes, partial(undo_messages, conversation, assigned_user(conversation), [message.pk])
        )
        assert isinstance(taken_back, UndoSendError) == (len(memory_backend.outbox) == 1)
        assert isinstance(taken_back, UndoSendError | list)


def test_undo_send_is_on_for_new_and_existing_agents() -> None:
    existing = DeskPreferences.objects.create(agent=builders.create_agent("Dana"), can_undo_sending=False)
    (name,) = [name for _, name, _ in iter_modules(migrations.__path__) if name.endswith("undo_send_by_default")]
    with_connection: Any = SimpleNamespace(connection=connection)
    import_module(f"{migrations.__name__}.{name}").enable_undo_send(apps, with_connection)
    existing.refresh_from_db()
    assert existing.can_undo_sending
    assert DeskPreferences(agent=existing.agent).can_undo_sending
