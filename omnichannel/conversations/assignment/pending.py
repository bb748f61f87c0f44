"""Conversations whose rules have not been asked yet: they are seen and can be taken, but not handed out."""

from django.db.models import Exists, OuterRef, Q

from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.models import ConversationQuerySet
from omnichannel.jobs.models import Lane
from routing.models import State

# About half a minute. A customer whose rules can't be asked for so long is handed out from the first queue.
MAX_ROUTING_ATTEMPTS = 5


def exclude_unrouted(conversations: ConversationQuerySet) -> ConversationQuerySet:
    """The conversations without those that may still be put into another queue."""
    pending = Lane.objects.filter(kind=LaneKind.ROUTE, key=OuterRef("pk"), attempts__lte=MAX_ROUTING_ATTEMPTS)
    return conversations.exclude(Q(state=State.OPEN, offered_to=None) & Exists(pending))
