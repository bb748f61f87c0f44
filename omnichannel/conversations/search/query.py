"""Search customers and messages, among the conversations a user may see."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from django.db.models import Max, OuterRef, Subquery

from omnichannel.accounts.models import User
from omnichannel.conversations import access
from omnichannel.conversations.models import Contact, Conversation, ConversationQuerySet, Message
from omnichannel.conversations.models.search import CONTACT_INDEX, MESSAGE_INDEX
from omnichannel.conversations.search.contacts import ContactQuery, get_number_variants, load_texts
from omnichannel.conversations.search.rounds import SECONDS, find_visible
from omnichannel.core.text.search_words import (
    MAX_INDEXED_CHARACTERS,
    WordKind,
    fold_text,
    get_required_words,
    get_word_kind,
    split_words,
)
from omnichannel.core.text.whatsapp_markup import remove_markup
from omnichannel.core.time_limited_queries import QueryTimeoutError, time_limited_queries
from omnichannel.core.word_index import RequiredWord

MAX_CUSTOMERS: Final = 8
MAX_CONVERSATIONS: Final = 30
MAX_MESSAGES: Final = 200
MIN_QUERY_LENGTH: Final = 2
CONTEXT_CHARACTERS: Final = 60  # shown before and after a match


class MessageRow(NamedTuple):
    """The keys of a message and of its conversation."""

    message: int
    conversation: int


@dataclass(frozen=True)
class TextSegment:
    """A segment of a text, and whether it matches the query."""

    text: str
    is_match: bool


@dataclass(frozen=True)
class CustomerResult:
    """A customer that matches, with their latest visible conversation."""

    contact: Contact
    conversation: Conversation
    name_segments: Sequence[TextSegment]
    number_segments: Sequence[TextSegment]


@dataclass(frozen=True)
class ConversationResult:
    """A conversation's newest matching message, and how many more of its messages match."""

    message: Message
    snippet: Sequence[TextSegment]
    more_matches: int

    @property
    def conversation(self) -> Conversation:
        return self.message.conversation


@dataclass(frozen=True)
class SearchResults:
    """Results of a search, newest first.

    Attributes:
        is_valid_query: False when the query is too short.
        has_more: more was found than is shown.
        is_complete: False when so much matches that only the newest of it was searched.
        has_timed_out: the search was stopped and found nothing.
    """

    text: str
    is_valid_query: bool
    customers: Sequence[CustomerResult] = ()
    conversations: Sequence[ConversationResult] = ()
    has_more: bool = False
    is_complete: bool = True
    has_timed_out: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.customers and not self.conversations


def search(user: User, text: str) -> SearchResults:
    """Search customers by name, username, number or business-scoped id, and messages by prefixes of their words.

    Args:
        user: results are limited to conversations this user may see.
        text: the query; numbers may have any spelling.
    """
    query = " ".join(text.replace("\x00", "").split())[:200]
    words = split_words(query)
    if len(query) < MIN_QUERY_LENGTH and not _is_word_of_one_character(words):
        return SearchResults(query, is_valid_query=False)
    try:
        with time_limited_queries(SECONDS):
            return _search_visible(access.conversations_visible_to(user).order_by(), query, words)
    except QueryTimeoutError:
        return SearchResults(query, is_valid_query=True, has_timed_out=True)


def _search_visible(visible: ConversationQuerySet, query: str, words: Sequence[str]) -> SearchResults:
    rows, are_all_messages = _search_messages(visible, words) if words else ([], True)
    groups = _group_by_conversation(rows)
    customers, are_all_customers = _search_customers(visible, query, words)
    return SearchResults(
        query,
        True,
        customers,
        _load_conversation_results(groups[:MAX_CONVERSATIONS], words),
        has_more=len(groups) > MAX_CONVERSATIONS or len(rows) == MAX_MESSAGES,
        is_complete=are_all_messages and are_all_customers,
    )


