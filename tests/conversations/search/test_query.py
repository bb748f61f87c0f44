"""Customers and messages are found only by users who may see them."""

import time
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, models
from django.db.models import Value
from django.test.utils import CaptureQueriesContext

from omnichannel.conversations.contacts import merge
from omnichannel.conversations.models import ContactWords, Conversation, Label, Message, MessageWords
from omnichannel.conversations.models.search import MESSAGE_INDEX
from omnichannel.conversations.search.query import SearchResults, iter_required_words, search
from omnichannel.core.db import FoldedText
from omnichannel.core.text.search_words import DIGIT_REPLACEMENTS, LETTER_REPLACEMENTS, fold_text, split_words
from omnichannel.core.time_limited_queries import time_limited_queries
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


def explain(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(("EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN ") + sql)
        return "\n".join(" ".join(map(str, row)) for row in cursor.fetchall())


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


@pytest.mark.parametrize(
    ("body", "text", "shown"),
    [
        ("我想退货，谢谢", "退货", "我想[退货]，谢谢"),
        ("我想退货", "货", "我想退[货]"),
        ("注文を確認したいです", "確認", "注文を[確認]したいです"),
        ("カタカナ", "ｶﾀｶﾅ", "[カタカナ]"),
        ("주문을확인해주세요", "확인", "주문을[확인]해주세요"),
        ("สวัสดีครับผมอยากคืนสินค้า", "คืนสินค้า", "สวัสดีครับผมอยาก[คืนสินค้า]"),
        ("ຂ້ອຍຕ້ອງການຄືນສິນຄ້າ", "ສິນຄ້າ", "ຂ້ອຍຕ້ອງການຄືນ[ສິນຄ້າ]"),
        ("ខ្ញុំចង់ប្តូរទំនិញ", "ទំនិញ", "ខ្ញុំចង់ប្តូរ[ទំនិញ]"),
        ("ကျွန်တော်ပစ္စည်းပြန်ပို့ချင်", "ပစ္စည်း", "ကျွန်တော်[ပစ္စည်း]ပြန်ပို့ချင်"),
        ("मुझे किताब चाहिए", "किताब", "मुझे [किताब] चाहिए"),
        ("मुझे किताबें चाहिए", "किता", "मुझे [किता]बें चाहिए"),
        ("আমার অর্ডার কোথায়", "অর্ডার", "আমার [অর্ডার] কোথায়"),
        ("எனது ஆர்டர்", "ஆர்டர்", "எனது [ஆர்டர்]"),
        ("السَّلامُ عليكم", "السلام", "[السَّلامُ] عليكم"),
        ("أريد إرجاع المنتج", "ارجاع", "أريد [إرجاع] المنتج"),
        ("سفارش من کجاست", "كجاست", "سفارش من [کجاست]"),
        ("שָׁלוֹם לך", "שלום", "[שָׁלוֹם] לך"),
        ("Πού είναι η παραγγελία;", "παραγγελια", "Πού είναι η [παραγγελία];"),
        ("ΟΔΟΣ ΑΘΗΝΑΣ", "οδός", "[ΟΔΟΣ] ΑΘΗΝΑΣ"),
        ("አዲስ ትዕዛዝ", "ትዕዛዝ", "አዲስ [ትዕዛዝ]"),
        ("شماره ۴۷۱۱", "4711", "شماره [۴۷۱۱]"),
        ("iPhone手机壳", "手机", "iPhone[手机]壳"),
        ("iPhone手机壳", "iph 壳", "[iPh]one手机[壳]"),
        ("Thanks 👍🏽!", "👍", "Thanks [👍🏽]!"),
        ("From 🇩🇪🇫🇷", "🇩🇪", "From [🇩🇪]🇫🇷"),
        ("𠮷野家", "𠮷", "[𠮷]野家"),
    ],
)
def test_messages_in_every_script_are_found_and_marked(sue: Agent, body: str, text: str, shown: str) -> None:
    create_conversation_with_messages(body)
    create_conversation_with_messages("Hello 你好 नमस्ते สวัสดี مرحبا 😀")
    results = search(sue.user, text)
    assert len(results.conversations) == 1
    assert marked_excerpt(results) == shown


@pytest.mark.parametrize(("body", "text"), [("退了货", "退货"), ("किताब", "ताब"), ("สวัสดี", "ดีส"), ("🇩🇪", "🇪🇩")])
def test_other_words_of_the_same_characters_are_not_found(sue: Agent, body: str, text: str) -> None:
    create_conversation_with_messages(body)
    assert find_conversations(sue, text) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("王小明", "小"),
        ("Γιώργος Παπαδόπουλος", "γιωργοσ"),
        ("أحمد", "احمد"),
        ("सुनीता", "सुनी"),
        ("Łukasz Straße", "lukasz STRASSE"),
        ("Ёлкин", "елкин"),
        ("Андрей", "андрей"),
        ("İbrahim", "ibrahim"),
    ],
)
def test_customers_are_found_in_every_script(sue: Agent, name: str, text: str) -> None:
    builders.create_conversation(contact=builders.create_contact(name, address="whatsapp:+34600000001"))
    builders.create_conversation(contact=builders.create_contact("Ann", address="whatsapp:+34600000002"))
    assert find_customer_names(sue, text) == [name]


