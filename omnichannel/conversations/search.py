"""Look customers and messages up, among the conversations a person may see."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import F, Max, OuterRef, Q, Subquery

from omnichannel.accounts.models import User
from omnichannel.conversations import access
from omnichannel.conversations.models import Contact, Conversation, Message
from omnichannel.conversations.search_index import WORD, HasWords, words_in

MOST_CUSTOMERS: Final = 8
MOST_CONVERSATIONS: Final = 30
MOST_MESSAGES: Final = 200
SHORTEST: Final = 2
FEWEST_DIGITS: Final = 4
AROUND: Final = 60  # characters beside what was found


@dataclass(frozen=True)
class Piece:
    """A stretch of text, and whether it is what was looked for."""

    text: str
    is_hit: bool


@dataclass(frozen=True)
class FoundCustomer:
    contact: Contact
    conversation: Conversation
    name: Sequence[Piece]


@dataclass(frozen=True)
class FoundConversation:
    """A conversation, the newest message in it that fits, and how many more of the newest ones do."""

    message: Message
    line: Sequence[Piece]
    others: int

    @property
    def conversation(self) -> Conversation:
        return self.message.conversation


@dataclass(frozen=True)
class Found:
    """What was found, newest first. `is_asked` is False for too little to look for."""

    text: str
    is_asked: bool
    customers: Sequence[FoundCustomer] = ()
    conversations: Sequence[FoundConversation] = ()
    has_more: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.customers and not self.conversations


def search(user: User, text: str) -> Found:
    """Customers by name, number in any spelling or business-scoped id; messages by the beginnings of their words."""
    asked = " ".join(text.replace("\x00", "").split())[:200]
    if len(asked) < SHORTEST:
        return Found(asked, is_asked=False)
    words = words_in(asked)
    hits = _messages(user, words) if words else []
    conversations = _by_conversation(hits, words)
    return Found(
        asked,
        True,
        _customers(user, asked, words),
        conversations[:MOST_CONVERSATIONS],
        has_more=len(conversations) > MOST_CONVERSATIONS or len(hits) == MOST_MESSAGES,
    )


def _customers(user: User, asked: str, words: Sequence[str]) -> list[FoundCustomer]:
    visible = access.conversations_visible_to(user).order_by()
    latest = visible.filter(contact=OuterRef("pk")).order_by("-last_activity_at", "-pk").values("pk")[:1]
    fits = _is_called(words) | Q(external_user_id__icontains=asked) | _has_number(asked)
    seen = Contact.objects.filter(fits).annotate(latest=Subquery(latest)).filter(latest__isnull=False)
    found = list(seen.annotate(at=Max("conversations__last_activity_at")).order_by("-at", "pk")[:MOST_CUSTOMERS])
    of = {one.pk: one for one in visible.filter(pk__in=[one.latest for one in found]).select_related("agent__user")}
    return [FoundCustomer(one, of[one.latest], marked(one.display_name, words)) for one in found]


def _is_called(words: Sequence[str]) -> Q:
    """Every word is in one of the names."""
    if not words:
        return Q(pk=None)
    found = Q()
    for word in words:
        found &= Q(name__icontains=word) | Q(profile_name__icontains=word)
    return found


def _has_number(asked: str) -> Q:
    """The digits as they were typed, without the zeros in front of a number within the country or of a foreign one."""
    digits = re.sub(r"\D", "", asked)
    if len(digits) < FEWEST_DIGITS or re.search(r"[^\W\d_]", asked):
        return Q(pk=None)
    plain = re.sub(r"^0+", "", digits) or digits
    without_trunk_zero = re.sub(r"\(0\)", "", asked)
    also = re.sub(r"^0+", "", re.sub(r"\D", "", without_trunk_zero)) or plain
    found = Q()
    for number in {plain, also}:
        found |= Q(address__contains=number) | Q(identity__contains=number)
    return found


def _messages(user: User, words: Sequence[str]) -> list[Message]:
    """The newest that fit, each with its conversation."""
    visible = access.conversations_visible_to(user).order_by()
    found = Message.objects.filter(HasWords(words), conversation__in=visible.values("pk"))
    shown = found.select_related("conversation__contact", "conversation__agent__user", "conversation__queue")
    # Not by the bare key: PostgreSQL would read all messages backwards, instead of those the index of words names.
    return list(shown.order_by((F("pk") + 0).desc())[:MOST_MESSAGES])


def _by_conversation(hits: Sequence[Message], words: Sequence[str]) -> list[FoundConversation]:
    newest: dict[int, Message] = {}
    count: dict[int, int] = {}
    for message in hits:
        newest.setdefault(message.conversation_id, message)
        count[message.conversation_id] = count.get(message.conversation_id, 0) + 1
    return [FoundConversation(one, _line(one.body, words), count[pk] - 1) for pk, one in newest.items()]


def _line(body: str, words: Sequence[str]) -> list[Piece]:
    """The stretch of the text around the first hit."""
    text = " ".join(body.split())
    hits = (one for one in WORD.finditer(text) if _fits(one.group(), words))
    first = next((one.start() for one in hits), 0)
    start = max(0, first - AROUND)
    stretch = text[start : first + 2 * AROUND]
    shown = ("…" if start else "") + stretch + ("…" if first + 2 * AROUND < len(text) else "")
    return marked(shown, words)


def _fits(word: str, words: Sequence[str]) -> bool:
    return any(word.lower().startswith(one) for one in words)


def marked(text: str, words: Sequence[str]) -> list[Piece]:
    """The text in pieces: what was looked for, and what is between."""
    pieces, at = [], 0
    for one in WORD.finditer(text):
        length = max((len(word) for word in words if one.group().lower().startswith(word)), default=0)
        if not length:
            continue
        pieces += [Piece(text[at : one.start()], False)] if one.start() > at else []
        at = one.start() + length
        pieces.append(Piece(text[one.start() : at], True))
    return [*pieces, Piece(text[at:], False)] if at < len(text) else pieces
