"""Quick replies: owners, work streams, languages and slugs."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from omnichannel.accounts.models import User
from omnichannel.conversations.models import Conversation, QuickReply, QuickReplyTag
from omnichannel.conversations.outbound import quick_replies
from omnichannel.conversations.outbound.quick_replies import (
    QuickReplyError,
    fill_slugs,
    find_slugs,
    get_quick_replies_for,
    get_slug_values,
    parse_tag_names,
    save_own_quick_reply,
)
from routing.models import WorkStream
from tests import builders

pytestmark = pytest.mark.django_db


def create_quick_reply(title: str = "Hello", locale: str = "en", message: str = "Hello!", **fields: Any) -> QuickReply:
    return QuickReply.objects.create(title=title, locale=locale, message=message, **fields)


def offered_titles(conversation: Conversation, user: User, languages: Sequence[str] = ("en",)) -> list[str]:
    return [
        f"{quick_reply.title} {quick_reply.locale}"
        for quick_reply in get_quick_replies_for(conversation, user, languages)
    ]


def test_one_title_is_there_once_in_each_language_for_all_and_for_each_person() -> None:
    dana, omar = builders.create_agent("Dana").user, builders.create_agent("Omar").user
    for owner in (None, dana, omar):
        create_quick_reply(owner=owner)
        create_quick_reply(locale="de", owner=owner)
        with pytest.raises(IntegrityError), transaction.atomic():
            create_quick_reply(owner=owner)


def test_an_agent_is_offered_those_of_the_work_stream_those_of_all_and_their_own() -> None:
    dana, omar = builders.create_agent("Dana"), builders.create_agent("Omar")
    conversation = builders.create_conversation(agent=dana)
    other = WorkStream.objects.create(name="Returns", capacity=10)
    create_quick_reply("Everywhere")
    create_quick_reply("Here").work_streams.add(conversation.work_stream, other)
    create_quick_reply("Elsewhere").work_streams.add(other)
    create_quick_reply("Dana's", owner=dana.user)
    create_quick_reply("Omar's", owner=omar.user)
    assert offered_titles(conversation, dana.user) == ["Dana's en", "Everywhere en", "Here en"]


def test_the_customers_language_comes_first_then_the_agents() -> None:
    dana = builders.create_agent("Dana")
    conversation = builders.create_conversation(agent=dana)
    for locale in ("en", "de", "pt", "pt-BR", "fr"):
        create_quick_reply("Hello", locale)
    shown = offered_titles(conversation, dana.user, ["pt-br", "de"])
    assert shown[:3] == ["Hello pt-BR", "Hello pt", "Hello de"]
    assert sorted(shown[3:]) == ["Hello en", "Hello fr"]


def test_the_slugs_become_the_names_of_customer_and_agent() -> None:
    dana = builders.create_user("Agent", "Dana", last_name="Kim")
    amara = builders.create_contact("Amara")
    amara.name = "Amara van Diallo"
    values = get_slug_values(amara, dana)
    text = "{FullName{Customer}}|{FirstName{Customer}}|{LastName{Customer}}|{NickName{Customer}}"
    assert fill_slugs(text, values) == "Amara van Diallo|Amara|Diallo|Amara"
    text = "{FullName{Agent}}|{FirstName{Agent}}|{LastName{Agent}}|{Nickname{Agent}}"
    assert fill_slugs(text, values) == "Dana Kim|Dana|Kim|dana"


def test_slug_without_a_value_stays_visible() -> None:
    values = get_slug_values(builders.create_contact(""), builders.create_user("Agent", "Dana"))
    text = fill_slugs("Hello {FullName{Customer}}, {LastName{Agent}} of {Shop{Name}}", values)
    assert find_slugs(text) == ["{FullName{Customer}}", "{LastName{Agent}}", "{Shop{Name}}"]


@given(st.text())
def test_a_customers_name_is_never_read_as_a_slug_or_a_pattern(name: str) -> None:
    assert fill_slugs("{FullName{Customer}}", {"{fullname{customer}}": name}) == (name or "{FullName{Customer}}")


def test_an_agent_keeps_changes_and_tags_their_own() -> None:
    dana = builders.create_agent("Dana").user
    QuickReplyTag.objects.create(name="Returns")
    quick_reply = save_own_quick_reply(
        dana, title=" My  way ", message="Bye\r\n", locale="pt_BR", tags=["returns", "bye"]
    )
    assert (quick_reply.title, quick_reply.message, quick_reply.locale, quick_reply.owner) == (
        "My way",
        "Bye",
        "pt-BR",
        dana,
    )
    assert {tag.name for tag in quick_reply.tags.all()} == {"Returns", "bye"}
    save_own_quick_reply(dana, title="My way", message="Goodbye", locale="pt-BR", tags=[], quick_reply=quick_reply)
    assert (QuickReply.objects.get().message, quick_reply.tags.count()) == ("Goodbye", 0)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "x" * 101}, "title"),
        ({"message": "\x00 "}, "message"),
        ({"message": "x" * 1601}, "message"),
        ({"message": "Hello {Name{Customer}}"}, "message"),
        ({"locale": "German"}, "locale"),
        ({"locale": "en-abcdefgh"}, "locale"),
        ({"title": "Taken"}, "title"),
    ],
)
def test_invalid_quick_reply_is_refused_at_its_field(changed: Any, field: str) -> None:
    dana = builders.create_agent("Dana").user
    create_quick_reply("Taken", owner=dana)
    with pytest.raises(QuickReplyError) as caught:
        save_own_quick_reply(dana, **{"title": "Title", "message": "Hi", "locale": "en", "tags": [], **changed})
    assert caught.value.field == field
    assert QuickReply.objects.count() == 1


def test_quick_reply_of_another_agent_cannot_be_changed() -> None:
    dana, omar = builders.create_agent("Dana").user, builders.create_agent("Omar").user
    for quick_reply in (create_quick_reply(), create_quick_reply(owner=omar)):
        with pytest.raises(QuickReplyError):
            save_own_quick_reply(dana, title="Mine", message="Hi", locale="en", tags=[], quick_reply=quick_reply)


def test_tags_are_read_as_people_type_them() -> None:
    assert parse_tag_names("#returns, lamp shade,, #returns\n#x") == ["returns", "lamp-shade", "x"]


def test_every_slug_that_is_offered_has_a_value() -> None:
    values = get_slug_values(builders.create_contact("Amara"), builders.create_user("Agent", "Dana"))
    assert set(values) == quick_replies.KNOWN_SLUGS