@pytest.mark.parametrize(
    "text",
    [
        "".join(LETTER_REPLACEMENTS) + "".join(DIGIT_REPLACEMENTS),
        "".join(LETTER_REPLACEMENTS).upper(),
        "Marín ΆΡΤΑ Ёлка йод Їжак",
        "".join(map(chr, range(0x300, 0x370))),
        "".join(map(chr, range(0x590, 0x700))),
        "e\u0301 か\u3099 한글 \u200d\u00ad👍🏽\ufe0f ｶﾞ Ａ１ ﷺ ﬁ ²",
    ],
)
def test_the_database_folds_names_as_queries_are_folded(text: str) -> None:
    folded = Label.objects.annotate(folded=FoldedText(Value(text, output_field=models.TextField())))
    Label.objects.create(name="x")
    assert folded.get().folded == fold_text(text)


@pytest.mark.parametrize(
    "body",
    [
        "e" + "\u0301\u0316" * 32_000,
        "क" + "\u094d\u093c" * 32_000,
        "👍🏽" * 50_000,
        "x" * 100_000,
        "\ufdfa" * 50_000,
        "".join(map(chr, range(0x4E00, 0x9FFF))) * 4,
        "".join(map(chr, range(0x20000, 0x2A000))),
        " ".join(f"{number:064}" for number in range(20_000)),
    ],
)
def test_hostile_messages_are_stored_and_searched_at_once(sue: Agent, body: str) -> None:
    begin = time.process_time()
    conversation = create_conversation_with_messages(f"lamp {body}")
    assert find_conversations(sue, "lamp") == [conversation]
    search(sue.user, body[:10_000])
    assert time.process_time() - begin < 5


def test_messages_from_before_the_index_are_found_after_migrating(sue: Agent) -> None:
    conversation = create_conversation_with_messages("退货 lamp")
    MessageWords.objects.all().delete()
    ContactWords.objects.all().delete()
    assert search(sue.user, "退货").is_empty
    assert search(sue.user, "Diallo").is_empty
    call_command("reindex_search", stdout=StringIO())
    assert find_conversations(sue, "退货") == [conversation]
    assert find_customer_names(sue, "Diallo") == ["Amara Diallo"]


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


def test_message_saved_with_another_body_is_found(sue: Agent) -> None:
    conversation = create_conversation_with_messages("lamp")
    message = Message.objects.get()
    message.body = "desk"
    message.save(update_fields=["body"])
    assert find_conversations(sue, "lamp") == []
    assert find_conversations(sue, "desk") == [conversation]


def test_messages_stored_in_bulk_are_found(sue: Agent) -> None:
    conversation = builders.create_conversation()
    Message.objects.bulk_create(
        Message(conversation=conversation, direction="inbound", status="received", body=body) for body in ("lamp", "灯")
    )
    assert find_conversations(sue, "lamp") == find_conversations(sue, "灯") == [conversation]


@pytest.mark.parametrize("text", ["order", "order 退货", "退货", "货"])
def test_search_uses_the_index(text: str) -> None:
    conversation = builders.create_conversation()
    Message.objects.bulk_create(
        Message(
            conversation=conversation,
            direction="inbound",
            status="received",
            body=f"hello {number}" if number % 50 else f"order {number} 我想退货",
        )
        for number in range(3000)
    )
    words = list(iter_required_words(split_words(text)))
    newest = Message.objects.latest("pk").pk
    with CaptureQueriesContext(connection) as queries, time_limited_queries(5):
        assert len(MESSAGE_INDEX.find([words], limit=2000, before=newest + 1)) == 60
        plan = explain(next(query["sql"] for query in reversed(queries) if "max(" not in query["sql"][:20]))
    assert f"Index Scan on {MESSAGE_INDEX.name}" in plan or "VIRTUAL TABLE INDEX" in plan


def test_single_letter_search_finds_nothing(sue: Agent) -> None:
    assert not search(sue.user, " a ").is_valid_query


def test_search_index_is_rebuilt_when_missing(sue: Agent) -> None:
    name = MESSAGE_INDEX.name
    kept_by = {"sqlite": f"TRIGGER {name}_added", "postgresql": f"INDEX {name}"}
    lose = f"DROP {kept_by[connection.vendor]}"
    with connection.cursor() as cursor:
        cursor.execute(lose)
    conversation = create_conversation_with_messages("lamp")
    connection.check_constraints()  # PostgreSQL creates no index while these are pending.
    call_command("migrate", verbosity=0)
    assert find_conversations(sue, "lamp") == [conversation]
    with connection.cursor() as cursor:
        cursor.execute(lose)  # Fails unless the index exists again.
