"""Quick replies: prepared texts that agents insert into their replies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.formats import number_format
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from omnichannel.accounts.models import User
from omnichannel.conversations.models import Contact, Conversation, QuickReply, QuickReplyTag
from omnichannel.core.languages import is_language_code
from omnichannel.core.text.placeholders import Placeholder

SLUG_PATTERN = re.compile(r"\{\w+\{\w+\}\}")
PLACEHOLDERS = (
    Placeholder("{FullName{Customer}}", _("Customer’s full name"), "Amara Diallo"),
    Placeholder("{FirstName{Customer}}", _("Customer’s first name"), "Amara"),
    Placeholder("{LastName{Customer}}", _("Customer’s last name"), "Diallo"),
    Placeholder("{NickName{Customer}}", _("Customer’s WhatsApp name"), "amara.d"),
    Placeholder("{FullName{Agent}}", _("Agent’s full name"), "Dana Kim"),
    Placeholder("{FirstName{Agent}}", _("Agent’s first name"), "Dana"),
    Placeholder("{LastName{Agent}}", _("Agent’s last name"), "Kim"),
    Placeholder("{Nickname{Agent}}", _("Agent’s user name"), "dana"),
)
KNOWN_SLUGS = {placeholder.name.casefold() for placeholder in PLACEHOLDERS}
MAX_QUICK_REPLIES = 500
MAX_TITLE_LENGTH, MAX_MESSAGE_LENGTH = 100, 1600

TITLE_REQUIRED = gettext_noop("Enter a title.")
MESSAGE_REQUIRED = gettext_noop("Enter a message.")
INVALID_LANGUAGE = gettext_noop("Enter a language code, for example de or pt-BR.")
DUPLICATE_TITLE = gettext_noop("You already have a quick reply with this title in this language.")


class QuickReplyError(Exception):
    """The quick reply was not saved.

    Attributes:
        field: the field with the error.
        message: the reason, for the user.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


# -- Selection ------------------------------------------------------------------------------------------------------


def get_quick_replies_for(conversation: Conversation, user: User, languages: Sequence[str]) -> list[QuickReply]:
    """Return the quick replies for a conversation: shared ones for its work stream and the user's own.

    Args:
        conversation: the conversation to reply in.
        user: the replying user.
        languages: preferred language codes, best first; the result is sorted by them, then by title.
    """
    is_offered = Q(work_streams=None) | Q(work_streams=conversation.work_stream_id)
    quick_replies = QuickReply.objects.filter(Q(owner=user) | (Q(owner=None) & is_offered)).distinct()
    by_rank = sorted(
        quick_replies.prefetch_related("tags"),
        key=lambda reply: (_get_language_rank(reply.locale, languages), _title_sort_key(reply)),
    )
    return by_rank[:MAX_QUICK_REPLIES]


def _get_language_rank(locale: str, languages: Sequence[str]) -> int:
    """Return the rank of a locale, lower is better: for `pt-br`, `pt-BR` before `pt`, then the next."""
    code = locale.casefold()
    for index, language in enumerate(languages):
        if code == language.casefold():
            return 2 * index
        if language and code.partition("-")[0] == language.casefold().partition("-")[0]:
            return 2 * index + 1
    return 2 * len(languages)


def _title_sort_key(reply: QuickReply) -> tuple[str, str]:
    return reply.title.casefold(), reply.locale


# -- Slugs ----------------------------------------------------------------------------------------------------------


def get_slug_values(contact: Contact, user: User) -> dict[str, str]:
    """Return the values of the slugs by lower-case slug; empty when unknown."""
    full_name = contact.known_name
    names = full_name.split()
    return {
        "{fullname{customer}}": full_name,
        "{firstname{customer}}": names[0] if names else "",
        "{lastname{customer}}": names[-1] if len(names) > 1 else "",
        "{nickname{customer}}": contact.profile_name or full_name,
        "{fullname{agent}}": user.display_name,
        "{firstname{agent}}": user.first_name,
        "{lastname{agent}}": user.last_name,
        "{nickname{agent}}": user.username,
    }


def fill_slugs(text: str, values: Mapping[str, str]) -> str:
    """Replace slugs with their values; slugs without a value stay, for the agent to replace."""
    return SLUG_PATTERN.sub(lambda match: values.get(match[0].casefold()) or match[0], text)


