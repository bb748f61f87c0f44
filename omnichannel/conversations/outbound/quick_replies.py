"""Quick replies: texts an agent puts into a reply instead of typing them again, the best language first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from omnichannel.accounts.models import User
from omnichannel.conversations.models import Contact, Conversation, QuickReply, QuickReplyTag
from omnichannel.core.languages import is_language_code

SLUG_PATTERN = re.compile(r"\{\w+\{\w+\}\}")
SLUG_DESCRIPTIONS: dict[str, str | Promise] = {
    "{FullName{Customer}}": _("the customer’s name"),
    "{FirstName{Customer}}": _("the first word of it"),
    "{LastName{Customer}}": _("the last word of it"),
    "{NickName{Customer}}": _("the name they gave themselves"),
    "{FullName{Agent}}": _("your name"),
    "{FirstName{Agent}}": _("your first name"),
    "{LastName{Agent}}": _("your last name"),
    "{Nickname{Agent}}": _("the name you sign in with"),
}
KNOWN_SLUGS = {slug.casefold() for slug in SLUG_DESCRIPTIONS}
MAX_QUICK_REPLIES = 500
MAX_TITLE_LENGTH, MAX_MESSAGE_LENGTH = 100, 1600

TITLE_REQUIRED = gettext_noop("Give it a title to find it by.")
MESSAGE_REQUIRED = gettext_noop("Write the message.")
INVALID_LANGUAGE = gettext_noop("Enter a language code, as de or pt-BR.")
DUPLICATE_TITLE = gettext_noop("You have a quick reply of this title in this language already.")


class QuickReplyError(Exception):
    """The quick reply was not kept. `field` is what is wrong with it, the message is for a person."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


# -- Choosing -------------------------------------------------------------------------------------------------------


def get_quick_replies_for(conversation: Conversation, user: User, languages: Sequence[str]) -> list[QuickReply]:
    """What this person can use in this conversation: everybody's for its work stream, and their own."""
    of_stream = Q(work_streams=None) | Q(work_streams=conversation.work_stream_id)
    found = QuickReply.objects.filter(Q(owner=user) | (Q(owner=None) & of_stream)).distinct()
    in_order = sorted(
        found.prefetch_related("tags"),
        key=lambda one: (_get_language_rank(one.locale, languages), _title_sort_key(one)),
    )
    return in_order[:MAX_QUICK_REPLIES]


def _get_language_rank(locale: str, languages: Sequence[str]) -> int:
    """How well the language fits: `pt-BR` before `pt` for `pt-br`, then the next language."""
    code = locale.casefold()
    for place, language in enumerate(languages):
        if code == language.casefold():
            return 2 * place
        if language and code.partition("-")[0] == language.casefold().partition("-")[0]:
            return 2 * place + 1
    return 2 * len(languages)


def _title_sort_key(one: QuickReply) -> tuple[str, str]:
    return one.title.casefold(), one.locale


# -- Slugs ----------------------------------------------------------------------------------------------------------


def get_slug_values(contact: Contact, user: User) -> dict[str, str]:
    """What the slugs stand for here, by their names in lower case; empty where nobody knows."""
    full = contact.name or contact.profile_name
    words = full.split()
    return {
        "{fullname{customer}}": full,
        "{firstname{customer}}": words[0] if words else "",
        "{lastname{customer}}": words[-1] if len(words) > 1 else "",
        "{nickname{customer}}": contact.profile_name or full,
        "{fullname{agent}}": user.display_name,
        "{firstname{agent}}": user.first_name,
        "{lastname{agent}}": user.last_name,
        "{nickname{agent}}": user.username,
    }


def fill_slugs(text: str, values: Mapping[str, str]) -> str:
    """The text with its slugs filled; one that nobody knows a value for stays, to be seen and replaced."""
    return SLUG_PATTERN.sub(lambda found: values.get(found[0].casefold()) or found[0], text)


