"""Merge two contacts on a user's request, and undo it.

Everything needed for the undo is stored with the merge. Messages since the merge stay with the target, because nobody
can tell to which contact they would belong.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from channels_whatsapp.identity import format_address
from omnichannel.accounts.models import User
from omnichannel.conversations import timeline
from omnichannel.conversations.access import SEE_ALL_PERMISSION, can_see_all_conversations, fully_visible_contacts
from omnichannel.conversations.contacts.merge_records import merge_contact_data, snapshot_object
from omnichannel.conversations.contacts.unmerge import restore_contact, split_conversation
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import (
    Contact,
    ContactAddress,
    ContactBusinessId,
    ContactMerge,
    Conversation,
    Message,
    MessageStatus,
    TimelineEventKind,
)
from omnichannel.conversations.search.contacts import find_contacts
from omnichannel.conversations.state_machine import resume_on_customer_message
from omnichannel.core.localized_text import LocalizedText, localized
from omnichannel.events.publish import publish
from omnichannel.live.topics import ALL_TOPIC, agent_topic, queue_topic
from routing.models import State

UNDO_PERIOD: Final = timedelta(days=30)
MAX_CANDIDATES: Final = 20


class MergeError(Exception):
    """The contacts could not be merged or unmerged; the text is for the user."""


def search_merge_candidates(contact: Contact, user: User, query: str) -> list[Contact]:
    """Return other contacts by part of their name or number, among those the user may merge.

    Raises:
        QueryTimeoutError: the search took too long.
    """
    keys = find_contacts(query, min_digits=3)
    others = fully_visible_contacts(user, keys).exclude(pk=contact.pk)
    return list(others.order_by("name", "profile_name", "pk")[:MAX_CANDIDATES])


def get_merge_error(target: Contact, source: Contact, user: User) -> str:
    """Return why the user can't merge these contacts; empty when they can."""
    if target.pk == source.pk:
        return gettext("These are already the same contact.")
    if not can_see_all_conversations(user, target, source):
        return gettext("You need access to all conversations of both customers to merge them.")
    if _has_unsent_messages(Conversation.objects.filter(contact__in=[target, source])):
        return gettext("A message to one of them is still being sent. Try again in a moment.")
    for assigned in source.conversations.filter(closed_at=None).exclude(agent=None).select_related("agent__user"):
        on_same_number = target.conversations.filter(closed_at=None, number=assigned.number_id).exclude(agent=None)
        other = on_same_number.exclude(agent=assigned.agent_id).select_related("agent__user", "number").first()
        if other is not None:
            return gettext(
                "Both have an open conversation on %(number)s: one with %(agent)s, one with %(other)s. Close "
                "one of them first."
            ) % {"number": other.number.name, "agent": other.agent, "other": assigned.agent}
    return ""


def _has_unsent_messages(conversations: QuerySet[Conversation]) -> bool:
    unsent = Message.objects.filter(status__in=(MessageStatus.QUEUED, MessageStatus.SENDING))
    return unsent.filter(conversation__in=conversations.order_by().values("pk")).exists()


def merge_contacts(target: Contact, source: Contact, *, by: User) -> ContactMerge:
    """Merge the source into the target; messages from either address then belong to the target.

    Raises:
        MergeError: the contacts can't be merged, or not by this user.
    """
    with transaction.atomic():
        target, source = _lock_contacts(target, source)
        if refusal := get_merge_error(target, source, by):
            raise MergeError(refusal)
        handle = source.display_handle
        name = f"{source.display_name} ({handle})" if handle else source.display_name
        target_before, source_snapshot = _snapshot_contact(target), _snapshot_contact(source)
        conversation_ids = list(source.conversations.values_list("pk", flat=True))
        latest = get_latest_writer(target, source)
        address, identity = latest.address, latest.identity
        records = merge_contact_data(target, source)
        target.address, target.identity = address, identity
        target.save(update_fields=["address", "identity"])
        _record_addresses(target, target_before, source_snapshot)
        merge = ContactMerge.objects.create(
            target=target,
            source_snapshot=source_snapshot,
            target_before=target_before,
            target_after=_snapshot_contact(target),
            source_conversation_ids=conversation_ids,
            merged_conversations=records,
            merged_by=by,
        )
        _wake_unread_conversations(target, records)
        for record in records:
            _publish_removal(record["source"])
        line = localized("%(by)s merged %(name)s into this customer.", by=by.display_name, name=name)
        _record_on_open_conversations(target, TimelineEventKind.CONTACTS_MERGED, line, by)
    return merge