def find_slugs(text: str) -> list[str]:
    """Return the slugs in a text, without repetitions."""
    return list(dict.fromkeys(SLUG_PATTERN.findall(text)))


def find_unknown_slugs(text: str) -> list[str]:
    """Return the slugs in a text that do not exist."""
    return [slug for slug in find_slugs(text) if slug.casefold() not in KNOWN_SLUGS]


def format_unknown_slug_error(slug: str) -> str:
    """Return the error message for a slug that does not exist."""
    return gettext("Unknown placeholder %(slug)s. Available: %(slugs)s.") % {
        "slug": slug,
        "slugs": ", ".join(placeholder.name for placeholder in PLACEHOLDERS),
    }


# -- Storage --------------------------------------------------------------------------------------------------------


def get_own_quick_replies(user: User) -> list[QuickReply]:
    """Return the user's own quick replies, sorted by title."""
    return sorted(QuickReply.objects.filter(owner=user).prefetch_related("tags"), key=_title_sort_key)


def get_shared_quick_replies() -> list[QuickReply]:
    """Return the shared quick replies, sorted by title."""
    shared = QuickReply.objects.filter(owner=None).prefetch_related("tags", "work_streams")
    return sorted(shared, key=_title_sort_key)


def save_own_quick_reply(
    user: User, *, title: str, message: str, locale: str, tags: Iterable[str], quick_reply: QuickReply | None = None
) -> QuickReply:
    """Create or change one of the user's own quick replies.

    Raises:
        QuickReplyError: a field is invalid, the title exists, or the quick reply is somebody else's.
    """
    quick_reply = quick_reply or QuickReply(owner=user)
    if quick_reply.owner_id != user.pk:
        raise QuickReplyError("title", gettext("This quick reply belongs to someone else."))
    quick_reply.title, quick_reply.message, quick_reply.locale = validate_quick_reply(title, message, locale)
    try:
        with transaction.atomic():
            quick_reply.save()
            quick_reply.tags.set(get_or_create_tags(tags))
    except IntegrityError as error:
        raise QuickReplyError("title", gettext(DUPLICATE_TITLE)) from error
    return quick_reply


def validate_quick_reply(title: str, message: str, locale: str) -> tuple[str, str, str]:
    """Return title, message and language code as they are stored.

    Raises:
        QuickReplyError: one of them is missing, too long or invalid.
    """
    title, message = " ".join(title.split()), message.replace("\r\n", "\n").replace("\x00", "").strip()
    if not title or len(title) > MAX_TITLE_LENGTH:
        raise QuickReplyError("title", gettext(TITLE_REQUIRED) if not title else gettext("Use up to 100 characters."))
    if not message or len(message) > MAX_MESSAGE_LENGTH:
        raise QuickReplyError(
            "message",
            gettext(MESSAGE_REQUIRED)
            if not message
            else gettext("Use up to %(limit)s characters.")
            % {"limit": number_format(MAX_MESSAGE_LENGTH, force_grouping=True)},
        )
    if unknown := find_unknown_slugs(message):
        raise QuickReplyError("message", format_unknown_slug_error(unknown[0]))
    return title, message, validate_locale(locale)


def validate_locale(locale: str) -> str:
    """Return the language code with hyphens instead of underscores.

    Raises:
        QuickReplyError: it is not a language code.
    """
    code = locale.strip().replace("_", "-")
    if not is_language_code(code) or len(code) > 10:
        raise QuickReplyError("locale", gettext(INVALID_LANGUAGE))
    return code


def parse_tag_names(text: str) -> list[str]:
    """Return the tags in a text: `#returns, lamp shade` is `returns` and `lamp-shade`."""
    pieces = re.split(r"[,#\n]", text.replace("\x00", ""))
    return list(dict.fromkeys("-".join(piece.split())[:40] for piece in pieces if piece.strip()))


def get_or_create_tags(names: Iterable[str]) -> list[QuickReplyTag]:
    """Return the tags with these names, ignoring case; create missing ones."""
    tags = []
    for name in names:
        tag = QuickReplyTag.objects.filter(name__iexact=name).first()
        tags.append(tag or QuickReplyTag.objects.get_or_create(name=name)[0])
    return tags
