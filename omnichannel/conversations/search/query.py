"""Search customers and messages, among the conversations a user may see."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from django.db.models import F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Lower

from channels_whatsapp.identity import get_identity
from omnichannel.accounts.models import User
from omnichannel.conversations import access
from omnichannel.conversations.models import Contact, ContactBusinessId, Conversation, Message
from omnichannel.conversations.search.index import HasWords
from omnichannel.core.db import FoldedText
from omnichannel.core.text.phone_numbers import strip_punctuation
from omnichannel.core.text.search_words import MAX_INDEXED_CHARACTERS, WordKind, fold_text, get_word_kind, split_words
from omnichannel.core.text.whatsapp_markup import remove_markup

MAX_CUSTOMERS: Final = 8
MAX_CONVERSATIONS: Final = 30
MAX_MESSAGES: Final = 200
MIN_QUERY_LENGTH: Final = 2
MIN_DIGITS: Final = 4
ID_PATTERN: Final = re.compile(r"\A(?:whatsapp:)?[A-Za-z]{0,2}\.?(?:ENT\.)?[A-Za-z0-9]{5,128}\Z")
CONTEXT_CHARACTERS: Final = 60  # shown before and after a match


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
    """Results of a search, newest first. `is_valid_query` is False when the query is too short."""

    text: str
    is_valid_query: bool
    customers: Sequence[CustomerResult] = ()
    conversations: Sequence[ConversationResult] = ()
    has_more: bool = False

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
    messages = _search_messages(user, words) if words else []
    groups = _group_by_conversation(messages)
    return SearchResults(
        query,
        True,
        _search_customers(user, query, words),
        [
            ConversationResult(message, _build_snippet(message.body, words), more_matches)
            for message, more_matches in groups[:MAX_CONVERSATIONS]
        ],
        has_more=len(groups) > MAX_CONVERSATIONS or len(messages) == MAX_MESSAGES,
    )


def _is_word_of_one_character(words: Sequence[str]) -> bool:
    """Return whether a query of one character is a word, as in Chinese, or an emoji."""
    return bool(words) and get_word_kind(words[0][0]) is not WordKind.SPACED


def _search_customers(user: User, query: str, words: Sequence[str]) -> list[CustomerResult]:
    visible = access.conversations_visible_to(user).order_by()
    latest = visible.filter(contact=OuterRef("pk")).order_by("-last_activity_at", "-pk").values("pk")[:1]
    matches_query = build_name_filter(query) | build_number_filter(query) | _build_id_filter(query)
    visible_contacts = (
        with_folded_names(Contact.objects.all())
        .filter(matches_query)
        .annotate(latest=Subquery(latest))
        .filter(latest__isnull=False)
    )
    by_activity = visible_contacts.annotate(at=Max("conversations__last_activity_at")).order_by("-at", "pk")
    contacts = list(by_activity[:MAX_CUSTOMERS])
    conversations = visible.select_related("agent__user").in_bulk([contact.latest for contact in contacts])
    return [_build_customer_result(contact, conversations[contact.latest], words, query) for contact in contacts]


def _build_customer_result(contact: Contact, latest: Conversation, words: Sequence[str], query: str) -> CustomerResult:
    name = highlight(contact.display_name, words, anywhere=True)
    return CustomerResult(contact, latest, name, _highlight_number(contact.display_handle, query))


def with_folded_names(contacts: QuerySet[Contact]) -> QuerySet[Contact]:
    """Add aliases with the folded names, for build_name_filter."""
    return contacts.alias(
        plain_name=FoldedText("name"), plain_profile_name=FoldedText("profile_name"), plain_username=Lower("username")
    )


def build_name_filter(text: str) -> Q:
    """Return the filter for contacts with every word in one of their names; for `with_folded_names`.

    A username is matched as typed, with its dots and underscores.
    """
    name_filter = Q()
    for word in split_words(text) or [fold_text(text)]:
        name_filter &= Q(plain_name__contains=word) | Q(plain_profile_name__contains=word)
    username = text.strip().removeprefix("@").lower()
    return name_filter | Q(plain_username__contains=username) if username else name_filter


def build_number_filter(query: str, *, min_digits: int = MIN_DIGITS) -> Q:
    """Return the filter for contacts with these digits in their number, in any of its spellings."""
    number_filter = Q(pk=None)
    for number in _get_number_variants(query, min_digits):
        number_filter |= Q(identity__isnull=False) & (Q(address__contains=number) | Q(identity__contains=number))
    return number_filter


def _build_id_filter(query: str) -> Q:
    """Return the filter for contacts with a business-scoped id that contains the query."""
    if not ID_PATTERN.match(query):
        return Q(pk=None)
    ids = ContactBusinessId.objects.filter(business_scoped_id__icontains=query.removeprefix("whatsapp:"))
    return Q(pk__in=ids.values("contact"))


def _get_number_variants(query: str, min_digits: int = MIN_DIGITS) -> set[str]:
    """Return the digits of the query without leading zeros, as they may be stored.

    These are all digits, those without a trunk zero in parentheses, and those of the number's usual spelling.
    """
    digits = re.sub(r"\D", "", query)
    if len(digits) < min_digits or re.search(r"[^\W\d_]", query):
        return set()
    without_trunk_zero = re.sub(r"\D", "", strip_punctuation(query))
    variants = {re.sub(r"^0+", "", variant) or digits for variant in (digits, without_trunk_zero)}
    return variants | {re.sub(r"\D", "", get_identity(f"+{variant}")) for variant in variants}


def _search_messages(user: User, words: Sequence[str]) -> list[Message]:
    """Return the newest matching messages, at most MAX_MESSAGES, with their conversations."""
    visible = access.conversations_visible_to(user).order_by()
    matches = Message.objects.filter(HasWords(words), conversation__in=visible.values("pk"))
    matches = matches.select_related("conversation__contact", "conversation__agent__user", "conversation__queue")
    # Not the bare key: PostgreSQL would scan all messages backwards instead of using the full-text index.
    return list(matches.order_by((F("pk") + 0).desc())[:MAX_MESSAGES])


def _group_by_conversation(messages: Sequence[Message]) -> list[tuple[Message, int]]:
    """Return the newest message of each conversation, and the number of its other messages."""
    newest: dict[int, Message] = {}
    counts: dict[int, int] = {}
    for message in messages:
        newest.setdefault(message.conversation_id, message)
        counts[message.conversation_id] = counts.get(message.conversation_id, 0) + 1
    return [(message, counts[pk] - 1) for pk, message in newest.items()]


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
    for variant in sorted(_get_number_variants(query)):
        if (start := digits.find(variant)) >= 0:
            return _split_at_matches(number, [(offsets[start], offsets[start + len(variant) - 1] + 1)])
    return [TextSegment(number, False)]


def _split_at_matches(text: str, matches: Iterable[tuple[int, int]]) -> list[TextSegment]:
    segments, position = [], 0
    for begin, end in matches:
        segments += [TextSegment(text[position:begin], False), TextSegment(text[begin:end], True)]
        position = end
    return [segment for segment in (*segments, TextSegment(text[position:], False)) if segment.text]
