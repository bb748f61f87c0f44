"""Block and unblock customers. A blocked customer's messages are stored, but open no conversation."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from omnichannel.accounts.models import User
from omnichannel.conversations import timeline
from omnichannel.conversations.access import can_block
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Contact, Conversation, TimelineEventKind
from omnichannel.core.localized_text import localized


class BlockContactError(Exception):
    """The user may not block or unblock this customer; the text is for the user."""


def block_contact(conversation: Conversation, *, by: User) -> None:
    """Block this conversation's customer on all of our numbers.

    Their later messages stay with the webhook deliveries.

    Raises:
        BlockContactError: the user may not block this customer.
    """
    _set_blocked(conversation, by, blocked=True)


def unblock_contact(conversation: Conversation, *, by: User) -> None:
    """Unblock this conversation's customer; messages sent meanwhile stay with the webhook deliveries.

    Raises:
        BlockContactError: the user may not unblock this customer.
    """
    _set_blocked(conversation, by, blocked=False)


def _set_blocked(conversation: Conversation, by: User, *, blocked: bool) -> None:
    if not can_block(by, conversation):
        raise BlockContactError(gettext("Only the assigned agent or a supervisor can do this."))
    at = timezone.now() if blocked else None
    with transaction.atomic():
        contacts = Contact.objects.filter(pk=conversation.contact_id, blocked_at__isnull=blocked)
        if not contacts.update(blocked_at=at):  # a colleague did the same a moment ago
            return
        conversation.contact.blocked_at = at
        if blocked:
            timeline.record(
                conversation,
                TimelineEventKind.BLOCKED,
                localized("%(by)s blocked this customer.", by=by.display_name),
                actor=by,
            )
        else:
            timeline.record(
                conversation,
                TimelineEventKind.UNBLOCKED,
                localized("%(by)s unblocked this customer.", by=by.display_name),
                actor=by,
            )
        for open_conversation in {conversation, *conversation.contact.conversations.filter(closed_at=None)}:
            publish_event(LiveEventKind.CONVERSATION, open_conversation)
