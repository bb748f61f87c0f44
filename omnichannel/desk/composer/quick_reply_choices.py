"""The quick replies that the composer offers: with slugs filled in, and found by what is stored."""

from collections.abc import Mapping
from dataclasses import dataclass

from omnichannel.conversations.models import QuickReply
from omnichannel.conversations.outbound.quick_replies import fill_slugs
from omnichannel.core.text.search_words import fold_text


@dataclass(frozen=True)
class QuickReplyChoice:
    """A quick reply to choose.

    Attributes:
        text: the message with its slugs filled in, for this customer.
        search_text: title, message and tags as they are stored, folded: a name that is filled in is not searched.
        folded_tags: the names of the tags, folded, separated by spaces.
    """

    quick_reply: QuickReply
    text: str
    search_text: str
    folded_tags: str


def build_quick_reply_choice(quick_reply: QuickReply, slug_values: Mapping[str, str]) -> QuickReplyChoice:
    """Return the choice for a quick reply whose tags are loaded."""
    tags = [tag.name for tag in quick_reply.tags.all()]
    stored = "\n".join([quick_reply.title, quick_reply.message, *(f"#{tag}" for tag in tags)])
    return QuickReplyChoice(
        quick_reply,
        text=fill_slugs(quick_reply.message, slug_values),
        search_text=fold_text(stored),
        folded_tags=fold_text(" ".join(tags)),
    )