def _is_word_of_one_character(words: Sequence[str]) -> bool:
    """Return whether a query of one character is a word, as in Chinese, or an emoji."""
    return bool(words) and get_word_kind(words[0][0]) is not WordKind.SPACED


def _search_customers(
    visible: ConversationQuerySet, query: str, words: Sequence[str]
) -> tuple[list[CustomerResult], bool]:
    """Return the customers with the latest activity, and whether all customers were searched."""
    contact_query = ContactQuery(query)

    def get_visible(keys: Sequence[int]) -> Sequence[tuple[int, datetime]]:
        activities = visible.filter(contact__in=keys).values("contact").annotate(at=Max("last_activity_at"))
        return list(activities.values_list("contact", "at"))

    if not contact_query.required_words:
        return [], True
    rows, are_all = find_visible(CONTACT_INDEX, contact_query.required_words, get_visible, _are_enough_customers)
    by_activity = [key for key, _ in sorted(rows, key=lambda row: (-row[1].timestamp(), row[0]))]
    contacts = load_texts(by_activity[: 2 * MAX_CUSTOMERS]).in_bulk()
    matching = [contacts[key] for key in by_activity if key in contacts and contact_query.matches(contacts[key])]
    return _build_customer_results(visible, matching[:MAX_CUSTOMERS], words, query), are_all


def _are_enough_customers(rows: Sequence[tuple[int, datetime]]) -> bool:
    return len(rows) >= MAX_CUSTOMERS


def _build_customer_results(
    visible: ConversationQuerySet, contacts: Sequence[Contact], words: Sequence[str], query: str
) -> list[CustomerResult]:
    latest = visible.filter(contact=OuterRef("pk")).order_by("-last_activity_at", "-pk").values("pk")[:1]
    keys = Contact.objects.filter(pk__in=[contact.pk for contact in contacts]).values_list("pk", Subquery(latest))
    latest_keys = dict(keys)
    conversations = visible.select_related("agent__user").in_bulk(latest_keys.values())
    return [
        _build_customer_result(contact, conversations[latest_keys[contact.pk]], words, query) for contact in contacts
    ]


def _build_customer_result(contact: Contact, latest: Conversation, words: Sequence[str], query: str) -> CustomerResult:
    name = highlight(contact.display_name, words, anywhere=True)
    return CustomerResult(contact, latest, name, _highlight_number(contact.display_handle, query))


def _search_messages(visible: ConversationQuerySet, words: Sequence[str]) -> tuple[list[MessageRow], bool]:
    """Return the newest matching messages, at most MAX_MESSAGES, and whether all messages were searched."""

    def get_visible(keys: Sequence[int]) -> Sequence[MessageRow]:
        messages = Message.objects.filter(pk__in=keys, conversation__in=visible.values("pk"))
        rows = messages.order_by("-pk").values_list("pk", "conversation")[:MAX_MESSAGES]
        return [MessageRow(*row) for row in rows]

    required = [list(iter_required_words(words))]
    rows, are_all = find_visible(MESSAGE_INDEX, required, get_visible, _are_more_than_shown)
    return rows[:MAX_MESSAGES], are_all


def _are_more_than_shown(rows: Sequence[MessageRow]) -> bool:
    return len(rows) >= MAX_MESSAGES or len({row.conversation for row in rows}) > MAX_CONVERSATIONS


def iter_required_words(words: Sequence[str]) -> Iterator[RequiredWord]:
    """Yield the words that the index must have of a message with these words."""
    for query_word in words:
        required, are_prefixes = get_required_words(query_word)
        yield from (RequiredWord(word, are_prefixes) for word in required)


def _group_by_conversation(rows: Sequence[MessageRow]) -> list[tuple[int, int]]:
    """Return the key of the newest message of each conversation, and the number of its other messages."""
    newest: dict[int, int] = {}
    for row in rows:
        newest.setdefault(row.conversation, row.message)
    counts = Counter(row.conversation for row in rows)
    return [(message, counts[conversation] - 1) for conversation, message in newest.items()]


