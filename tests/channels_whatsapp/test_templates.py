"""Text, variables and allowed values of message templates."""

import time
from typing import Any

import pytest
from django.utils import timezone

from channels_whatsapp.message_templates.content import (
    Button,
    ButtonKind,
    build_message_content,
    category_name,
    get_not_sendable_reason,
    get_search_text,
    get_variable_errors,
    get_variable_names,
    kind_name,
    parse_parts,
    render_template_parts,
    split_placeholders,
)
from channels_whatsapp.models import MessageTemplate
from channels_whatsapp.simulator.console.sample_templates import SAMPLE_TEMPLATES
from channels_whatsapp.templatetags.message_templates import file_icon, file_name

SAMPLES_BY_NAME = {name: types for name, types, _ in reversed(SAMPLE_TEMPLATES)}


def sample_template(name: str = "delivery_update", **fields: Any) -> MessageTemplate:
    kind, content = next(iter(SAMPLES_BY_NAME[name].items()))
    return MessageTemplate(**{"name": name, "content_type": kind, "content": content, "approval": "approved", **fields})


def text_template(body: str, **fields: Any) -> MessageTemplate:
    return MessageTemplate(content_type="twilio/text", content={"body": body}, approval="approved", **fields)


def test_variables_are_in_numeric_order_or_reading_order() -> None:
    card = sample_template("invoice_ready")
    assert get_variable_names(card.content_type, card.content) == ["order", "name", "amount"]
    media = sample_template("assembly_guide")
    assert get_variable_names(media.content_type, media.content) == ["1", "2"]


def test_repeated_variable_is_listed_once() -> None:
    assert get_variable_names("twilio/text", {"body": "{{1}} and { {{ 1 }} }, {{name}}"}) == ["1", "name"]


def test_variables_of_unknown_content_types_are_found() -> None:
    content = {"body": "{{1}}", "strange": [{"deep": "{{hidden}}"}]}
    assert get_variable_names("twilio/holograms", content) == ["1", "hidden"]


def test_a_card_shows_header_body_footer_and_buttons_with_the_variables_filled_in() -> None:
    parts = render_template_parts(
        sample_template("invoice_ready"), {"order": "2231", "name": "Amara", "amount": "129 €"}
    )
    assert (parts.header, parts.footer) == ("Your invoice 2231", "Lumen Lamps, Camden")
    assert parts.body == "Dear Amara, your invoice over 129 € is ready."
    assert parts.buttons[0] == Button(ButtonKind.URL, "Open invoice", "https://lumen.example/invoices/2231")
    assert parts.buttons[1] == Button(ButtonKind.PHONE, "Call us", "+442079460143")


def test_a_card_of_twilios_has_its_title_as_text_and_its_subtitle_as_footer() -> None:
    parts = render_template_parts(sample_template("summer_sale"), {"1": "Sunday", "2": "lantern"})
    assert parts.body == "20 % off all garden lamps until Sunday."
    assert parts.media == ("https://lumen.example/garden/lantern.jpg",)
    assert [button.kind for button in parts.buttons] == ["code", "reply", "reply"]


def test_a_list_shows_what_opens_it_and_its_entries() -> None:
    parts = render_template_parts(sample_template("what_is_it_about"), {})
    assert parts.list_button == "Choose"
    assert [item.title for item in parts.list_items] == ["My order", "Something is broken"]


def test_a_place_is_shown_with_its_name_and_address() -> None:
    place = render_template_parts(sample_template("where_we_are"), {}).location
    assert place is not None
    assert (place.label, place.address) == ("Lumen Lamps", "12 Camden High Street")


def test_authentication_template_shows_whatsapps_text() -> None:
    parts = render_template_parts(sample_template("sign_in_code"), {"1": "4711"})
    assert parts.body.startswith("4711 is your verification code.")
    assert parts.footer == "This code expires in 10 minutes."
    assert parts.buttons == (Button(ButtonKind.CODE, "Copy code", "4711"),)


