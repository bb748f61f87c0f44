"""Labels: words by which conversations and customers are found again."""

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
    """The label was not created; the text says why to a person."""


def can_create_label(user: User) -> bool:
    """Whether this person may make new labels, not only use those there are."""
    return user.is_active and user.has_perm(CREATE_PERMISSION)


def get_or_create_label(name: str, *, user: User) -> Label:
    """The label of that name, whatever its capitals; a new one where there is none yet.

    Raises LabelRefused with a sentence for whoever tried.
    """
    wanted = " ".join(name.replace("\x00", "").split())
    if not wanted:
        raise LabelError(gettext("Give the label a name."))
    found = Label.objects.filter(name__iexact=wanted).first()
    if found is not None:
        return found
    if not can_create_label(user):
        raise LabelError(gettext("There is no such label. A supervisor can create it."))
    if len(wanted) > MAX_LABEL_LENGTH:
        raise LabelError(gettext("A label has up to %(limit)s characters.") % {"limit": MAX_LABEL_LENGTH})
    try:
        with transaction.atomic():
            return Label.objects.create(name=wanted)
    except IntegrityError:  # somebody created it at the same moment
        return Label.objects.get(name=wanted)


def update_labels(thing: Conversation | Contact, *, add: Iterable[Label], remove: Iterable[Label], actor: User) -> bool:
    """Put some labels on and take others off, with one line in the timeline; whether anything changed.

    What a colleague has labelled meanwhile stays.
    """
    with transaction.atomic():
        before = set(thing.labels.all())
        added, removed = set(add) - before, set(remove) & before
        if not added and not removed:
            return False
        thing.labels.add(*added)
        thing.labels.remove(*removed)
        _record_change(thing, sorted(map(str, added)), sorted(map(str, removed)), actor)
    return True


def _record_change(thing: Conversation | Contact, added: list[str], removed: list[str], by: User) -> None:
    """A conversation's timeline says who labelled it; a customer's labels are shown beside what is open with them."""
    if isinstance(thing, Contact):
        for conversation in thing.conversations.filter(closed_at=None):
            publish_event(LiveEventKind.CONVERSATION, conversation)
        return
    timeline.record(
        thing,
        TimelineEventKind.LABELLED,
        localized("%(by)s %(changes)s.", by=by.display_name, changes=_changes_text(added, removed)),
        actor=by,
    )
    publish_event(LiveEventKind.CONVERSATION, thing)


def _changes_text(added: list[str], removed: list[str]) -> LocalizedText:
    adds = localized_plural("added the label %(labels)s", "added the labels %(labels)s", len(added), labels=added)
    removes = localized_plural(
        "removed the label %(labels)s", "removed the labels %(labels)s", len(removed), labels=removed
    )
    if added and removed:
        return localized("%(adds)s and %(removes)s", adds=adds, removes=removes)
    return adds if added else removes