def find_slugs(text: str) -> list[str]:
    """The slugs that are still in a text, each once."""
    return list(dict.fromkeys(SLUG_PATTERN.findall(text)))


def find_unknown_slugs(text: str) -> list[str]:
    """The slugs in a text that do not exist."""
    return [slug for slug in find_slugs(text) if slug.casefold() not in KNOWN_SLUGS]


def format_unknown_slug_error(slug: str) -> str:
    """What to say of a slug that does not exist."""
    return gettext("There is no slug %(slug)s. There are %(slugs)s.") % {
        "slug": slug,
        "slugs": ", ".join(SLUG_DESCRIPTIONS),
    }


# -- Keeping --------------------------------------------------------------------------------------------------------


def get_own_quick_replies(user: User) -> list[QuickReply]:
    """This person's own quick replies, by title."""
    return sorted(QuickReply.objects.filter(owner=user).prefetch_related("tags"), key=_title_sort_key)


def get_shared_quick_replies() -> list[QuickReply]:
    """Everybody's, by title."""
    shared = QuickReply.objects.filter(owner=None).prefetch_related("tags", "work_streams")
    return sorted(shared, key=_title_sort_key)


def save_own_quick_reply(
    user: User, *, title: str, message: str, locale: str, tags: Iterable[str], quick_reply: QuickReply | None = None
) -> QuickReply:
    """Write down one of this person's own quick replies, or change it. Raises QuickReplyRefused."""
    one = quick_reply or QuickReply(owner=user)
    if one.owner_id != user.pk:
        raise QuickReplyError("title", gettext("This quick reply belongs to somebody else."))
    one.title, one.message, one.locale = validate_quick_reply(title, message, locale)
    try:
        with transaction.atomic():
            one.save()
            one.tags.set(get_or_create_tags(tags))
    except IntegrityError as error:
        raise QuickReplyError("title", gettext(DUPLICATE_TITLE)) from error
    return one


def validate_quick_reply(title: str, message: str, locale: str) -> tuple[str, str, str]:
    """The three as they are stored; raises QuickReplyRefused for what could not be used."""
    title, message = " ".join(title.split()), message.replace("\r\n", "\n").replace("\x00", "").strip()
    if not title or len(title) > MAX_TITLE_LENGTH:
        raise QuickReplyError(
            "title", gettext(TITLE_REQUIRED) if not title else gettext("Say it in up to 100 characters.")
        )
    if not message or len(message) > MAX_MESSAGE_LENGTH:
        raise QuickReplyError(
            "message",
            gettext(MESSAGE_REQUIRED)
            if not message
            else gettext("WhatsApp takes up to %(limit)s letters.")
            % {"limit": number_format(MAX_MESSAGE_LENGTH, force_grouping=True)},
        )
    if unknown := find_unknown_slugs(message):
        raise QuickReplyError("message", format_unknown_slug_error(unknown[0]))
    return title, message, validate_locale(locale)


def validate_locale(locale: str) -> str:
    """The language code with a hyphen in it; raises QuickReplyRefused for what is none."""
    code = locale.strip().replace("_", "-")
    if not is_language_code(code) or len(code) > 10:
        raise QuickReplyError("locale", gettext(INVALID_LANGUAGE))
    return code


def parse_tag_names(words: str) -> list[str]:
    """The tags somebody typed, with commas or # between them: `#returns, lamp shade` is returns and lamp-shade."""
    pieces = re.split(r"[,#\n]", words.replace("\x00", ""))
    return list(dict.fromkeys("-".join(piece.split())[:40] for piece in pieces if piece.strip()))


def get_or_create_tags(names: Iterable[str]) -> list[QuickReplyTag]:
    """The tags of these names, made where they are not there; upper and lower case are the same."""
    found = []
    for name in names:
        tag = QuickReplyTag.objects.filter(name__iexact=name).first()
        found.append(tag or QuickReplyTag.objects.get_or_create(name=name)[0])
    return found