def test_a_catalog_has_whatsapps_own_button() -> None:
    menu = parse_parts("twilio/catalog", {"title": "Menu", "body": "Look at {{1}}", "subtitle": "All day"})
    assert (menu.header, menu.body, menu.footer) == ("Menu", "Look at {{1}}", "All day")
    assert [button.title for button in menu.buttons] == ["View catalog"]


def test_a_carousel_shows_each_card() -> None:
    cards = [{"title": "One {{1}}", "body": "First"}, {"title": "Two", "actions": [{"type": "URL", "title": "Go"}]}]
    parts = parse_parts("twilio/carousel", {"body": "Look", "cards": cards})
    assert [card.body for card in parts.cards] == ["First", "Two"]
    assert get_variable_names("twilio/carousel", {"body": "Look", "cards": cards}) == ["1"]


@pytest.mark.parametrize("content", [{}, {"body": None}, {"actions": "x", "items": [1], "media": {}}, {"body": ["a"]}])
def test_malformed_content_shows_nothing(content: dict[str, Any]) -> None:
    assert build_message_content(parse_parts("twilio/quick-reply", content)) == {}


def test_search_text_is_the_displayed_text() -> None:
    card = sample_template("summer_sale")
    search_text = get_search_text(parse_parts(card.content_type, card.content))
    assert "garden lamps" in search_text
    assert "Show me" in search_text
    assert "https" not in search_text


def test_text_is_cut_at_its_variables_for_the_preview() -> None:
    assert [(piece.text, piece.variable) for piece in split_placeholders("Hi {{ 1 }}!")] == [
        ("Hi ", ""),
        ("1", "1"),
        ("!", ""),
    ]


def test_a_value_with_a_variable_in_it_is_not_filled_in_again() -> None:
    assert render_template_parts(text_template("{{1}} {{2}}"), {"1": "{{2}}", "2": "x"}).body == "{{2}} x"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "Enter a value."),
        ("   ", "Enter a value."),
        ("a\nb", "Variables can't contain line breaks or tabs."),
        ("a\tb", "Variables can't contain line breaks or tabs."),
        ("a     b", "Use no more than four spaces in a row."),
    ],
)
def test_values_whatsapp_rejects_are_refused_with_a_message(value: str, reason: str) -> None:
    assert get_variable_errors(text_template("Hi {{1}}"), {"1": value}) == {"1": reason}


def test_four_spaces_and_quotes_are_taken() -> None:
    assert get_variable_errors(text_template("Hi {{1}}"), {"1": "a    \"b\" 'c' \\ {}"}) == {}


def test_a_text_that_gets_too_long_is_refused_at_its_longest_variable() -> None:
    assert get_variable_errors(text_template("{{1}}{{2}}"), {"1": "a", "2": "b" * 1023}) == {}
    assert get_variable_errors(text_template("{{1}}{{2}}"), {"1": "a", "2": "b" * 1024}) == {
        "2": "This makes the text 1 character too long. The limit is 1,024."
    }


def test_a_header_has_a_limit_of_its_own() -> None:
    values = {"order": "x" * 60, "name": "a", "amount": "b"}
    assert "The limit is 60." in get_variable_errors(sample_template("invoice_ready"), values)["order"]


def test_value_that_breaks_a_button_url_is_refused() -> None:
    assert "2" in get_variable_errors(sample_template("assembly_guide"), {"1": "lamp", "2": "or la"})
    assert get_variable_errors(sample_template("assembly_guide"), {"1": "lamp", "2": "orla"}) == {}


def test_hostile_url_is_refused_quickly() -> None:
    begin = time.process_time()
    photo = MessageTemplate(content_type="twilio/media", content={"body": "Look", "media": ["{{1}}"]})
    assert "1" in get_variable_errors(photo, {"1": "https://" + "a" * 64_000 + " b"})
    assert time.process_time() - begin < 1.5


def test_a_code_is_short() -> None:
    assert get_variable_errors(sample_template("sign_in_code"), {"1": "1" * 15}) == {}
    assert get_variable_errors(sample_template("sign_in_code"), {"1": "1" * 16}) == {
        "1": "Codes can have up to 15 characters."
    }


