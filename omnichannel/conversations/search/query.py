"""Look customers and messages up, among the conversations a person may see."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from unicodedata import combining

from django.db.models import F, Max, OuterRef, Q, QuerySet, Subquery

from omnichannel.accounts.models import User
from omnichannel.conversations import access
from omnichannel.conversations.models import Contact, Conversation, Message
from omnichannel.conversations.search.index import Folded, HasWords, folded, words_in

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
    number: Sequence[Piece]


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
    found = _by_conversation(hits)
    return Found(
        asked,
        True,
        _customers(user, asked, words),
        [FoundConversation(one, _line(one.body, words), others) for one, others in found[:MOST_CONVERSATIONS]],
        has_more=len(found) > MOST_CONVERSATIONS or len(hits) == MOST_MESSAGES,
    )


def _customers(user: User, asked: str, words: Sequence[str]) -> list[FoundCustomer]:
    visible = access.conversations_visible_to(user).order_by()
    latest = visible.filter(contact=OuterRef("pk")).order_by("-last_activity_at", "-pk").values("pk")[:1]
    fits = is_called(asked) | Q(external_user_id__icontains=asked) | _has_number(asked)
    seen = (
        is_called_by(Contact.objects.all()).filter(fits).annotate(latest=Subquery(latest)).filter(latest__isnull=False)
    )
    found = list(seen.annotate(at=Max("conversations__last_activity_at")).order_by("-at", "pk")[:MOST_CUSTOMERS])
    of = {one.pk: one for one in visible.filter(pk__in=[one.latest for one in found]).select_related("agent__user")}
    return [_customer(one, of[one.latest], words, asked) for one in found]


def _customer(contact: Contact, latest: Conversation, words: Sequence[str], asked: str) -> FoundCustomer:
    name = marked(contact.display_name, words, anywhere=True)
    return FoundCustomer(contact, latest, name, _marked_number(contact.number, asked))


def is_called_by(contacts: QuerySet[Contact]) -> QuerySet[Contact]:
    """With their names as they are compared to what somebody looks for."""
    return contacts.alias(plain_name=Folded("name"), plain_profile_name=Folded("profile_name"))


def is_called(text: str) -> Q:
    """Every word is in one of the names; for contacts of `is_called_by`."""
    found = Q()
    for word in words_in(text) or [folded(text)]:
        found &= Q(plain_name__contains=word) | Q(plain_profile_name__contains=word)
    return found


def _has_number(asked: str) -> Q:
    found = Q()
    for number in _numbers(asked):
        found |= Q(address__contains=number) | Q(identity__contains=number)
    return found or Q(pk=None)


def _numbers(asked: str) -> set[str]:
    """The digits as they were typed, without the zeros in front of a number within the country or of a foreign one."""
    digits = re.sub(r"\D", "", asked)
    if len(digits) < FEWEST_DIGITS or re.search(r"[^\W\d_]", asked):
        return set()
    without_trunk_zero = re.sub(r"\D", "", asked.replace("(0)", ""))
    return {re.sub(r"^0+", "", each) or digits for each in (digits, without_trunk_zero)}


def _messages(user: User, words: Sequence[str]) -> list[Message]:
    """The newest that fit, each with its conversation."""
    visible = access.conversations_visible_to(user).order_by()
    found = Message.objects.filter(HasWords(words), conversation__in=visible.values("pk"))
    shown = found.select_related("conversation__contact", "conversation__agent__user", "conversation__queue")
    # Not by the bare key: PostgreSQL would read all messages backwards, instead of those the index of words names.
    return list(shown.order_by((F("pk") + 0).desc())[:MOST_MESSAGES])


def _by_conversation(hits: Sequence[Message]) -> list[tuple[Message, int]]:
    """The newest message of each conversation, and how many more of it there are."""
    newest: dict[int, Message] = {}
    count: dict[int, int] = {}
    for message in hits:
        newest.setdefault(message.conversation_id, message)
        count[message.conversation_id] = count.get(message.conversation_id, 0) + 1
    return [(one, count[pk] - 1) for pk, one in newest.items()]


def _line(body: str, words: Sequence[str]) -> list[Piece]:
    """The stretch of the text around the first hit."""
    text = " ".join(body.split())
    first = next((begin for begin, _ in _hits(text, words)), 0)
    start = max(0, first - AROUND)
    stretch = text[start : first + 2 * AROUND]
    shown = ("…" if start else "") + stretch + ("…" if first + 2 * AROUND < len(text) else "")
    return marked(shown, words)


def _hits(text: str, words: Sequence[str], *, anywhere: bool = False) -> Iterator[tuple[int, int]]:
    """Where words of the text begin with one of these, or have it anywhere."""
    plain, places = _compared(text)
    longest_first = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    pattern = longest_first if anywhere else rf"(?<![^\W_])(?:{longest_first})"
    for one in re.finditer(pattern, plain) if words else ():
        yield places[one.start()], max(places[one.end()], places[one.end() - 1] + 1)


def _compared(text: str) -> tuple[str, list[int]]:
    """The text as words are compared, and of each of its letters the place in the text; at last its end."""
    if text.isascii():
        return text.lower(), list(range(len(text) + 1))
    letters = [(letter, place) for place, char in enumerate(text) for letter in _letters(char)]
    return "".join(letter for letter, _ in letters), [*(place for _, place in letters), len(text)]


@lru_cache(maxsize=4096)
def _letters(char: str) -> str:
    """What is compared of one letter of a text; nothing of a mark."""
    return "" if combining(char) else folded(char)


def marked(text: str, words: Sequence[str], *, anywhere: bool = False) -> list[Piece]:
    """The text in pieces: what was looked for, and what is between."""
    return _pieces(text, _hits(text, words, anywhere=anywhere))


def _marked_number(number: str, asked: str) -> list[Piece]:
    """The number as it is shown, with the digits that were looked for."""
    places = [place for place, char in enumerate(number) if char.isdigit()]
    digits = "".join(number[place] for place in places)
    for wanted in sorted(_numbers(asked)):
        if (at := digits.find(wanted)) >= 0:
            return _pieces(number, [(places[at], places[at + len(wanted) - 1] + 1)])
    return [Piece(number, False)]


def _pieces(text: str, hits: Iterable[tuple[int, int]]) -> list[Piece]:
    pieces, at = [], 0
    for begin, end in hits:
        pieces += [Piece(text[at:begin], False), Piece(text[begin:end], True)]
        at = end
    return [one for one in (*pieces, Piece(text[at:], False)) if one.text]
