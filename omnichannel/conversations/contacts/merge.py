"""Two contacts are made one by a person, who found out that they are; and parted again, where that was a mistake.

Everything that is needed to part them is written down with the merge. What was said since then stays with the contact
that was kept: nobody can tell whose it would be.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from omnichannel.accounts.models import User
from omnichannel.conversations.access import SEE_ALL_PERMISSION, can_see_all_conversations, fully_visible_contacts
from omnichannel.conversations.contacts.merge_records import merge_contact_data, snapshot_object
from omnichannel.conversations.contacts.unmerge import restore_contact, split_conversation
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import (
    Contact,
    ContactAddress,
    ContactMerge,
    Conversation,
    Message,
    MessageStatus,
)
from omnichannel.conversations.search.query import build_name_filter, with_folded_names
from omnichannel.conversations.state_machine import record_event, resume_on_customer_message
from omnichannel.core.localized_text import LocalizedText, localized
from omnichannel.live.publish import publish
from routing.models import State

UNDO_PERIOD: Final = timedelta(days=30)
MAX_CANDIDATES: Final = 20
MERGED_EVENT, UNMERGED_EVENT = "merged", "parted"  # the kinds of lines in the timeline


class MergeError(Exception):
    """The contacts stay as they are; the text says why to a person."""


def search_merge_candidates(contact: Contact, user: User, words: str) -> QuerySet[Contact]:
    """Other contacts by a part of their name or number, among those this person may merge."""
    text, digits = words.strip(), "".join(char for char in words if char.isdigit())
    named = build_name_filter(text)
    match = named | Q(address__contains=digits) if len(digits) > 2 else named
    others = with_folded_names(fully_visible_contacts(user).exclude(pk=contact.pk))
    return others.filter(match if text else Q(pk=None)).order_by("name", "profile_name", "pk")[:MAX_CANDIDATES]


def get_merge_error(kept: Contact, gone: Contact, user: User) -> str:
    """Why this person can't make these two contacts one; empty when they can."""
    if kept.pk == gone.pk:
        return gettext("These are the same contact already.")
    if not can_see_all_conversations(user, kept, gone):
        return gettext("Only somebody who may see all conversations of both customers can merge them.")
    if _has_unsent_messages(Conversation.objects.filter(contact__in=[kept, gone])):
        return gettext("A message to one of them is still being sent. Try again in a moment.")
    for theirs in gone.conversations.filter(closed_at=None).exclude(agent=None).select_related("agent__user"):
        ours = kept.conversations.filter(closed_at=None, number=theirs.number_id).exclude(agent=None)
        other = ours.exclude(agent=theirs.agent_id).select_related("agent__user", "number").first()
        if other is not None:
            return gettext(
                "Both have an open conversation on %(number)s: one with %(agent)s, one with %(other)s. One of them has "
                "to be closed first."
            ) % {"number": other.number.name, "agent": other.agent, "other": theirs.agent}
    return ""


def _has_unsent_messages(conversations: QuerySet[Conversation]) -> bool:
    on_the_way = Message.objects.filter(status__in=(MessageStatus.QUEUED, MessageStatus.SENDING))
    return on_the_way.filter(conversation__in=conversations.order_by().values("pk")).exists()


def merge_contacts(kept: Contact, gone: Contact, *, by: User) -> ContactMerge:
    """Make the two one: all that `gone` has goes to `kept`, and who writes from either number is `kept`.

    Raises MergeRefused with a sentence for whoever tried.
    """
    with transaction.atomic():
        kept, gone = _lock_contacts(kept, gone)
        if why := get_merge_error(kept, gone, by):
            raise MergeError(why)
        name, before, was = (
            f"{gone.display_name} ({gone.display_number})",
            _snapshot_contact(kept),
            _snapshot_contact(gone),
        )
        theirs = list(gone.conversations.values_list("pk", flat=True))
        latest = get_latest_writer(kept, gone)
        address, who = latest.address, latest.identity
        joined = merge_contact_data(kept, gone)
        kept.address, kept.identity = address, who
        kept.save(update_fields=["address", "identity"])
        _record_addresses(kept, before, was)
        done = ContactMerge.objects.create(
            target=kept,
            source_snapshot=was,
            target_before=before,
            target_after=_snapshot_contact(kept),
            source_conversation_ids=theirs,
            merged_conversations=joined,
            merged_by=by,
        )
        _wake_unread_conversations(kept, joined)
        for record in joined:
            _publish_removal(record["gone"])
        line = localized("%(by)s merged %(name)s into this customer.", by=by.display_name, name=name)
        _record_on_open_conversations(kept, MERGED_EVENT, line, by)
    return done


