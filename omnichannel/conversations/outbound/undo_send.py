"""Take a reply back in the seconds before it goes out: for those who want that, it is held for a moment."""

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
TOO_LATE_ERROR = gettext_noop("That is on its way already. It can't be taken back any more.")


class UndoSendError(Exception):
    """Nothing was taken back; the text says why to a person."""


def undo_messages(conversation: Conversation, author: User, pks: Sequence[int]) -> list[Message]:
    """Delete what this person has just queued, as if it had never been written; the caller shows it again.

    All of it or nothing: raises TooLate when the worker has taken one of the messages, or it is somebody else's.
    """
    with transaction.atomic():
        found = list(
            _get_held_messages(conversation, author, pks).select_related("quoted").prefetch_related("attachments")
        )
        # The conditional UPDATE decides between the worker and us: whoever comes second finds another status.
        taken = _get_held_messages(conversation, author, pks).update(status=MessageStatus.FAILED, not_before=None)
        if not found or taken != len(found) or len(found) != len(set(pks)):
            raise UndoSendError(gettext(TOO_LATE_ERROR))
        _delete_messages(conversation, found)
        publish_event(LiveEventKind.MESSAGE, conversation)
    return found


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
    pks = [one.pk for one in messages]
    files = [attachment.file for one in messages for attachment in one.attachments.all()]
    written = Q(direction=MessageDirection.INBOUND) | Q(author__isnull=False)
    last = conversation.messages.filter(written).exclude(pk__in=pks).order_by("-pk").first()
    Conversation.objects.filter(pk=conversation.pk, last_message__in=pks).update(last_message=last)
    Message.objects.filter(pk__in=pks).delete()
    for file in files:
        if file.name:
            transaction.on_commit(partial(file.storage.delete, file.name))
