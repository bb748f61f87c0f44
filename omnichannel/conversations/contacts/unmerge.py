"""Undo a merge: restore the merged contact and split joined conversations."""

from typing import Any

from django.utils import timezone

from channels_whatsapp.service_window import get_closing_time
from omnichannel.conversations.agent_load import schedule_load_refresh
from omnichannel.conversations.contacts.merge_records import RELATED_NAMES, restore_object
from omnichannel.conversations.lanes import request_assignment
from omnichannel.conversations.models import (
    Contact,
    ContactAddress,
    ContactBusinessId,
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
from omnichannel.conversations.models.search import store_contact_words
from omnichannel.conversations.state_machine import CLEARED_OFFER
from routing.models import Agent, Queue, State

# Fields that a merge may have taken over from the source.
MERGED_FIELDS = ("name", "username", "language", "blocked_at", "opted_out_at", "opted_out_by_word")
MODELS_BY_RELATED_NAME: dict[str, Any] = {
    "messages": Message,
    "events": ConversationEvent,
    "notes": Note,
    "offers": Offer,
    "required_skills": RequiredSkill,
    "participations": Participation,
}


def restore_contact(merge: ContactMerge, target: Contact) -> Contact:
    """Recreate the merged contact; the target loses the data it got from it, unless changed since."""
    before, after = merge.target_before["fields"], merge.target_after["fields"]
    source = merge.source_snapshot["fields"]
    own_identities = {identity for _, identity in merge.target_before["addresses"]}
    target.addresses.exclude(identity__in=own_identities).delete()
    changed = _revert_merged_fields(target, before, after)
    if _has_address_of_source(target, merge):
        target.address, target.identity = before["address"], before["identity"]
        changed += ["address", "identity"]
    target.fields = {
        name: value
        for name, value in target.fields.items()
        if name in before["fields"] or value != source["fields"].get(name)
    }
    target.save(update_fields=[*changed, "fields"])
    target.labels.remove(*set(source["labels"]) - set(before["labels"]))
    restored = _recreate_contact(merge)
    store_contact_words([target.pk, restored.pk])
    return restored


def _has_address_of_source(target: Contact, merge: ContactMerge) -> bool:
    source = merge.source_snapshot["fields"]
    addresses = [(source["address"], source["identity"]), *merge.source_snapshot["addresses"]]
    return any(
        target.address == address or (identity is not None and target.identity == identity)
        for address, identity in addresses
    )


def _revert_merged_fields(target: Contact, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Revert the fields that the merge changed and nobody has changed since; return their names."""
    old, new = _build_unsaved_contact(before, target), _build_unsaved_contact(after, target)
    names = [name for name in MERGED_FIELDS if getattr(target, name) == getattr(new, name) != getattr(old, name)]
    for name in names:
        setattr(target, name, getattr(old, name))
    return names


def _build_unsaved_contact(fields: dict[str, Any], contact: Contact) -> Contact:
    """Return an unsaved contact with these fields, for comparison."""
    unsaved: Contact = restore_object({"model": "conversations.contact", "pk": contact.pk, "fields": fields}).object
    return unsaved


def _recreate_contact(merge: ContactMerge) -> Contact:
    fields = {**merge.source_snapshot["fields"]}
    fields["labels"] = list(Label.objects.filter(pk__in=fields["labels"]).values_list("pk", flat=True))
    snapshot = {"model": "conversations.contact", "pk": merge.source_snapshot["pk"], "fields": fields}
    restore_object(snapshot).save()
    restored: Contact = Contact.objects.get(pk=merge.source_snapshot["pk"])
    for address, identity in merge.source_snapshot["addresses"]:
        ContactAddress.objects.get_or_create(identity=identity, defaults={"contact": restored, "address": address})
    for account_id, business_scoped_id, parent_id in merge.source_snapshot["business_scoped_ids"]:
        ContactBusinessId.objects.update_or_create(
            account_id=account_id,
            business_scoped_id=business_scoped_id,
            defaults={"contact": restored, "parent_business_scoped_id": parent_id},
        )
    ContactMerge.objects.filter(pk__in=merge.source_snapshot["merges"]).update(target=restored)
    return restored


def split_conversation(record: dict[str, Any]) -> Conversation:
    """Split a joined conversation: recreate the deleted one and move its rows back.

    Args:
        record: the record that `merge_contact_data` returned for the two.
    """
    target = Conversation.objects.get(pk=record["target_pk"])
    restored = _recreate_conversation(record["source"], target)
    for name in RELATED_NAMES:
        rows = MODELS_BY_RELATED_NAME[name].objects.filter(pk__in=record[name], conversation=target)
        rows.update(conversation=restored)
    restored.unread_count = min(restored.unread_count, target.unread_count)
    target.unread_count -= restored.unread_count
    for conversation in (target, restored):
        _recalculate_activity(conversation)
    schedule_load_refresh(restored.agent_id)
    if restored.state == State.OPEN:
        request_assignment()
    return restored


def _recreate_conversation(snapshot: dict[str, Any], target: Conversation) -> Conversation:
    """Recreate a joined conversation from its snapshot.

    It keeps its agent and state when the same agent has the target; it is closed when the target is closed, and open
    (waiting for an agent) otherwise.
    """
    now, fields = timezone.now(), {**snapshot["fields"]}
    fields["labels"] = list(Label.objects.filter(pk__in=fields["labels"]).values_list("pk", flat=True))
    fields["dispositions"], fields["last_message"] = [], None
    if not Queue.objects.filter(pk=fields["queue"]).exists():
        fields["queue"] = target.queue_id
    if not Agent.objects.filter(pk=fields["agent"]).exists() or fields["agent"] != target.agent_id:
        fields["agent"] = None
    deserialized = restore_object({**snapshot, "fields": fields})
    restored: Conversation = deserialized.object
    if target.state == State.CLOSED:
        restored.state, restored.closed_at = State.CLOSED, target.closed_at
    elif restored.agent_id is None:
        restored.state, restored.queued_at = State.OPEN, now
    restored.state_since = now
    for name, value in CLEARED_OFFER.items():
        setattr(restored, name, value)
    deserialized.save()
    return restored


def _recalculate_activity(conversation: Conversation) -> None:
    """Set the last message and last activity from the conversation's own messages, and the service window.

    The window also counts from messages in other conversations of the same contact on the same number.
    """
    messages = conversation.messages.order_by("-created_at", "-pk")
    last, last_inbound = messages.first(), messages.filter(direction=MessageDirection.INBOUND).first()
    conversation.last_message = last
    conversation.last_activity_at = last.created_at if last else conversation.created_at
    others = Conversation.objects.exclude(pk=conversation.pk)
    window = others.get_service_window(conversation.contact, conversation.number)
    other_inbound_at = window["last_inbound_at"]
    if last_inbound and (other_inbound_at is None or last_inbound.created_at > other_inbound_at):
        window = {
            "last_inbound_at": last_inbound.created_at,
            "window_closes_at": get_closing_time(last_inbound.created_at),
        }
    conversation.last_inbound_at, conversation.window_closes_at = window["last_inbound_at"], window["window_closes_at"]
    conversation.save(
        update_fields=["last_message", "last_activity_at", "last_inbound_at", "window_closes_at", "unread_count"]
    )
