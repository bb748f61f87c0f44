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
from omnichannel.conversations.search.index import FoldedText, HasWords, fold_text, split_words

MAX_CUSTOMERS: Final = 8
MAX_CONVERSATIONS: Final = 30
MAX_MESSAGES: Final = 200
MIN_QUERY_LENGTH: Final = 2
MIN_DIGITS: Final = 4
CONTEXT_CHARACTERS: Final = 60  # characters beside what was found


@dataclass(frozen=True)
class TextSegment:
    """A stretch of text, and whether it is what was looked for."""

    text: str
    is_match: bool


@dataclass(frozen=True)
class CustomerResult:
    contact: Contact
    conversation: Conversation
    name_segments: Sequence[TextSegment]
    number_segments: Sequence[TextSegment]


@dataclass(frozen=True)
class ConversationResult:
    """A conversation, the newest message in it that fits, and how many more of the newest ones do."""

    message: Message
    snippet: Sequence[TextSegment]
    more_matches: int

    @property
    def conversation(self) -> Conversation:
        return self.message.conversation


@dataclass(frozen=True)
class SearchResults:
    """What was found, newest first. `is_asked` is False for too little to look for."""

    text: str
    is_valid_query: bool
    customers: Sequence[CustomerResult] = ()
    conversations: Sequence[ConversationResult] = ()
    has_more: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.customers and not self.conversations


def search(user: User, text: str) -> SearchResults:
    """Customers by name, number in any spelling or business-scoped id; messages by the beginnings of their words."""
    asked = " ".join(text.replace("\x00", "").split())[:200]
    if len(asked) < MIN_QUERY_LENGTH:
        return SearchResults(asked, is_valid_query=False)
    words = split_words(asked)
    hits = _search_messages(user, words) if words else []
    found = _group_by_conversation(hits)
    return SearchResults(
        asked,
        True,
        _search_customers(user, asked, words),
        [ConversationResult(one, _build_snippet(one.body, words), others) for one, others in found[:MAX_CONVERSATIONS]],
        has_more=len(found) > MAX_CONVERSATIONS or len(hits) == MAX_MESSAGES,
    )


def _search_customers(user: User, asked: str, words: Sequence[str]) -> list[CustomerResult]:
    visible = access.conversations_visible_to(user).order_by()
    latest = visible.filter(contact=OuterRef("pk")).order_by("-last_activity_at", "-pk").values("pk")[:1]
    fits = build_name_filter(asked) | Q(external_user_id__icontains=asked) | _build_number_filter(asked)
    seen = (
        with_folded_names(Contact.objects.all())
        .filter(fits)
        .annotate(latest=Subquery(latest))
        .filter(latest__isnull=False)
    )
    found = list(seen.annotate(at=Max("conversations__last_activity_at")).order_by("-at", "pk")[:MAX_CUSTOMERS])
    of = {one.pk: one for one in visible.filter(pk__in=[one.latest for one in found]).select_related("agent__user")}
    return [_build_customer_result(one, of[one.latest], words, asked) for one in found]


def _build_customer_result(contact: Contact, latest: Conversation, words: Sequence[str], asked: str) -> CustomerResult:
    name = highlight(contact.display_name, words, anywhere=True)
    return CustomerResult(contact, latest, name, _highlight_number(contact.display_number, asked))


def with_folded_names(contacts: QuerySet[Contact]) -> QuerySet[Contact]:
    """With their names as they are compared to what somebody looks for."""
    return contacts.alias(plain_name=FoldedText("name"), plain_profile_name=FoldedText("profile_name"))


def build_name_filter(text: str) -> Q:
    """Every word is in one of the names; for contacts of `is_called_by`."""
    found = Q()
    for word in split_words(text) or [fold_text(text)]:
        found &= Q(plain_name__contains=word) | Q(plain_profile_name__contains=word)
    return found


def _build_number_filter(asked: str) -> Q:
    found = Q()
    for number in _get_number_variants(asked):
        found |= Q(address__contains=number) | Q(identity__contains=number)
    return found or Q(pk=None)


