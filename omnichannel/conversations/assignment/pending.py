"""Conversations that are not routed yet: agents can see and take them, but none is assigned."""

from django.db.models import Exists, OuterRef, Q

from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.models import ConversationQuerySet
from omnichannel.jobs.models import Lane
from routing.models import State

# About half a minute. When routing fails for so long, the conversation is assigned from the queue it is in.
MAX_ROUTING_ATTEMPTS = 5


def exclude_unrouted(conversations: ConversationQuerySet) -> ConversationQuerySet:
    """Return the conversations without those that routing may still move to another queue."""
    pending = Lane.objects.filter(kind=LaneKind.ROUTE, key=OuterRef("pk"), attempts__lte=MAX_ROUTING_ATTEMPTS)
    return conversations.exclude(Q(state=State.OPEN, offered_to=None) & Exists(pending))
