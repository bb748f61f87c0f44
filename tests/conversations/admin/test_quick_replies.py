"""Quick replies in the administration, and on the page of a work stream."""

import pytest

from omnichannel.conversations.models import QuickReply, QuickReplyTag
from routing.models import WorkStream
from tests import builders
from tests.administration.people import page, signed_in, words

pytestmark = pytest.mark.django_db

REPLY, TAG, STREAM = "conversations_quickreply", "conversations_quickreplytag", "routing_workstream"


def text(**changed):
    return {"title": "Hello", "locale": "en", "message": "Hello {FullName{Customer}}", "new_tags": "", **changed}


def errors(response):
    return response.context["adminform"].form.errors


@pytest.mark.parametrize("role", ["Administrator", "Supervisor"])
def test_administrators_and_supervisors_write_change_and_delete_one(role):
    client, stream = signed_in(role), builders.work_stream()
    known = QuickReplyTag.objects.create(name="hello")
    form = text(locale="pt_BR", tags=[known.pk], new_tags="#Warm, #hello", work_streams=[stream.pk])
    client.post(page(REPLY, "add"), form)
    made = QuickReply.objects.get()
    assert (made.title, made.locale, made.owner) == ("Hello", "pt-BR", None)
    assert sorted(tag.name for tag in made.tags.all()) == ["Warm", "hello"]
    assert list(made.work_streams.all()) == [stream]
    client.post(page(REPLY, "change", made.pk), text(message="Hi", tags=[known.pk]))
    made.refresh_from_db()
    assert (made.message, list(made.work_streams.all()), made.tags.get()) == ("Hi", [], known)
    client.post(page(REPLY, "delete", made.pk), {"post": "yes"})
    assert not QuickReply.objects.exists()


@pytest.mark.parametrize("role", ["Agent", ""])
def test_others_do_not(role):
    client = signed_in(role)
    assert client.post(page(REPLY, "add"), text()).status_code in {302, 403}
    assert client.post(page(TAG, "add"), {"name": "x"}).status_code in {302, 403}
    assert not QuickReply.objects.exists()
    assert not QuickReplyTag.objects.exists()


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"message": "Hello {Name{Customer}}"}, "message", "There is no slug {Name{Customer}}."),
        ({"locale": "German!"}, "locale", "Enter a language code"),
        ({"title": ""}, "title", "This field is required."),
        ({"title": "There"}, "title", "of this title in this language already"),
    ],
)
def test_what_could_not_be_used_is_refused_at_its_field(changed, field, said):
    QuickReply.objects.create(title="There", locale="en", message="Here")
    assert said in errors(signed_in("Administrator").post(page(REPLY, "add"), text(**changed)))[field][0]
    assert QuickReply.objects.count() == 1


def test_what_an_agent_keeps_for_themselves_is_not_shown():
    own = QuickReply.objects.create(title="My way", locale="en", message="Bye", owner=builders.agent("Dana").user)
    ada = signed_in("Administrator", "Ada")
    assert "My way" not in words(ada.get(page(REPLY, "changelist")))
    assert ada.get(page(REPLY, "change", own.pk)).status_code == 302


def test_the_documented_words_are_on_the_page():
    shown = words(signed_in("Administrator").get(page(REPLY, "add")))
    for label in ("Title", "Locale", "Message", "Edit Tags", "Add new tag", "Work streams", "{Nickname{Agent}}"):
        assert label in shown


def test_a_tag_has_no_blanks_and_is_there_once():
    client = signed_in("Supervisor")
    client.post(page(TAG, "add"), {"name": "#Lamp shade"})
    assert QuickReplyTag.objects.get().name == "Lamp-shade"
    assert "there already" in errors(client.post(page(TAG, "add"), {"name": "lamp-SHADE"}))["name"][0]


def test_a_work_streams_page_lists_its_own_and_those_of_all():
    stream, other = builders.work_stream(), WorkStream.objects.create(name="Other", capacity=1)
    for title, streams in (("Everywhere", []), ("Here", [stream]), ("Elsewhere", [other])):
        QuickReply.objects.create(title=title, locale="en", message="x").work_streams.set(streams)
    shown = words(signed_in("Administrator").get(page(STREAM, "change", stream.pk)))
    assert "Quick Replies" in shown
    assert "Everywhere" in shown
    assert "Here" in shown
    assert "Elsewhere" not in shown