def _load_conversation_results(groups: Sequence[tuple[int, int]], words: Sequence[str]) -> list[ConversationResult]:
    related = Message.objects.select_related(
        "conversation__contact", "conversation__agent__user", "conversation__queue"
    )
    messages = related.in_bulk([key for key, _ in groups])
    return [
        ConversationResult(messages[key], _build_snippet(messages[key].body, words), more_matches)
        for key, more_matches in groups
    ]


def _build_snippet(body: str, words: Sequence[str]) -> list[TextSegment]:
    """Return the part of the text around the first match, highlighted."""
    text = " ".join(remove_markup(body[:MAX_INDEXED_CHARACTERS]).split())
    first = next((begin for begin, _ in _iter_matches(text, words)), 0)
    start = max(0, first - CONTEXT_CHARACTERS)
    excerpt = text[start : first + 2 * CONTEXT_CHARACTERS]
    snippet = ("…" if start else "") + excerpt + ("…" if first + 2 * CONTEXT_CHARACTERS < len(text) else "")
    return highlight(snippet, words)


def _iter_matches(text: str, words: Sequence[str], *, anywhere: bool = False) -> Iterator[tuple[int, int]]:
    """Yield begin and end of words that start with one of these, or contain it when `anywhere`."""
    folded, offsets = _fold_with_offsets(text)
    longest_first = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    for match in re.finditer(longest_first, folded) if words else ():
        if not anywhere and _is_inside_word(folded, match.start()):
            continue
        yield offsets[match.start()], max(offsets[match.end()], offsets[match.end() - 1] + 1)


def _is_inside_word(folded: str, position: int) -> bool:
    """Return whether a word with spaces around it began before this position."""
    kinds = (get_word_kind(char) for char in folded[max(0, position - 1) : position + 1])
    return position > 0 and all(kind is WordKind.SPACED for kind in kinds)


def _fold_with_offsets(text: str) -> tuple[str, list[int]]:
    """Return the folded text and the offset of each of its letters; the last one is the text's length."""
    if text.isascii():
        return text.lower(), list(range(len(text) + 1))
    letters = [(letter, offset) for offset, char in enumerate(text) for letter in _fold_character(char)]
    return "".join(letter for letter, _ in letters), [*(offset for _, offset in letters), len(text)]


@lru_cache(maxsize=4096)
def _fold_character(char: str) -> str:
    """Return a character folded; empty for a mark that search ignores, and the beginning of a long ligature."""
    return fold_text(char)[:4]


def highlight(text: str, words: Sequence[str], *, anywhere: bool = False) -> list[TextSegment]:
    """Split a text into segments that match the words and segments between.

    Args:
        text: the text to show.
        words: folded words, as split_words returns them.
        anywhere: match inside words too, not only at their beginning.
    """
    return _split_at_matches(text, _iter_matches(text, words, anywhere=anywhere))


def _highlight_number(number: str, query: str) -> list[TextSegment]:
    """Split a displayed number at the digits of the query, whatever is between them."""
    offsets = [offset for offset, char in enumerate(number) if char.isdigit()]
    digits = "".join(number[offset] for offset in offsets)
    for variant in sorted(get_number_variants(query)):
        if (start := digits.find(variant)) >= 0:
            return _split_at_matches(number, [(offsets[start], offsets[start + len(variant) - 1] + 1)])
    return [TextSegment(number, False)]


def _split_at_matches(text: str, matches: Iterable[tuple[int, int]]) -> list[TextSegment]:
    segments, position = [], 0
    for begin, end in matches:
        segments += [TextSegment(text[position:begin], False), TextSegment(text[begin:end], True)]
        position = end
    return [segment for segment in (*segments, TextSegment(text[position:], False)) if segment.text]
