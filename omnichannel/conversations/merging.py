"""Two contacts turn out to be one person: their number and their business-scoped id arrive in one message."""

from datetime import datetime

from django.db.models import F

from omnichannel.conversations.models import Contact, Conversation
from omnichannel.conversations.replies import SEND_LANE
from omnichannel.conversations.states import note
from omnichannel.jobs.lanes import enqueue


def absorb(contact: Contact, other: Contact) -> None:
    """Move all that the other has to this contact; two open conversations on one number become one.

    The caller holds the transaction and has locked both contacts.
    """
    # Lanes before conversations, as when a reply is queued: the other way round the two would deadlock.
    for pk in (
        Conversation.objects.filter(contact__in=[contact, other], closed_at=None).order_by("pk").values_list("pk")
    ):
        enqueue(SEND_LANE, pk[0])
    locked = Conversation.objects.select_for_update(of=("self",)).filter(closed_at=None).order_by("pk")
    for theirs in locked.filter(contact=other):
        ours = locked.filter(contact=contact, number=theirs.number_id).first()
        if ours is not None and theirs.agent_id and not ours.agent_id:
            _join(theirs, ours)
        elif ours is not None:
            _join(ours, theirs)
    Conversation.objects.filter(contact=other).update(contact=contact)
    news = {
        "name": contact.name or other.name,
        "external_user_id": contact.external_user_id or other.external_user_id,
        "language": contact.language or other.language,
        "fields": {**other.fields, **contact.fields},
        "blocked_at": contact.blocked_at or other.blocked_at,
        "opted_out_at": contact.opted_out_at or other.opted_out_at,
        "opted_out_by_word": contact.opted_out_by_word or other.opted_out_by_word,
    }
    other.delete()
    for name, value in news.items():
        setattr(contact, name, value)
    contact.save(update_fields=list(news))


def _join(kept: Conversation, gone: Conversation) -> None:
    """All that was said, is queued and is unread in either conversation is in `kept` from now on."""
    gone.messages.update(conversation=kept)
    gone.events.update(conversation=kept)
    gone.notes.update(conversation=kept)
    here = kept.participations.filter(left_at=None).values("agent")
    gone.participations.exclude(agent__in=here).update(conversation=kept)
    gone.delete()
    Conversation.objects.filter(pk=kept.pk).update(
        context={**gone.context, **kept.context},
        last_message=kept.messages.order_by("-created_at", "-pk").first(),
        last_activity_at=max(kept.last_activity_at, gone.last_activity_at),
        last_inbound_at=_later(kept.last_inbound_at, gone.last_inbound_at),
        window_closes_at=_later(kept.window_closes_at, gone.window_closes_at),
        unread_count=F("unread_count") + gone.unread_count,
    )
    note(kept, "joined", "This customer's other conversation was joined to this one: it is the same person.", by=None)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)