def _get_number_variants(asked: str) -> set[str]:
    """The digits as they were typed, without the zeros in front of a number within the country or of a foreign one."""
    digits = re.sub(r"\D", "", asked)
    if len(digits) < MIN_DIGITS or re.search(r"[^\W\d_]", asked):
        return set()
    without_trunk_zero = re.sub(r"\D", "", asked.replace("(0)", ""))
    return {re.sub(r"^0+", "", each) or digits for each in (digits, without_trunk_zero)}


def _search_messages(user: User, words: Sequence[str]) -> list[Message]:
    """The newest that fit, each with its conversation."""
    visible = access.conversations_visible_to(user).order_by()
    found = Message.objects.filter(HasWords(words), conversation__in=visible.values("pk"))
    shown = found.select_related("conversation__contact", "conversation__agent__user", "conversation__queue")
    # Not by the bare key: PostgreSQL would read all messages backwards, instead of those the index of words names.
    return list(shown.order_by((F("pk") + 0).desc())[:MAX_MESSAGES])


def _group_by_conversation(hits: Sequence[Message]) -> list[tuple[Message, int]]:
    """The newest message of each conversation, and how many more of it there are."""
    newest: dict[int, Message] = {}
    count: dict[int, int] = {}
    for message in hits:
        newest.setdefault(message.conversation_id, message)
        count[message.conversation_id] = count.get(message.conversation_id, 0) + 1
    return [(one, count[pk] - 1) for pk, one in newest.items()]


def _build_snippet(body: str, words: Sequence[str]) -> list[TextSegment]:
    """The stretch of the text around the first hit."""
    text = " ".join(body.split())
    first = next((begin for begin, _ in _iter_matches(text, words)), 0)
    start = max(0, first - CONTEXT_CHARACTERS)
    stretch = text[start : first + 2 * CONTEXT_CHARACTERS]
    shown = ("…" if start else "") + stretch + ("…" if first + 2 * CONTEXT_CHARACTERS < len(text) else "")
    return highlight(shown, words)


def _iter_matches(text: str, words: Sequence[str], *, anywhere: bool = False) -> Iterator[tuple[int, int]]:
    """Where words of the text begin with one of these, or have it anywhere."""
    plain, places = _fold_with_offsets(text)
    longest_first = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    pattern = longest_first if anywhere else rf"(?<![^\W_])(?:{longest_first})"
    for one in re.finditer(pattern, plain) if words else ():
        yield places[one.start()], max(places[one.end()], places[one.end() - 1] + 1)


def _fold_with_offsets(text: str) -> tuple[str, list[int]]:
    """The text as words are compared, and of each of its letters the place in the text; at last its end."""
    if text.isascii():
        return text.lower(), list(range(len(text) + 1))
    letters = [(letter, place) for place, char in enumerate(text) for letter in _fold_character(char)]
    return "".join(letter for letter, _ in letters), [*(place for _, place in letters), len(text)]


@lru_cache(maxsize=4096)
def _fold_character(char: str) -> str:
    """What is compared of one letter of a text; nothing of a mark."""
    return "" if combining(char) else fold_text(char)


def highlight(text: str, words: Sequence[str], *, anywhere: bool = False) -> list[TextSegment]:
    """The text in pieces: what was looked for, and what is between."""
    return _split_at_matches(text, _iter_matches(text, words, anywhere=anywhere))


def _highlight_number(number: str, asked: str) -> list[TextSegment]:
    """The number as it is shown, with the digits that were looked for."""
    places = [place for place, char in enumerate(number) if char.isdigit()]
    digits = "".join(number[place] for place in places)
    for wanted in sorted(_get_number_variants(asked)):
        if (at := digits.find(wanted)) >= 0:
            return _split_at_matches(number, [(places[at], places[at + len(wanted) - 1] + 1)])
    return [TextSegment(number, False)]


def _split_at_matches(text: str, hits: Iterable[tuple[int, int]]) -> list[TextSegment]:
    pieces, at = [], 0
    for begin, end in hits:
        pieces += [TextSegment(text[at:begin], False), TextSegment(text[begin:end], True)]
        at = end
    return [one for one in (*pieces, TextSegment(text[at:], False)) if one.text]
