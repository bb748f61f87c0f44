"""Block a customer who abuses the desk: what they write is kept, but opens nothing and disturbs nobody."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from omnichannel.accounts.models import User
from omnichannel.conversations.access import can_block
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Contact, Conversation
from omnichannel.conversations.state_machine import record_event
from omnichannel.core.localized_text import localized


class BlockContactError(Exception):
    """This person may not do that; the text says so to them."""


def block_contact(conversation: Conversation, *, by: User) -> None:
    """Let this conversation's customer reach nobody any more, on any of our numbers.

    What they write from now on is kept with the webhook deliveries. Raises BlockingRefused for whoever may not.
    """
    _set_blocked(conversation, by, blocked=True)


def unblock_contact(conversation: Conversation, *, by: User) -> None:
    """Let this conversation's customer through again; what was kept meanwhile stays with the webhook deliveries.

    Raises BlockingRefused for whoever may not.
    """
    _set_blocked(conversation, by, blocked=False)


def _set_blocked(conversation: Conversation, by: User, *, blocked: bool) -> None:
    if not can_block(by, conversation):
        raise BlockContactError(gettext("Only the agent who has this conversation, or a supervisor, can do that."))
    at = timezone.now() if blocked else None
    with transaction.atomic():
        others = Contact.objects.filter(pk=conversation.contact_id, blocked_at__isnull=blocked)
        if not others.update(blocked_at=at):  # a colleague was faster, to the same end
            return
        conversation.contact.blocked_at = at
        if blocked:
            record_event(
                conversation, "blocked", localized("%(by)s blocked this customer.", by=by.display_name), actor=by
            )
        else:
            record_event(
                conversation, "unblocked", localized("%(by)s unblocked this customer.", by=by.display_name), actor=by
            )
        for shown in {conversation, *conversation.contact.conversations.filter(closed_at=None)}:
            publish_event(LiveEventKind.CONVERSATION, shown)
