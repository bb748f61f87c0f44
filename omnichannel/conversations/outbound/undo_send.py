"""Undo send: hold replies for a few seconds, in which their author can take them back."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from omnichannel.accounts.models import User
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Conversation, Message, MessageDirection, MessageStatus

HOLD_DURATION = timedelta(seconds=3)
TOO_LATE_ERROR = gettext_noop("Already sent. It can't be undone.")


class UndoSendError(Exception):
    """Nothing was undone; the text is for the user."""


def undo_messages(conversation: Conversation, author: User, pks: Sequence[int]) -> list[Message]:
    """Delete messages that the author has just queued, all or none; return them, to restore the draft.

    Raises:
        UndoSendError: the worker has already claimed one of the messages, or it is somebody else's.
    """
    with transaction.atomic():
        messages = list(
            _get_held_messages(conversation, author, pks).select_related("quoted").prefetch_related("attachments")
        )
        # The conditional UPDATE decides the race with the worker: the slower one finds another status.
        claimed_count = _get_held_messages(conversation, author, pks).update(
            status=MessageStatus.FAILED, not_before=None
        )
        if not messages or claimed_count != len(messages) or len(messages) != len(set(pks)):
            raise UndoSendError(gettext(TOO_LATE_ERROR))
        _delete_messages(conversation, messages)
        publish_event(LiveEventKind.MESSAGE, conversation)
    return messages


def _get_held_messages(conversation: Conversation, author: User, pks: Sequence[int]) -> QuerySet[Message]:
    return Message.objects.filter(
        pk__in=pks,
        conversation=conversation,
        author=author,
        status=MessageStatus.QUEUED,
        send_attempts=0,
        not_before__gt=timezone.now() - HOLD_DURATION,
    ).order_by("pk")


def _delete_messages(conversation: Conversation, messages: Sequence[Message]) -> None:
    pks = [message.pk for message in messages]
    files = [attachment.file for message in messages for attachment in message.attachments.all()]
    written_by_person = Q(direction=MessageDirection.INBOUND) | Q(author__isnull=False)
    last = conversation.messages.filter(written_by_person).exclude(pk__in=pks).order_by("-pk").first()
    Conversation.objects.filter(pk=conversation.pk, last_message__in=pks).update(last_message=last)
    Message.objects.filter(pk__in=pks).delete()
    for file in files:
        if file.name:
            transaction.on_commit(partial(file.storage.delete, file.name))
