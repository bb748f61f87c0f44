"""Two contacts turn out to be one person: what one of them has goes to the other.

By itself, where their number and their business-scoped id arrive in one message; by hand, see `merges`.
"""

from datetime import datetime
from typing import Any

from django.core import serializers
from django.db.models import F
from django.utils import timezone

from omnichannel.conversations.agent_load import schedule_load_refresh
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.models import Contact, Conversation, OfferOutcome
from omnichannel.conversations.state_machine import record_event
from omnichannel.core.localized_text import localized
from omnichannel.jobs.lanes import enqueue

# What belongs to a conversation and goes with it.
RELATED_NAMES = ("messages", "events", "notes", "offers", "required_skills", "participations")

JSONRecord = dict[str, Any]


def merge_contact_data(contact: Contact, other: Contact) -> list[JSONRecord]:
    """Move all that the other has to this contact; two open conversations on one number become one.

    What was joined is told for whoever may part it again. The caller holds the transaction and has locked both
    contacts.
    """
    # Lanes before conversations, as when a reply is queued: the other way round the two would deadlock.
    for pk in (
        Conversation.objects.filter(contact__in=[contact, other], closed_at=None).order_by("pk").values_list("pk")
    ):
        enqueue(LaneKind.SEND, pk[0])
    locked = Conversation.objects.select_for_update(of=("self",)).filter(closed_at=None).order_by("pk")
    joined = []
    for theirs in locked.filter(contact=other):
        ours = locked.filter(contact=contact, number=theirs.number_id).first()
        if ours is not None and theirs.agent_id and not ours.agent_id:
            joined.append(_join_conversations(theirs, ours))
        elif ours is not None:
            joined.append(_join_conversations(ours, theirs))
    Conversation.objects.filter(contact=other).update(contact=contact)
    contact.labels.add(*other.labels.all())
    other.merges.update(target=contact)
    other.addresses.update(contact=contact)
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
    return joined


def snapshot_object(thing: Contact | Conversation) -> JSONRecord:
    """The thing as it is now, to be brought back by `bring_back`."""
    pictured: JSONRecord = serializers.serialize("python", [thing])[0]
    pictured["fields"] = {name: _to_json_value(value) for name, value in pictured["fields"].items()}
    return pictured


def _to_json_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def restore_object(pictured: JSONRecord) -> Any:
    """The thing as it was, under its own key; not saved yet."""
    return next(iter(serializers.deserialize("python", [pictured])))


def _join_conversations(kept: Conversation, gone: Conversation) -> JSONRecord:
    """All that was said, is queued and is unread in either conversation is in `kept` from now on; what was moved."""
    record = {"kept": kept.pk, "gone": snapshot_object(gone)}
    _withdraw_offers(gone)
    for name in RELATED_NAMES:
        moving = getattr(gone, name).all()
        if name == "participations":
            moving = moving.exclude(left_at=None, agent__in=kept.participations.filter(left_at=None).values("agent"))
        if name == "required_skills":
            moving = moving.exclude(skill__in=kept.required_skills.values("skill"))
        record[name] = list(moving.values_list("pk", flat=True))
        moving.filter(pk__in=record[name]).update(conversation=kept)
    kept.labels.add(*gone.labels.all())
    kept.dispositions.add(*gone.dispositions.all())
    gone.delete()
    Conversation.objects.filter(pk=kept.pk).update(
        context={**gone.context, **kept.context},
        last_message=kept.messages.order_by("-created_at", "-pk").first(),
        last_activity_at=max(kept.last_activity_at, gone.last_activity_at),
        last_inbound_at=_latest(kept.last_inbound_at, gone.last_inbound_at),
        window_closes_at=_latest(kept.window_closes_at, gone.window_closes_at),
        unread_count=F("unread_count") + gone.unread_count,
    )
    line = localized("This customer's other conversation was joined to this one: it is the same person.")
    record_event(kept, "joined", line, actor=None)
    return record


def _withdraw_offers(gone: Conversation) -> None:
    """Nobody is offered a conversation that is gone, nor has it any more."""
    pending = gone.offers.filter(outcome=OfferOutcome.PENDING)
    pending.update(outcome=OfferOutcome.WITHDRAWN, decided_at=timezone.now())
    schedule_load_refresh(gone.agent_id, gone.offered_to_id)


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)
