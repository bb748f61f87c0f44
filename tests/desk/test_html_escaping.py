"""Text of strangers is escaped in all fields on all pages."""

from html.parser import HTMLParser
from typing import Any

import pytest
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from omnichannel.conversations.models import Attachment, AttachmentState, MessageKind
from tests import builders
from tests.desk.scenario import DeskScenario, client_for

pytestmark = pytest.mark.django_db

HTML_FRAGMENTS = [
    "<",
    ">",
    '"',
    "'",
    "&",
    "</li>",
    "<script>",
    "<img src=x onerror=",
    "javascript:alert(1)",
    "{{ request }}",
]
HTML_FRAGMENTS += [
    "{% url %}",
    "*",
    "_",
    "~",
    "```",
    "https://a.example/?",
    "http://",
    "\u202e",
    "مرحبا",
    "\n",
    " ",
    "`",
    "a",
    "@dana",
]
FORBIDDEN_TAGS = {"script", "style", "object", "base", "meta", "form", "img", "iframe"}
random_texts = st.lists(st.sampled_from(HTML_FRAGMENTS), min_size=1, max_size=8).map("".join)


class MarkupParser(HTMLParser):
    """Collect tags and attributes that text must never create."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.tags: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        for name, value in attrs:
            acts = name.startswith("on") or name == "style" or name == "srcdoc"
            leads_astray = name in {"href", "src", "action"} and (value or "").strip().lower().startswith("javascript:")
            if acts or leads_astray:
                self.wrong.append(f"<{tag} {name}={value!r}>")


def parse_page(desk: DeskScenario) -> MarkupParser:
    reader = MarkupParser()
    reader.feed(client_for(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk])).content.decode())
    return reader


def set_all_texts(desk: DeskScenario, text: str) -> None:
    contact = desk.conversation.contact
    contact.profile_name = text[:200]
    contact.save()
    place = {"latitude": 1.0, "longitude": 2.0, "label": text, "address": text}
    content: dict[str, Any] = {"location": place, "contacts": [{"name": text, "phones": [text], "emails": [text]}]}
    content |= {"button": {"text": text, "payload": text}, "referral": {"headline": text, "body": text, "url": text}}
    first = builders.create_inbound_message(
        desk.conversation, text, kind=MessageKind.UNSUPPORTED, content={**content, "type": text}
    )
    builders.create_inbound_message(desk.conversation, text, quoted=first)
    for position, kind in enumerate(["image/png", "audio/ogg", "application/pdf", "text/vcard"]):
        file = {"content_type": kind, "name": text[:200], "state": AttachmentState.STORED, "position": position}
        Attachment.objects.create(message=first, **file)
    Attachment.objects.create(message=first, position=9, error=text[:300], state=AttachmentState.FAILED)


def test_untrusted_text_is_always_escaped(desk: DeskScenario) -> None:
    set_all_texts(desk, "harmless")
    before = parse_page(desk)

    @settings(max_examples=20, deadline=None)
    @given(text=random_texts)
    def stays_ours(text: str) -> None:
        desk.conversation.messages.all().delete()
        set_all_texts(desk, text)
        after = parse_page(desk)
        more = {tag for tag, count in after.tags.items() if count > before.tags.get(tag, 0)}
        assert (after.wrong, more & FORBIDDEN_TAGS) == ([], set())

    stays_ours()