def _lock_contacts(target: Contact, source: Contact) -> tuple[Contact, Contact]:
    """Lock both contacts, after their conversations: receiving a message locks in the same order."""
    conversations = Conversation.objects.filter(contact__in=[target, source], closed_at=None).order_by("pk")
    list(conversations.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
    contacts = Contact.objects.select_for_update().filter(pk__in=[target.pk, source.pk])
    locked = {contact.pk: contact for contact in contacts}
    if {target.pk, source.pk} - set(locked):
        raise MergeError(gettext("One of these contacts no longer exists."))
    return locked[target.pk], locked[source.pk]


def _snapshot_contact(contact: Contact) -> dict[str, Any]:
    """Return a contact as JSON: its fields, its additional numbers, its ids and the merges into it."""
    return {
        **snapshot_object(contact),
        "name": contact.display_name,
        "address": contact.display_number,
        "addresses": [[extra.address, extra.identity] for extra in contact.addresses.all()],
        "business_scoped_ids": [
            [own_id.account_id, own_id.business_scoped_id, own_id.parent_business_scoped_id]
            for own_id in contact.business_scoped_ids.all()
        ],
        "merges": list(contact.merges.values_list("pk", flat=True)),
    }


def get_latest_writer(target: Contact, source: Contact) -> Contact:
    """Return the contact that wrote last, to whose address replies are sent; the target if neither wrote."""
    return max((target, source), key=lambda contact: (_get_last_inbound_at(contact), contact == target))


def _get_last_inbound_at(contact: Contact) -> datetime:
    latest: datetime | None = contact.conversations.aggregate(at=Max("last_inbound_at"))["at"]
    return latest or datetime.min.replace(tzinfo=UTC)


def _record_addresses(target: Contact, *snapshots: dict[str, Any]) -> None:
    """Store the numbers of both contacts, so that messages from either belong to the target."""
    for snapshot in snapshots:
        address, identity = snapshot["fields"]["address"], snapshot["fields"]["identity"]
        if identity is not None:
            ContactAddress.objects.get_or_create(identity=identity, defaults={"contact": target, "address": address})


def _wake_unread_conversations(target: Contact, records: list[dict[str, Any]]) -> None:
    """Resume joined conversations that wait for the customer but now have unread messages."""
    joined_ids = [record["target_pk"] for record in records]
    for conversation in target.conversations.filter(pk__in=joined_ids, state=State.WAITING):
        if conversation.unread_count:
            resume_on_customer_message(conversation)


def _record_on_open_conversations(contact: Contact, kind: TimelineEventKind, line: LocalizedText, by: User) -> None:
    for conversation in contact.conversations.filter(closed_at=None):
        timeline.record(conversation, kind, line, actor=by)
        publish_event(LiveEventKind.CONVERSATION, conversation)


def _publish_removal(snapshot: dict[str, Any]) -> None:
    """Publish an event for a deleted conversation, so that pages that show it refresh."""
    fields = snapshot["fields"]
    topics = [ALL_TOPIC, queue_topic(fields["queue"]), *([agent_topic(fields["agent"])] if fields["agent"] else [])]
    publish(LiveEventKind.CONVERSATION, snapshot["pk"], topics=topics)


# -- Undo -------------------------------------------------------------------------------------------------------------


def get_undoable_merges(contact: Contact) -> QuerySet[ContactMerge]:
    """Return the merges into this contact that are recent enough to be undone, latest first."""
    recent = contact.merges.filter(undone_at=None, merged_at__gt=timezone.now() - UNDO_PERIOD)
    return recent.select_related("merged_by", "target")


def can_undo_merge(merge: ContactMerge, user: User) -> bool:
    """Return whether the user made the merge or may see every conversation."""
    return user.is_active and (user.has_perm(SEE_ALL_PERMISSION) or merge.merged_by_id == user.pk)


def get_undo_error(merge: ContactMerge, user: User) -> str:
    """Return why the user can't undo the merge; empty when they can."""
    if not can_undo_merge(merge, user):
        return gettext("Only the person who merged them or a supervisor can undo this.")
    if merge.undone_at is not None:
        return gettext("This has already been undone.")
    if merge.merged_at < timezone.now() - UNDO_PERIOD:
        return gettext("Merges can be undone for %(days)s days.") % {"days": UNDO_PERIOD.days}
    later = merge.target.merges.filter(undone_at=None, pk__gt=merge.pk).order_by("-pk").first()
    if later is not None:
        return gettext("%(name)s was merged into this customer later. Undo that merge first.") % {
            "name": later.source_snapshot["name"]
        }
    if _has_unsent_messages(merge.target.conversations.all()):
        return gettext("A message to this customer is still being sent. Try again in a moment.")
    return _get_undo_conflict(merge)


def _get_undo_conflict(merge: ContactMerge) -> str:
    """Return why the two contacts can't have again what each had before the merge; empty when they can."""
    others = Contact.objects.exclude(pk=merge.target_id)
    for snapshot in (merge.source_snapshot, merge.target_before):
        identity = snapshot["fields"]["identity"]
        if identity is not None and others.filter(identity=identity).exists():
            return gettext("Another contact now has the number %(number)s.") % {"number": format_address(identity)}
    if others.filter(_restores_contact_or_id(merge)).exists():
        return gettext("Another contact now has the WhatsApp ID of %(name)s.") % {"name": merge.source_snapshot["name"]}
    merged_conversations = [record["target_pk"] for record in merge.merged_conversations]
    if merge.target.conversations.filter(pk__in=merged_conversations).count() < len(merged_conversations):
        return gettext("A conversation from this merge has since been merged into another one.")
    return ""


def _restores_contact_or_id(merge: ContactMerge) -> Q:
    condition = Q(pk=merge.source_snapshot["pk"])
    for account_id, business_scoped_id, _parent_id in merge.source_snapshot["business_scoped_ids"]:
        ids = ContactBusinessId.objects.filter(account=account_id, business_scoped_id=business_scoped_id)
        condition |= Q(pk__in=ids.values("contact"))
    return condition


def undo_merge(merge: ContactMerge, *, by: User) -> Contact:
    """Undo a merge; return the restored source, which has its own conversations again.

    Raises:
        MergeError: the merge can't be undone, or not by this user.
    """
    with transaction.atomic():
        conversations = merge.target.conversations.filter(closed_at=None).order_by("pk")
        list(conversations.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
        target = Contact.objects.select_for_update().get(pk=merge.target_id)
        merge = ContactMerge.objects.select_for_update(of=("self",)).select_related("target").get(pk=merge.pk)
        if refusal := get_undo_error(merge, by):
            raise MergeError(refusal)
        restored = restore_contact(merge, target)
        Conversation.objects.filter(pk__in=merge.source_conversation_ids, contact=target).update(contact=restored)
        restored_conversations = [split_conversation(record) for record in merge.merged_conversations]
        ContactMerge.objects.filter(pk=merge.pk).update(undone_at=timezone.now())
        for contact, other in ((target, restored), (restored, target)):
            names = {"by": by.display_name, "other": other.display_name}
            _record_on_open_conversations(
                contact,
                TimelineEventKind.CONTACTS_UNMERGED,
                localized("%(by)s undid the merge with %(other)s.", **names),
                by,
            )
        for conversation in restored_conversations:
            publish_event(LiveEventKind.CONVERSATION, conversation)
    return restored
