"""Internal notes and mentions; the customer never sees them."""

import re
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext

from omnichannel.accounts.models import User
from omnichannel.conversations.access import active_agents, agent_for_user, agents_with_access
from omnichannel.conversations.live_events import LiveEventKind, publish_event
from omnichannel.conversations.models import Conversation, Mention, Note, ParticipationKind
from omnichannel.events.publish import publish
from omnichannel.live.topics import agent_topic
from routing.models import Agent, State

MAX_NOTE_LENGTH = 4000
MAX_MENTIONABLE = 500
# Begins with a letter: "call back @14:00" mentions nobody.
UNKNOWN_MENTION_PATTERN = re.compile(r"(?<!\w)@([^\W\d_][\w.+-]*)")


class NoteError(Exception):
    """The note was not saved; the text is for the user."""


def add_note(conversation: Conversation, author: User, text: str) -> Note:
    """Add a note to a conversation; `@dana` or `@Dana Kim` mentions an agent.

    Raises:
        NoteError: The note is not acceptable, or this user may not write one.
    """
    body = text.replace("\r\n", "\n").replace("\x00", "").strip()
    _validate_note(conversation, author, body)
    mentioned = find_mentioned_agents(body, active_agents()) if "@" in body else []
    _require_mention_access(conversation, mentioned)
    with transaction.atomic():
        note = Note.objects.create(conversation=conversation, author=author, text=body)
        Mention.objects.bulk_create(
            Mention(note=note, agent=agent) for agent in mentioned if agent.user_id != author.pk
        )
        publish_event(
            LiveEventKind.NOTE, conversation, part_id=note.pk, extra_agent_ids=[agent.pk for agent in mentioned]
        )
    return note


def note_too_long_text(body: str) -> str:
    """Return the error text for a note that is too long."""
    return gettext("Notes can have up to %(limit)s characters. This one has %(body)s.") % {
        "limit": number_format(MAX_NOTE_LENGTH, force_grouping=True),
        "body": number_format(len(body), force_grouping=True),
    }


def _validate_note(conversation: Conversation, author: User, body: str) -> None:
    agent = agent_for_user(author)
    if agent is None:
        raise NoteError(gettext("Only agents and supervisors can write notes."))
    if not body:
        raise NoteError(gettext("Enter a note."))
    if len(body) > MAX_NOTE_LENGTH:
        raise NoteError(note_too_long_text(body))
    if conversation.state == State.CLOSED:
        raise NoteError(gettext("This conversation is closed."))
    if conversation.participations.filter(agent=agent, left_at=None, kind=ParticipationKind.MONITOR).exists():
        raise NoteError(gettext("You are monitoring. Join the conversation to write notes."))


def _require_mention_access(conversation: Conversation, mentioned: Sequence[Agent]) -> None:
    if not mentioned:
        return
    allowed_ids = set(agents_with_access(conversation).values_list("pk", flat=True))
    if without_access := [str(agent) for agent in mentioned if agent.pk not in allowed_ids]:
        names = " and ".join(without_access)
        raise NoteError(
            gettext("%(names)s can't see this conversation. Consult them or remove the mention.") % {"names": names}
        )


def find_mentioned_agents(text: str, colleagues: Iterable[Agent]) -> list[Agent]:
    """Return the colleagues whose user name or full name follows an @ in the text, ignoring case."""
    by_name = _agents_by_name(colleagues)
    matches = _mention_pattern(by_name).findall(_normalize(text)) if by_name else []
    return list(dict.fromkeys(agent for name in matches for agent in by_name[name]))


def find_unknown_mentions(text: str) -> list[str]:
    """Return the names after an @ in the text, in lower case, by which nobody is called."""
    if "@" not in text:
        return []
    by_name = _agents_by_name(active_agents())
    remaining = _mention_pattern(by_name).sub(" ", _normalize(text)) if by_name else _normalize(text)
    names = (name.rstrip(".+-") for name in UNKNOWN_MENTION_PATTERN.findall(remaining))
    return list(dict.fromkeys(names))


def mentionable_agents(conversation: Conversation, author: Agent) -> list[Agent]:
    """Return the colleagues whom the author may mention, those who may see the conversation; at most 500."""
    return list(agents_with_access(conversation).exclude(pk=author.pk)[:MAX_MENTIONABLE])


def _agents_by_name(agents: Iterable[Agent]) -> dict[str, list[Agent]]:
    """Return the agents by user name and by full name, both in lower case."""
    by_name: dict[str, list[Agent]] = {}
    for agent in agents:
        for name in {agent.user.username.casefold(), agent.user.display_name.casefold()}:
            by_name.setdefault(name, []).append(agent)
    return by_name


def _mention_pattern(names: Iterable[str]) -> re.Pattern[str]:
    # Match the longest name first: "@Dana Kim" does not mention Dana.
    alternatives = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<!\w)@({alternatives})(?!\w)")


def _normalize(text: str) -> str:
    return " ".join(text.casefold().split())


def mark_mentions_seen(conversation: Conversation, agent: Agent) -> None:
    """Mark the agent's mentions in a conversation as seen."""
    if not conversation.has_unread_mention:
        return
    with transaction.atomic():
        unseen = Mention.objects.filter(note__conversation=conversation, agent=agent, seen_at=None)
        unseen.update(seen_at=timezone.now())
        conversation.has_unread_mention = False
        publish(LiveEventKind.READ, conversation.pk, topics=[agent_topic(agent.pk)])
