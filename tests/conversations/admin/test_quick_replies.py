"""The admin of quick replies, and their list on the page of a work stream."""

from typing import Any

import pytest

from omnichannel.conversations.models import QuickReply, QuickReplyTag
from routing.models import WorkStream
from tests import builders
from tests.admin_client import admin_url, create_signed_in_client, form_errors, visible_text

pytestmark = pytest.mark.django_db

REPLY_MODEL, TAG_MODEL, STREAM_MODEL = "conversations_quickreply", "conversations_quickreplytag", "routing_workstream"


def quick_reply_form(**changed: Any) -> dict[str, Any]:
    return {"title": "Hello", "locale": "en", "message": "Hello {FullName{Customer}}", "new_tags": "", **changed}


@pytest.mark.parametrize("role", ["Administrator", "Supervisor"])
def test_administrators_and_supervisors_write_change_and_delete_one(role: str) -> None:
    client, stream = create_signed_in_client(role), builders.update_work_stream()
    known = QuickReplyTag.objects.create(name="hello")
    form = quick_reply_form(locale="pt_BR", tags=[known.pk], new_tags="#Warm, #hello", work_streams=[stream.pk])
    client.post(admin_url(REPLY_MODEL, "add"), form)
    quick_reply = QuickReply.objects.get()
    assert (quick_reply.title, quick_reply.locale, quick_reply.owner) == ("Hello", "pt-BR", None)
    assert sorted(tag.name for tag in quick_reply.tags.all()) == ["Warm", "hello"]
    assert list(quick_reply.work_streams.all()) == [stream]
    client.post(admin_url(REPLY_MODEL, "change", quick_reply.pk), quick_reply_form(message="Hi", tags=[known.pk]))
    quick_reply.refresh_from_db()
    assert (quick_reply.message, list(quick_reply.work_streams.all()), quick_reply.tags.get()) == ("Hi", [], known)
    client.post(admin_url(REPLY_MODEL, "delete", quick_reply.pk), {"post": "yes"})
    assert not QuickReply.objects.exists()


@pytest.mark.parametrize("role", ["Agent", ""])
def test_agents_and_strangers_cannot_change_shared_quick_replies(role: str) -> None:
    client = create_signed_in_client(role)
    assert client.post(admin_url(REPLY_MODEL, "add"), quick_reply_form()).status_code in {302, 403}
    assert client.post(admin_url(TAG_MODEL, "add"), {"name": "x"}).status_code in {302, 403}
    assert not QuickReply.objects.exists()
    assert not QuickReplyTag.objects.exists()


@pytest.mark.parametrize(
    ("changed", "field", "error_text"),
    [
        ({"message": "Hello {Name{Customer}}"}, "message", "Unknown placeholder {Name{Customer}}."),
        ({"locale": "German!"}, "locale", "Enter a language code"),
        ({"title": ""}, "title", "This field is required."),
        ({"title": "There"}, "title", "with this title in this language"),
    ],
)
def test_invalid_quick_reply_is_refused_at_its_field(changed: Any, field: str, error_text: str) -> None:
    QuickReply.objects.create(title="There", locale="en", message="Here")
    assert (
        error_text
        in form_errors(
            create_signed_in_client("Administrator").post(admin_url(REPLY_MODEL, "add"), quick_reply_form(**changed))
        )[field][0]
    )
    assert QuickReply.objects.count() == 1


def test_personal_quick_replies_are_not_listed() -> None:
    personal_reply = QuickReply.objects.create(
        title="My way", locale="en", message="Bye", owner=builders.create_agent("Dana").user
    )
    ada = create_signed_in_client("Administrator", "Ada")
    assert "My way" not in visible_text(ada.get(admin_url(REPLY_MODEL, "changelist")))
    assert ada.get(admin_url(REPLY_MODEL, "change", personal_reply.pk)).status_code == 302


def test_placeholders_are_explained_in_a_table_with_examples() -> None:
    client = create_signed_in_client("Administrator")
    page = client.get(admin_url(REPLY_MODEL, "add")).content.decode()
    table = page.partition('<table class="placeholders"')[2].partition("</table>")[0]
    assert "<code>{FirstName{Customer}}</code>" in table
    assert "<td>Customer’s first name</td>" in table
    assert "<td>Amara</td>" in table
    assert "Slugs" not in page


def test_page_uses_the_documented_labels() -> None:
    shown = visible_text(create_signed_in_client("Administrator").get(admin_url(REPLY_MODEL, "add")))
    for label in ("Title", "Locale", "Message", "Edit Tags", "Add new tag", "Work streams", "{Nickname{Agent}}"):
        assert label in shown


def test_tag_has_no_spaces_and_is_unique() -> None:
    client = create_signed_in_client("Supervisor")
    client.post(admin_url(TAG_MODEL, "add"), {"name": "#Lamp shade"})
    assert QuickReplyTag.objects.get().name == "Lamp-shade"
    assert "already exists" in form_errors(client.post(admin_url(TAG_MODEL, "add"), {"name": "lamp-SHADE"}))["name"][0]


def test_a_work_streams_page_lists_its_own_and_those_of_all() -> None:
    stream, other = builders.update_work_stream(), WorkStream.objects.create(name="Other", capacity=1)
    for title, streams in (("Everywhere", []), ("Here", [stream]), ("Elsewhere", [other])):
        QuickReply.objects.create(title=title, locale="en", message="x").work_streams.set(streams)
    shown = visible_text(create_signed_in_client("Administrator").get(admin_url(STREAM_MODEL, "change", stream.pk)))
    assert "Quick Replies" in shown
    assert "Everywhere" in shown
    assert "Here" in shown
    assert "Elsewhere" not in shown
