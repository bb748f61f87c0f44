"""The composer: several files, replies to a message, undo, the preview, and quick replies; each for whom it is."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from omnichannel.conversations.models import DeskPreferences, Message, QuickReply
from omnichannel.conversations.outbound.quick_replies import get_or_create_tags
from tests import builders
from tests.desk.people import HTMX, Desk, browser

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 64


def of(desk: Desk, name: str) -> str:
    return reverse(f"desk:{name}", args=[desk.conversation.pk])


def reply(desk: Desk, **form: Any) -> Any:
    return browser(desk.dana).post(of(desk, "reply"), form, **HTMX)


def wants_undo(desk: Desk) -> None:
    DeskPreferences.objects.create(agent=desk.dana, can_undo_sending=True)


# -- Replying ---------------------------------------------------------------------------------------------------------


def test_each_file_is_a_message_of_its_own_in_their_order_the_text_with_the_first(desk: Desk) -> None:
    files = [SimpleUploadedFile(f"{name}.png", PNG) for name in "abc"]
    answer = reply(desk, text="Three", file=files)
    messages = list(desk.conversation.messages.order_by("pk"))
    assert [(one.body, one.attachments.get().name) for one in messages] == [
        ("Three", "a.png"),
        ("", "b.png"),
        ("", "c.png"),
    ]
    assert all(f'id="message-{one.pk}"' in answer.content.decode() for one in messages)


def test_of_several_files_all_are_looked_at_before_the_first_goes_out(desk: Desk) -> None:
    files = [SimpleUploadedFile("a.png", PNG), SimpleUploadedFile("b.html", b"<html><script>")]
    answer = reply(desk, text="Two", file=files)
    assert answer.status_code == 422
    assert not Message.objects.exists()


def test_a_reply_to_a_message_shows_it_to_colleagues(desk: Desk) -> None:
    asked = builders.inbound(desk.conversation, "Blue or red?")
    answer = reply(desk, text="Blue", quoted=asked.pk)
    assert Message.objects.get(body="Blue").quoted == asked
    assert re.search(rf'href="[^"]*message-{asked.pk}"', answer.content.decode())


def test_a_reply_to_a_message_from_elsewhere_is_refused_and_the_text_stays(desk: Desk) -> None:
    elsewhere = builders.inbound(builders.conversation())
    answer = reply(desk, text="Blue", quoted=elsewhere.pk)
    assert answer.status_code == 422
    assert "Blue" in answer.content.decode()


def test_a_slug_that_is_left_is_refused_by_the_field(desk: Desk) -> None:
    answer = reply(desk, text="Dear {LastName{Customer}}")
    assert answer.status_code == 422
    assert "Replace {LastName{Customer}} first" in answer.content.decode()


def test_what_is_under_way_comes_to_open_pages_until_it_has_gone_out(desk: Desk) -> None:
    message = builders.outbound(desk.conversation, status="queued", updated_at=timezone.now() - timedelta(hours=1))
    asked = f"{of(desk, 'pieces')}?after={message.pk}&changed_since={timezone.now().isoformat()}"
    client = browser(desk.omar)
    assert f'id="message-{message.pk}"' in client.get(asked, **HTMX).content.decode()
    Message.objects.update(status="sent")
    assert f'id="message-{message.pk}"' not in client.get(asked, **HTMX).content.decode()


# -- Undo -------------------------------------------------------------------------------------------------------------


def test_who_does_not_want_it_has_nothing_to_undo(desk: Desk) -> None:
    assert 'id="undo"' not in reply(desk, text="Hi").content.decode()
    assert Message.objects.get().not_before is None


def test_undo_brings_the_words_back_and_takes_the_message_from_the_page(desk: Desk) -> None:
    wants_undo(desk)
    asked = builders.inbound(desk.conversation)
    sent = reply(desk, text="Oops", quoted=asked.pk).content.decode()
    (pk,) = re.findall(r'name="message" value="(\d+)"', sent)
    answer = browser(desk.dana).post(of(desk, "undo"), {"message": [pk]}, **HTMX)
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert ">Oops</textarea>" in shown
    assert f'name="quoted" value="{asked.pk}"' in shown
    assert f'id="gone" data-pks="{pk}"' in shown
    assert not Message.objects.filter(pk=pk).exists()


def test_without_the_script_undo_shows_the_page_with_the_words(desk: Desk) -> None:
    wants_undo(desk)
    reply(desk, text="Oops")
    answer = browser(desk.dana).post(of(desk, "undo"), {"message": [Message.objects.get().pk]})
    assert ">Oops</textarea>" in answer.content.decode()


@pytest.mark.parametrize(
    ("who", "status"), [("omar", 409), ("sue", 409), ("ada", 409), ("eve", 404), ("stranger", 403)]
)
def test_nobody_else_takes_it_back(desk: Desk, who: str, status: int) -> None:
    wants_undo(desk)
    reply(desk, text="Stays")
    pk = Message.objects.get().pk
    answer = browser(getattr(desk, who)).post(of(desk, "undo"), {"message": [pk]}, **HTMX)
    assert answer.status_code == status
    assert Message.objects.filter(pk=pk, status="queued").exists()


@pytest.mark.parametrize("form", [{}, {"message": "x"}, {"message": "99999999999999999999"}])
def test_too_late_or_nonsense_is_said_at_the_top(desk: Desk, form: dict[str, str]) -> None:
    answer = browser(desk.dana).post(of(desk, "undo"), form, **HTMX)
    assert answer.status_code == 409
    assert "on its way already" in answer.content.decode()


# -- The preview ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [("*Hi* <b>", "<strong>Hi</strong> &lt;b&gt;"), ("plain <b> https://x.example", ""), ("", "")],
)
def test_a_preview_is_what_the_customer_will_see_where_that_differs(desk: Desk, text: str, shown: str) -> None:
    assert browser(desk.dana).post(reverse("desk:preview"), {"text": text}).content.decode() == shown


def test_the_preview_is_for_those_who_work_here(desk: Desk) -> None:
    assert browser(desk.stranger).post(reverse("desk:preview"), {"text": "*x*"}).status_code == 403
    assert Client().post(reverse("desk:preview"), {"text": "*x*"}).status_code == 302


# -- Quick replies ----------------------------------------------------------------------------------------------------


def quick(
    title: str = "Hello", message: str = "Hello {FullName{Customer}}, {FirstName{Agent}} here", **more: Any
) -> Any:
    made = QuickReply.objects.create(title=title, message=message, locale=more.pop("locale", "en"), **more)
    made.tags.set(get_or_create_tags(["greeting"]))
    return made


def test_what_is_offered_has_its_names_filled_in_and_escaped(desk: Desk) -> None:
    quick()
    desk.conversation.contact.name = '<b>"Amara"'
    desk.conversation.contact.save()
    shown = browser(desk.dana).get(of(desk, "quick_replies")).content.decode()
    assert 'data-text="Hello &lt;b&gt;&quot;Amara&quot;, Dana here"' in shown
    assert 'data-tags="greeting "' in shown
    assert "<b>" not in shown


def test_the_customers_language_is_first(desk: Desk) -> None:
    quick("Hello", locale="en")
    quick("Hallo", locale="de")
    desk.conversation.contact.language = "de"
    desk.conversation.contact.save()
    shown = browser(desk.dana).get(of(desk, "quick_replies")).content.decode()
    assert shown.index('"auto">Hallo<') < shown.index('"auto">Hello<')


@pytest.mark.parametrize("who", ["dana", "omar", "sue", "ada"])
def test_those_who_see_the_conversation_are_offered_them(desk: Desk, who: str) -> None:
    quick()
    assert "Hello" in browser(getattr(desk, who)).get(of(desk, "quick_replies")).content.decode()


@pytest.mark.parametrize(("who", "status"), [("eve", 404), ("stranger", 403)])
def test_nobody_else_is(desk: Desk, who: str, status: int) -> None:
    assert browser(getattr(desk, who)).get(of(desk, "quick_replies")).status_code == status


@pytest.mark.parametrize("count", [1, 40])
def test_however_many_there_are_they_take_two_queries_more_than_knowing_who_asks(
    desk: Desk, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(count):
        quick(f"Hello {number}")
    client = browser(desk.dana)
    with django_assert_max_num_queries(8):
        assert client.get(of(desk, "quick_replies")).content.decode().count('role="option"') == count


def own(**changed: str) -> dict[str, str]:
    return {"title": "Mine", "message": "Bye {FirstName{Agent}}", "locale": "en", "tags": "#bye, warm", **changed}


@pytest.mark.parametrize("who", ["dana", "sue", "ada"])
def test_people_write_change_and_delete_their_own(desk: Desk, who: str) -> None:
    person = getattr(desk, who)
    client, page = browser(person), reverse("desk:own_quick_replies")
    assert client.post(page, own()).status_code == 302
    one = QuickReply.objects.get(owner=person.user)
    assert "Mine" in client.get(page).content.decode()
    change = reverse("desk:change_quick_reply", args=[one.pk])
    assert "bye, warm" in client.get(change).content.decode()
    client.post(change, own(message="Goodbye"))
    one.refresh_from_db()
    assert one.message == "Goodbye"
    client.post(reverse("desk:delete_quick_reply", args=[one.pk]))
    assert not QuickReply.objects.exists()


def test_what_is_wrong_is_said_at_its_field_and_the_words_stay(desk: Desk) -> None:
    answer = browser(desk.dana).post(reverse("desk:own_quick_replies"), own(message="Dear {Name{Customer}}"))
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "There is no slug {Name{Customer}}" in shown
    assert "Dear {Name{Customer}}</textarea>" in shown


def test_nobody_touches_or_is_offered_somebody_elses(desk: Desk) -> None:
    mine, everybodys = quick("Mine", owner=desk.dana.user), quick("Everybody's")
    omar = browser(desk.omar)
    for one in (mine, everybodys):
        assert omar.get(reverse("desk:change_quick_reply", args=[one.pk])).status_code == 404
        assert omar.post(reverse("desk:change_quick_reply", args=[one.pk]), own()).status_code == 404
        assert omar.post(reverse("desk:delete_quick_reply", args=[one.pk])).status_code == 404
    assert "Mine" not in omar.get(of(desk, "quick_replies")).content.decode()
    assert QuickReply.objects.count() == 2


def test_what_was_written_is_kept_from_the_composer(desk: Desk) -> None:
    client, address = browser(desk.dana), reverse("desk:keep_quick_reply")
    assert "<dialog" in client.get(address, **HTMX).content.decode()
    assert client.post(address, own(title=""), **HTMX).status_code == 422
    kept = client.post(address, own(), **HTMX)
    assert (kept.status_code, kept["HX-Trigger"]) == (204, "quick-reply-kept")
    assert QuickReply.objects.get().owner == desk.dana.user


def test_the_pages_of_quick_replies_are_for_those_who_work_here(desk: Desk) -> None:
    one = quick(owner=desk.dana.user)
    for name, args in (("own_quick_replies", []), ("keep_quick_reply", []), ("change_quick_reply", [one.pk])):
        address = reverse(f"desk:{name}", args=args)
        assert browser(desk.stranger).get(address).status_code == 403
        assert Client().get(address).status_code == 302


@pytest.mark.parametrize(("who", "is_led"), [("sue", True), ("ada", True), ("dana", False)])
def test_who_may_edit_everybodys_is_led_there(desk: Desk, who: str, is_led: bool) -> None:
    person = getattr(desk, who)
    person.user.is_staff = is_led
    person.user.save()
    shown = browser(person).get(reverse("desk:own_quick_replies")).content.decode()
    assert (reverse("admin:conversations_quickreply_changelist") in shown) == is_led
