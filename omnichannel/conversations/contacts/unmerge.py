"""Undo a merge: the contact that had gone comes back, and joined conversations are two again."""

from typing import Any

from django.utils import timezone

from channels_whatsapp.service_window import get_closing_time
from omnichannel.conversations.agent_load import schedule_load_refresh
from omnichannel.conversations.contacts.merge_records import RELATED_NAMES, restore_object
from omnichannel.conversations.lanes import request_assignment
from omnichannel.conversations.models import (
    Contact,
    ContactAddress,
    ContactMerge,
    Conversation,
    Label,
    Message,
    MessageDirection,
    Note,
    Offer,
    Participation,
    RequiredSkill,
)
from omnichannel.conversations.models.conversations import ConversationEvent
from omnichannel.conversations.state_machine import CLEARED_OFFER
from routing.models import Agent, Queue, State

# What either contact may have given the one they became.
MERGED_FIELDS = ("name", "language", "external_user_id", "blocked_at", "opted_out_at", "opted_out_by_word")
MODELS_BY_RELATED_NAME: dict[str, Any] = {
    "messages": Message,
    "events": ConversationEvent,
    "notes": Note,
    "offers": Offer,
    "required_skills": RequiredSkill,
    "participations": Participation,
}


def restore_contact(done: ContactMerge, kept: Contact) -> Contact:
    """The contact that had gone, as it was; `kept` gives back what it got, unless that was changed since."""
    before, after, gone = (one["fields"] for one in (done.target_before, done.target_after, done.source_snapshot))
    own = {identity for _, identity in done.target_before["addresses"]}
    kept.addresses.exclude(identity__in=own).delete()
    changed = _revert_merged_fields(kept, before, after)
    if kept.identity in {gone["identity"], *(who for _, who in done.source_snapshot["addresses"])}:
        kept.address, kept.identity = before["address"], before["identity"]
        changed += ["address", "identity"]
    kept.fields = {
        name: value
        for name, value in kept.fields.items()
        if name in before["fields"] or value != gone["fields"].get(name)
    }
    kept.save(update_fields=[*changed, "fields"])
    kept.labels.remove(*set(gone["labels"]) - set(before["labels"]))
    return _recreate_contact(done)


def _revert_merged_fields(kept: Contact, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    was, became = _build_unsaved_contact(before, kept), _build_unsaved_contact(after, kept)
    given = [name for name in MERGED_FIELDS if getattr(kept, name) == getattr(became, name) != getattr(was, name)]
    for name in given:
        setattr(kept, name, getattr(was, name))
    return given


def _build_unsaved_contact(fields: dict[str, Any], contact: Contact) -> Contact:
    """A contact with these fields, never saved: to compare with."""
    found: Contact = restore_object({"model": "conversations.contact", "pk": contact.pk, "fields": fields}).object
    return found


def _recreate_contact(done: ContactMerge) -> Contact:
    fields = {**done.source_snapshot["fields"]}
    fields["labels"] = list(Label.objects.filter(pk__in=fields["labels"]).values_list("pk", flat=True))
    returning = restore_object({"model": "conversations.contact", "pk": done.source_snapshot["pk"], "fields": fields})
    returning.save()
    back: Contact = Contact.objects.get(pk=done.source_snapshot["pk"])
    for address, who in done.source_snapshot["addresses"]:
        ContactAddress.objects.get_or_create(identity=who, defaults={"contact": back, "address": address})
    ContactMerge.objects.filter(pk__in=done.source_snapshot["merges"]).update(target=back)
    return back


def split_conversation(record: dict[str, Any]) -> Conversation:
    """The conversation that had been joined to another is one of its own again, with all that was its own."""
    kept = Conversation.objects.get(pk=record["kept"])
    back = _recreate_conversation(record["gone"], kept)
    for name in RELATED_NAMES:
        MODELS_BY_RELATED_NAME[name].objects.filter(pk__in=record[name], conversation=kept).update(conversation=back)
    back.unread_count = min(back.unread_count, kept.unread_count)
    kept.unread_count -= back.unread_count
    for conversation in (kept, back):
        _recalculate_activity(conversation)
    schedule_load_refresh(back.agent_id)
    if back.state == State.OPEN:
        request_assignment()
    return back


def _recreate_conversation(pictured: dict[str, Any], kept: Conversation) -> Conversation:
    """In the state it had if its agent still has the other one too; closed if that is closed; else it waits."""
    now, fields = timezone.now(), {**pictured["fields"]}
    fields["labels"] = list(Label.objects.filter(pk__in=fields["labels"]).values_list("pk", flat=True))
    fields["dispositions"], fields["last_message"] = [], None
    if not Queue.objects.filter(pk=fields["queue"]).exists():
        fields["queue"] = kept.queue_id
    if not Agent.objects.filter(pk=fields["agent"]).exists() or fields["agent"] != kept.agent_id:
        fields["agent"] = None
    returning = restore_object({**pictured, "fields": fields})
    back: Conversation = returning.object
    if kept.state == State.CLOSED:
        back.state, back.closed_at = State.CLOSED, kept.closed_at
    elif back.agent_id is None:
        back.state, back.queued_at = State.OPEN, now
    back.state_since = now
    for name, value in CLEARED_OFFER.items():
        setattr(back, name, value)
    returning.save()
    return back


def _recalculate_activity(conversation: Conversation) -> None:
    """Its last message, its last activity and its window are those of its own messages."""
    messages = conversation.messages.order_by("-created_at", "-pk")
    last, theirs = messages.first(), messages.filter(direction=MessageDirection.INBOUND).first()
    conversation.last_message = last
    conversation.last_activity_at = last.created_at if last else conversation.created_at
    conversation.last_inbound_at = theirs.created_at if theirs else None
    conversation.window_closes_at = get_closing_time(theirs.created_at) if theirs else None
    conversation.save(
        update_fields=["last_message", "last_activity_at", "last_inbound_at", "window_closes_at", "unread_count"]
    )
