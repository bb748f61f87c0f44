"""Move the data of one contact to another that is the same person.

Used automatically when a number and a business-scoped id arrive in one message, and for manual merges, see `merge`.
"""

from datetime import datetime
from typing import Any

from django.core import serializers
from django.db.models import F
from django.utils import timezone

from omnichannel.conversations import timeline
from omnichannel.conversations.agent_load import schedule_load_refresh
from omnichannel.conversations.lanes import LaneKind
from omnichannel.conversations.models import Contact, Conversation, OfferOutcome, TimelineEventKind
from omnichannel.core.localized_text import localized
from omnichannel.jobs.lanes import enqueue

# Relations whose rows move with their conversation.
RELATED_NAMES = ("messages", "events", "notes", "offers", "required_skills", "participations")

JSONRecord = dict[str, Any]


def merge_contact_data(contact: Contact, other: Contact) -> list[JSONRecord]:
    """Move all data of the other contact to this one, and delete the other.

    Two open conversations on one number are joined. The caller holds the transaction and has locked both contacts.

    Returns:
        A record of each joined conversation, with which `unmerge` can split it again.
    """
    # Lock lanes before conversations, as when a reply is queued: the opposite order would deadlock.
    for pk in (
        Conversation.objects.filter(contact__in=[contact, other], closed_at=None).order_by("pk").values_list("pk")
    ):
        enqueue(LaneKind.SEND, pk[0])
    locked = Conversation.objects.select_for_update(of=("self",)).filter(closed_at=None).order_by("pk")
    records = []
    for moved in locked.filter(contact=other):
        existing = locked.filter(contact=contact, number=moved.number_id).first()
        if existing is not None and moved.agent_id and not existing.agent_id:
            records.append(_join_conversations(moved, existing))
        elif existing is not None:
            records.append(_join_conversations(existing, moved))
    Conversation.objects.filter(contact=other).update(contact=contact)
    contact.labels.add(*other.labels.all())
    other.merges.update(target=contact)
    other.addresses.update(contact=contact)
    other.business_scoped_ids.update(contact=contact)
    values = {
        "name": contact.name or other.name,
        "username": contact.username or other.username,
        "language": contact.language or other.language,
        "fields": {**other.fields, **contact.fields},
        "blocked_at": contact.blocked_at or other.blocked_at,
        "opted_out_at": contact.opted_out_at or other.opted_out_at,
        "opted_out_by_word": contact.opted_out_by_word or other.opted_out_by_word,
    }
    other.delete()
    for name, value in values.items():
        setattr(contact, name, value)
    contact.save(update_fields=list(values))
    return records


def snapshot_object(instance: Contact | Conversation) -> JSONRecord:
    """Return the object as JSON, from which `restore_object` can restore it."""
    snapshot: JSONRecord = serializers.serialize("python", [instance])[0]
    snapshot["fields"] = {name: _to_json_value(value) for name, value in snapshot["fields"].items()}
    return snapshot


def _to_json_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def restore_object(snapshot: JSONRecord) -> Any:
    """Return the deserialized object of a snapshot, with its primary key; not saved yet."""
    return next(iter(serializers.deserialize("python", [snapshot])))


def _join_conversations(target: Conversation, source: Conversation) -> JSONRecord:
    """Move all rows of the source to the target and delete the source; return a record of the moved rows."""
    # Stored in ContactMerge: the keys must not change.
    record = {"target_pk": target.pk, "source": snapshot_object(source)}
    _withdraw_offers(source)
    for name in RELATED_NAMES:
        moving = getattr(source, name).all()
        if name == "participations":
            moving = moving.exclude(left_at=None, agent__in=target.participations.filter(left_at=None).values("agent"))
        if name == "required_skills":
            moving = moving.exclude(skill__in=target.required_skills.values("skill"))
        record[name] = list(moving.values_list("pk", flat=True))
        moving.filter(pk__in=record[name]).update(conversation=target)
    target.labels.add(*source.labels.all())
    target.dispositions.add(*source.dispositions.all())
    source.delete()
    Conversation.objects.filter(pk=target.pk).update(
        context={**source.context, **target.context},
        last_message=target.messages.order_by("-created_at", "-pk").first(),
        last_activity_at=max(target.last_activity_at, source.last_activity_at),
        last_inbound_at=_latest(target.last_inbound_at, source.last_inbound_at),
        window_closes_at=_latest(target.window_closes_at, source.window_closes_at),
        unread_count=F("unread_count") + source.unread_count,
    )
    line = localized("This customer's other conversation was merged into this one.")
    timeline.record(target, TimelineEventKind.CONVERSATIONS_JOINED, line, actor=None)
    return record


def _withdraw_offers(conversation: Conversation) -> None:
    """Withdraw pending offers of a conversation about to be deleted, and free its agents' capacity."""
    pending = conversation.offers.filter(outcome=OfferOutcome.PENDING)
    pending.update(outcome=OfferOutcome.WITHDRAWN, decided_at=timezone.now())
    schedule_load_refresh(conversation.agent_id, conversation.offered_to_id)


def _latest(first: datetime | None, second: datetime | None) -> datetime | None:
    return max(filter(None, (first, second)), default=None)
