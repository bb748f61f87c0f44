"""Whatever a stranger writes, in whatever field: the page stays ours."""

from html.parser import HTMLParser
from typing import Any

import pytest
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from omnichannel.conversations.models import Attachment, AttachmentState, MessageKind
from tests import builders
from tests.desk.people import Desk, browser

pytestmark = pytest.mark.django_db

PIECES = ["<", ">", '"', "'", "&", "</li>", "<script>", "<img src=x onerror=", "javascript:alert(1)", "{{ request }}"]
PIECES += [
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
FORBIDDEN = {"script", "style", "object", "base", "meta", "form", "img", "iframe"}
texts = st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join)


class Reader(HTMLParser):
    """Collects what the page would do that text must never make it do."""

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


def read(desk: Desk) -> Reader:
    reader = Reader()
    reader.feed(browser(desk.dana).get(reverse("desk:conversation", args=[desk.conversation.pk])).content.decode())
    return reader


def write_everywhere(desk: Desk, text: str) -> None:
    contact = desk.conversation.contact
    contact.profile_name = text[:200]
    contact.save()
    place = {"latitude": 1.0, "longitude": 2.0, "label": text, "address": text}
    content: dict[str, Any] = {"location": place, "contacts": [{"name": text, "phones": [text], "emails": [text]}]}
    content |= {"button": {"text": text, "payload": text}, "referral": {"headline": text, "body": text, "url": text}}
    first = builders.inbound(desk.conversation, text, kind=MessageKind.UNSUPPORTED, content={**content, "type": text})
    builders.inbound(desk.conversation, text, quoted=first)
    for position, kind in enumerate(["image/png", "audio/ogg", "application/pdf", "text/vcard"]):
        file = {"content_type": kind, "name": text[:200], "state": AttachmentState.STORED, "position": position}
        Attachment.objects.create(message=first, **file)
    Attachment.objects.create(message=first, position=9, error=text[:300], state=AttachmentState.FAILED)


def test_text_from_strangers_is_text_and_nothing_else(desk: Desk) -> None:
    write_everywhere(desk, "harmless")
    before = read(desk)

    @settings(max_examples=20, deadline=None)
    @given(text=texts)
    def stays_ours(text: str) -> None:
        desk.conversation.messages.all().delete()
        write_everywhere(desk, text)
        after = read(desk)
        more = {tag for tag, count in after.tags.items() if count > before.tags.get(tag, 0)}
        assert (after.wrong, more & FORBIDDEN) == ([], set())

    stays_ours()
