"""Create labels, and add them to conversations and contacts."""

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from omnichannel.accounts.models import User
from omnichannel.conversations import timeline
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Contact, Conversation, Label, TimelineEventKind
from omnichannel.core.localized_text import LocalizedText, localized, localized_plural

MAX_LABEL_LENGTH = 40
CREATE_PERMISSION = "conversations.add_label"


class LabelError(Exception):
    """The label was not created; the text is for the user."""


def can_create_label(user: User) -> bool:
    """Return whether the user may create labels, not only use existing ones."""
    return user.is_active and user.has_perm(CREATE_PERMISSION)


def get_or_create_label(name: str, *, user: User) -> Label:
    """Return the label with this name, ignoring case; create it if there is none.

    Raises:
        LabelError: The name is empty or too long, or the user may not create labels.
    """
    cleaned_name = " ".join(name.replace("\x00", "").split())
    if not cleaned_name:
        raise LabelError(gettext("Enter a name for the label."))
    label = Label.objects.filter(name__iexact=cleaned_name).first()
    if label is not None:
        return label
    if not can_create_label(user):
        raise LabelError(gettext("This label does not exist. Ask a supervisor to create it."))
    if len(cleaned_name) > MAX_LABEL_LENGTH:
        raise LabelError(gettext("Labels can have up to %(limit)s characters.") % {"limit": MAX_LABEL_LENGTH})
    try:
        with transaction.atomic():
            return Label.objects.create(name=cleaned_name)
    except IntegrityError:  # created concurrently
        return Label.objects.get(name=cleaned_name)


def update_labels(
    target: Conversation | Contact, *, add: Iterable[Label], remove: Iterable[Label], actor: User
) -> bool:
    """Add and remove labels, with one timeline event; return whether anything changed.

    Labels that colleagues add at the same time stay.
    """
    with transaction.atomic():
        before = set(target.labels.all())
        added, removed = set(add) - before, set(remove) & before
        if not added and not removed:
            return False
        target.labels.add(*added)
        target.labels.remove(*removed)
        _record_change(target, sorted(map(str, added)), sorted(map(str, removed)), actor)
    return True


def _record_change(target: Conversation | Contact, added: list[str], removed: list[str], by: User) -> None:
    """Record the change in a conversation's timeline; for a contact refresh their open conversations."""
    if isinstance(target, Contact):
        for conversation in target.conversations.filter(closed_at=None):
            publish_event(LiveEventKind.CONVERSATION, conversation)
        return
    timeline.record(
        target,
        TimelineEventKind.LABELED,
        localized("%(by)s %(changes)s.", by=by.display_name, changes=_changes_text(added, removed)),
        actor=by,
    )
    publish_event(LiveEventKind.CONVERSATION, target)


def _changes_text(added: list[str], removed: list[str]) -> LocalizedText:
    adds = localized_plural("added the label %(labels)s", "added the labels %(labels)s", len(added), labels=added)
    removes = localized_plural(
        "removed the label %(labels)s", "removed the labels %(labels)s", len(removed), labels=removed
    )
    if added and removed:
        return localized("%(adds)s and %(removes)s", adds=adds, removes=removes)
    return adds if added else removes