def _lock_contacts(kept: Contact, gone: Contact) -> tuple[Contact, Contact]:
    """Conversations before contacts, as when a message is filed."""
    theirs = Conversation.objects.filter(contact__in=[kept, gone], closed_at=None).order_by("pk")
    list(theirs.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
    locked = {one.pk: one for one in Contact.objects.select_for_update().filter(pk__in=[kept.pk, gone.pk])}
    if {kept.pk, gone.pk} - set(locked):
        raise MergeError(gettext("One of these contacts is no longer there."))
    return locked[kept.pk], locked[gone.pk]


def _snapshot_contact(contact: Contact) -> dict[str, Any]:
    """All of a contact: its own row, its other addresses, and the merges into it."""
    return {
        **snapshot_object(contact),
        "name": contact.display_name,
        "address": contact.display_number,
        "addresses": [[one.address, one.identity] for one in contact.addresses.all()],
        "merges": list(contact.merges.values_list("pk", flat=True)),
    }


def get_latest_writer(kept: Contact, gone: Contact) -> Contact:
    """Who of the two wrote last: answers go where they wrote from."""
    return max((kept, gone), key=lambda one: (_get_last_inbound_at(one), one == kept))


def _get_last_inbound_at(contact: Contact) -> datetime:
    latest: datetime | None = contact.conversations.aggregate(at=Max("last_inbound_at"))["at"]
    return latest or datetime.min.replace(tzinfo=UTC)


def _record_addresses(kept: Contact, *pictures: dict[str, Any]) -> None:
    """Whoever writes from an address of either is this contact from now on."""
    for pictured in pictures:
        own = pictured["fields"]
        _add_addresses(kept, [(own["address"], own["identity"])])
        if own["external_user_id"]:
            _add_addresses(kept, [(own["external_user_id"], own["external_user_id"])])


def _add_addresses(contact: Contact, addresses: Iterable[tuple[str, str]]) -> None:
    for address, who in addresses:
        ContactAddress.objects.get_or_create(identity=who, defaults={"contact": contact, "address": address})


def _wake_unread_conversations(kept: Contact, joined: list[dict[str, Any]]) -> None:
    """A joined conversation in which the customer waits for an answer is not left waiting for the customer."""
    for one in kept.conversations.filter(pk__in=[record["kept"] for record in joined], state=State.WAITING):
        if one.unread_count:
            resume_on_customer_message(one)


def _record_on_open_conversations(contact: Contact, kind: str, line: LocalizedText, by: User) -> None:
    for conversation in contact.conversations.filter(closed_at=None):
        record_event(conversation, kind, line, actor=by)
        publish_event(LiveEventKind.CONVERSATION, conversation)


def _publish_removal(pictured: dict[str, Any]) -> None:
    """Pages that show the conversation look again, and are told what became of it."""
    own = pictured["fields"]
    topics = ["all", f"queue:{own['queue']}", *([f"agent:{own['agent']}"] if own["agent"] else [])]
    publish(LiveEventKind.CONVERSATION, pictured["pk"], topics=topics)


# -- Undo -------------------------------------------------------------------------------------------------------------


def get_undoable_merges(contact: Contact) -> QuerySet[ContactMerge]:
    """The merges into this contact that are young enough to be undone, the latest first."""
    young = contact.merges.filter(undone_at=None, merged_at__gt=timezone.now() - UNDO_PERIOD)
    return young.select_related("merged_by", "target")


def can_undo_merge(done: ContactMerge, user: User) -> bool:
    """Who merged two contacts may part them again, and so may those who see every conversation."""
    return user.is_active and (user.has_perm(SEE_ALL_PERMISSION) or done.merged_by_id == user.pk)


def get_undo_error(done: ContactMerge, user: User) -> str:
    """Why this person can't part them again; empty when they can."""
    if not can_undo_merge(done, user):
        return gettext("Only who merged them, or a supervisor, can undo that.")
    if done.undone_at is not None:
        return gettext("This has been undone already.")
    if done.merged_at < timezone.now() - UNDO_PERIOD:
        return gettext("A merge can be undone for %(days)s days.") % {"days": UNDO_PERIOD.days}
    later = done.target.merges.filter(undone_at=None, pk__gt=done.pk).order_by("-pk").first()
    if later is not None:
        return gettext("%(name)s was merged into this customer afterwards. Undo that first.") % {
            "name": later.source_snapshot["name"]
        }
    if _has_unsent_messages(done.target.conversations.all()):
        return gettext("A message to this customer is still being sent. Try again in a moment.")
    return _get_undo_conflict(done)


def _get_undo_conflict(done: ContactMerge) -> str:
    own = done.source_snapshot["fields"]
    others = Contact.objects.exclude(pk=done.target_id)
    taken = Q(identity=own["identity"]) | Q(pk=done.source_snapshot["pk"])
    if own["external_user_id"]:
        taken |= Q(external_user_id=own["external_user_id"])
    if others.filter(taken).exists():
        return gettext("There is another contact with the number %(number)s by now.") % {
            "number": done.source_snapshot["address"]
        }
    merged_conversations = [record["kept"] for record in done.merged_conversations]
    if done.target.conversations.filter(pk__in=merged_conversations).count() < len(merged_conversations):
        return gettext("A conversation that was joined then has been joined to another one since.")
    return ""


def undo_merge(done: ContactMerge, *, by: User) -> Contact:
    """Part the two again; the contact that had gone, with its own conversations.

    Raises MergeRefused with a sentence for whoever tried.
    """
    with transaction.atomic():
        theirs = done.target.conversations.filter(closed_at=None).order_by("pk")
        list(theirs.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
        kept = Contact.objects.select_for_update().get(pk=done.target_id)
        done = ContactMerge.objects.select_for_update(of=("self",)).select_related("target").get(pk=done.pk)
        if why := get_undo_error(done, by):
            raise MergeError(why)
        back = restore_contact(done, kept)
        Conversation.objects.filter(pk__in=done.source_conversation_ids, contact=kept).update(contact=back)
        parted = [split_conversation(record) for record in done.merged_conversations]
        ContactMerge.objects.filter(pk=done.pk).update(undone_at=timezone.now())
        for contact, other in ((kept, back), (back, kept)):
            names = {"by": by.display_name, "other": other.display_name}
            _record_on_open_conversations(
                contact, UNMERGED_EVENT, localized("%(by)s parted this customer from %(other)s again.", **names), by
            )
        for conversation in parted:
            publish_event(LiveEventKind.CONVERSATION, conversation)
    return back