@pytest.mark.parametrize(
    ("approval", "says"),
    [
        ("approved", ""),
        ("unsubmitted", "It has not been submitted to WhatsApp for approval."),
        ("received", "WhatsApp has not reviewed it yet."),
        ("pending", "WhatsApp has not reviewed it yet."),
        ("rejected", "WhatsApp rejected it."),
        ("paused", "WhatsApp paused it because too many customers blocked or reported it."),
        ("disabled", "WhatsApp disabled it."),
        ("in_appeal", "WhatsApp status: “in_appeal”."),
    ],
)
@pytest.mark.parametrize("inside", [True, False])
def test_only_what_is_approved_may_be_sent(approval: str, says: str, inside: bool) -> None:
    assert get_not_sendable_reason(sample_template(approval=approval), window_is_open=inside) == says


def test_rejection_reason_is_shown() -> None:
    assert get_not_sendable_reason(
        sample_template(approval="rejected", rejection_reason="Too pushy."), window_is_open=True
    ) == ("WhatsApp rejected it. Too pushy.")


def test_a_template_that_is_gone_at_twilio_may_not_be_sent() -> None:
    assert (
        get_not_sendable_reason(sample_template(removed_at=timezone.now()), window_is_open=True)
        == "It was removed from Twilio."
    )


def test_lists_and_places_need_no_approval_but_an_open_window() -> None:
    for name in ("what_is_it_about", "where_we_are"):
        assert get_not_sendable_reason(sample_template(name, approval="unsubmitted"), window_is_open=True) == ""
        assert "only be sent within 24 hours" in get_not_sendable_reason(
            sample_template(name, approval="unsubmitted"), window_is_open=False
        )


AUTHENTICATION_FIELDS: list[dict[str, Any]] = [
    {"content_type": "whatsapp/authentication"},
    {"category": "AUTHENTICATION"},
    {"category": "authentication"},
]


@pytest.mark.parametrize("fields", AUTHENTICATION_FIELDS)
@pytest.mark.parametrize("inside", [True, False])
def test_authentication_template_needs_a_phone_number(fields: dict[str, Any], inside: bool) -> None:
    template = text_template("{{1}} is your code.", **fields) if "category" in fields else sample_template(**fields)
    hidden = get_not_sendable_reason(template, window_is_open=inside, recipient="whatsapp:US.13491208655302741918")
    assert "can only be sent to a phone number" in hidden
    for recipient in ("whatsapp:+4915112345678", ""):
        assert get_not_sendable_reason(template, window_is_open=inside, recipient=recipient) == ""


def test_other_templates_are_sent_to_business_scoped_ids() -> None:
    template = text_template("Hello", category="UTILITY")
    assert get_not_sendable_reason(template, window_is_open=False, recipient="whatsapp:US.1349") == ""


@pytest.mark.parametrize(
    ("content_type", "name"),
    [
        ("twilio/list-picker", "List picker"),
        ("whatsapp/card", "Card"),
        ("twilio/brand-new_type", "Brand new type"),
        ("", ""),
    ],
)
def test_content_type_has_a_readable_name(content_type: str, name: str) -> None:
    assert kind_name(content_type) == name


@pytest.mark.parametrize(
    ("category", "name"), [("UTILITY", "Utility"), ("marketing", "Marketing"), ("SOME_NEW", "Some new"), ("", "")]
)
def test_category_has_a_readable_name(category: str, name: str) -> None:
    assert category_name(category) == name


@pytest.mark.parametrize(
    ("address", "icon", "name"),
    [
        ("https://lumen.example/a/lamp.PNG?x=1", "photo", "lamp.PNG"),
        ("https://lumen.example/film.mp4", "video", "film.mp4"),
        ("https://lumen.example/Anleitung%20%C3%BC.pdf", "document", "Anleitung ü.pdf"),
        ("https://lumen.example/", "document", "lumen.example"),
        ("http://[", "document", "http://["),
        ("http://[::1", "document", "http://[::1"),
        ("//\u2100", "document", "//\u2100"),
        ("", "document", ""),
    ],
)
def test_any_address_of_a_file_has_an_icon_and_a_name(address: str, icon: str, name: str) -> None:
    assert file_icon(address) == f"_icons/{icon}.html"
    assert file_name(address) == name
