"""Customers and messages are found only by users who may see them."""

import time
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from omnichannel.conversations.contacts import merge
from omnichannel.conversations.models import Conversation, Message
from omnichannel.conversations.search import index
from omnichannel.conversations.search.index import fold_text, split_words
from omnichannel.conversations.search.query import SearchResults, search
from routing.models import Agent
from tests import builders

pytestmark = pytest.mark.django_db


def create_conversation_with_messages(*bodies: str, **fields: Any) -> Conversation:
    conversation = builders.create_conversation(**fields)
    for body in bodies:
        builders.create_inbound_message(conversation, body)
    return conversation


def find_conversations(sue: Agent, text: str) -> list[Conversation]:
    return [hit.conversation for hit in search(sue.user, text).conversations]


def find_customer_names(sue: Agent, text: str) -> list[str]:
    return [hit.contact.display_name for hit in search(sue.user, text).customers]


def marked_excerpt(results: SearchResults) -> str:
    return "".join(
        f"[{segment.text}]" if segment.is_match else segment.text for segment in results.conversations[0].snippet
    )


@pytest.mark.parametrize(
    "text", ["order", "ORDER", "ord 4711", "4711", "order-4711", "größe", "Grö", "مرحبا", "it's", "a@b.example", "%"]
)
def test_messages_are_found_by_the_beginnings_of_their_words(sue: Agent, text: str) -> None:
    conversation = create_conversation_with_messages("Where is Order-4711? it's Größe L, مرحبا بك, mail a@b.example")
    create_conversation_with_messages("Hello")
    assert find_conversations(sue, text) == ([] if text == "%" else [conversation])


@pytest.mark.parametrize(
    ("body", "text", "shown"),
    [
        ("Café on the corner", "cafe", "[Café] on the corner"),
        ("Cafe on the corner", "CAFÉ cor", "[Cafe] on the [cor]ner"),
        ("Cafe\u0301 noir", "café", "[Cafe\u0301] noir"),
        ("Lange Straße 5", "strasse", "Lange [Straße] 5"),
        ("Lange STRASSE 5", "straß", "Lange [STRASS]E 5"),
        ("Việt Nam, Søren, Łódź", "viet soren lodz", "[Việt] Nam, [Søren], [Łódź]"),
        ("Ёлка и йод", "елка йод", "[Ёлка] и [йод]"),
    ],
)
def test_words_are_found_and_marked_with_or_without_their_accents(sue: Agent, body: str, text: str, shown: str) -> None:
    create_conversation_with_messages(body)
    create_conversation_with_messages("Coffee")
    assert marked_excerpt(search(sue.user, text)) == shown


@pytest.mark.parametrize("text", ["marin", "MARÍN", "rín jose", "José"])
def test_customers_are_found_with_or_without_the_accents_of_their_names(sue: Agent, text: str) -> None:
    contact = builders.create_contact("José Marín", address="whatsapp:+34600000001")
    builders.create_conversation(contact=contact)
    builders.create_conversation(contact=builders.create_contact("Ann Mason", address="whatsapp:+34600000002"))
    assert find_customer_names(sue, text) == ["José Marín"]
    (hit,) = search(sue.user, text).customers
    assert {fold_text(segment.text) for segment in hit.name_segments if segment.is_match} == set(split_words(text))
    other = builders.create_contact("Ann", address="whatsapp:+34600000003")
    assert list(merge.search_merge_candidates(other, sue.user, text)) == [contact]


def test_the_digits_that_were_looked_for_are_marked_in_the_number(sue: Agent) -> None:
    builders.create_conversation(contact=builders.create_contact("Amara Diallo", address="whatsapp:+491511234567"))
    (hit,) = search(sue.user, "0151 1234").customers
    assert "".join(segment.text for segment in hit.number_segments if segment.is_match).replace(" ", "") == "1511234"


@pytest.mark.parametrize("text", ["rder", "order 9", "'; DROP TABLE x; --", '"', "or*", "a & !b", "NOT order"])
def test_search_without_match_is_empty_and_any_input_is_valid(sue: Agent, text: str) -> None:
    create_conversation_with_messages("Where is order 4711")
    if text == "or*":
        assert len(find_conversations(sue, text)) == 1
    else:
        assert find_conversations(sue, text) == []


def test_the_line_that_hit_is_shown_with_the_words_marked(sue: Agent) -> None:
    create_conversation_with_messages(f"{'Long ago. ' * 30}Now the lamp flickers{' on and on' * 30}")
    results = search(sue.user, "lamp flick")
    assert "Now the [lamp] [flick]ers on" in marked_excerpt(results)
    assert marked_excerpt(results).startswith("…")
    assert marked_excerpt(results).endswith("…")


def test_long_messages_are_shown_at_once(sue: Agent) -> None:
    for _ in range(10):
        create_conversation_with_messages("Schöne Grüße " * 4600 + "lamp")
    begin = time.process_time()
    results = search(sue.user, "lamp")
    assert time.process_time() - begin < 1.5
    assert marked_excerpt(results).endswith("Grüße [lamp]")


def test_hits_of_one_conversation_are_one_with_the_newest_first(sue: Agent) -> None:
    first, other = (
        create_conversation_with_messages("lamp one", "lamp two"),
        create_conversation_with_messages("lamp three"),
    )
    results = search(sue.user, "lamp")
    assert [each.conversation for each in results.conversations] == [other, first]
    assert results.conversations[1].message.body == "lamp two"
    assert results.conversations[1].more_matches == 1


def test_a_body_that_changes_or_goes_is_not_found_any_more(sue: Agent) -> None:
    conversation = create_conversation_with_messages("lamp")
    Message.objects.update(body="desk")
    assert find_conversations(sue, "lamp") == []
    assert find_conversations(sue, "desk") == [conversation]
    Message.objects.all().delete()
    assert find_conversations(sue, "desk") == []


@pytest.mark.parametrize(
    "text",
    ["amara", "Diallo Am", "+49 151 1234567", "0151 1234567", "0049 151-1234567", "+49 (0)151 1234567", "1234567"],
)
def test_customers_are_found_by_name_and_by_number_however_it_is_written(sue: Agent, text: str) -> None:
    builders.create_conversation(contact=builders.create_contact("Amara Diallo", address="whatsapp:+491511234567"))
    builders.create_conversation(contact=builders.create_contact("Bob", address="whatsapp:+15551230000"))
    assert find_customer_names(sue, text) == ["Amara Diallo"]


def test_customers_are_found_by_their_business_scoped_id(sue: Agent) -> None:
    number = builders.create_number()
    hidden = builders.create_contact(
        "Ola", address="whatsapp:US.1349120", account=number.account, business_scoped_id="US.1349120"
    )
    builders.create_conversation(number=number, contact=hidden)
    for text in ("US.1349120", "us.1349120", "whatsapp:US.1349120", "1349120"):
        assert find_customer_names(sue, text) == ["Ola"]


@pytest.mark.parametrize("text", ["nour.shop", "@nour.shop", "Nour.Sh", "nour"])
def test_customers_are_found_by_their_username(sue: Agent, text: str) -> None:
    builders.create_conversation(contact=builders.create_contact("", username="nour.shop"))
    builders.create_conversation(contact=builders.create_contact("Bob", username="bob_shop"))
    assert find_customer_names(sue, text) == ["nour.shop"]


@pytest.mark.parametrize("text", ["+229 97 12 34 56", "+229 01 97 12 34 56", "97123456"])
def test_customers_are_found_by_either_spelling_of_their_number(sue: Agent, text: str) -> None:
    for name, digits in (("Old", "22997123456"), ("Bob", "22901971234567")):
        builders.create_conversation(contact=builders.create_contact(name, address=f"whatsapp:+{digits}"))
    assert find_customer_names(sue, text)[-1] == "Old"


def test_search_finds_only_visible_conversations() -> None:
    orders, returns = builders.create_queue("Orders"), builders.create_queue("Returns")
    dana, eve = builders.create_agent("Dana", queue=orders), builders.create_agent("Eve", queue=returns)
    conversation = create_conversation_with_messages("secret lamp", queue=orders)
    assert find_conversations(dana, "lamp") == [conversation]
    assert find_customer_names(dana, "amara") == ["Amara Diallo"]
    assert search(eve.user, "lamp").is_empty
    assert search(eve.user, "amara").is_empty
    assert search(builders.create_user("", "Stranger"), "lamp").is_empty


def test_single_letter_search_finds_nothing(sue: Agent) -> None:
    assert not search(sue.user, " a ").is_valid_query


def test_search_index_is_rebuilt_when_missing(sue: Agent) -> None:
    kept_by = {"sqlite": f"TRIGGER {index.INDEX_NAME}_added", "postgresql": f"INDEX {index.INDEX_NAME}"}
    lose = f"DROP {kept_by[connection.vendor]}"
    with connection.cursor() as cursor:
        cursor.execute(lose)
    conversation = create_conversation_with_messages("lamp")
    connection.check_constraints()  # PostgreSQL creates no index while these are pending.
    call_command("migrate", verbosity=0)
    assert find_conversations(sue, "lamp") == [conversation]
    with connection.cursor() as cursor:
        cursor.execute(lose)  # Fails unless the index exists again.
