"""Messages are formatted as in WhatsApp, and their text never becomes markup."""

import time
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from omnichannel.core.text.whatsapp_markup import remove_markup
from omnichannel.desk.shared.formatting import linkify, render_markup

ALLOWED_TAGS = {"strong", "em", "s", "code", "ul", "ol", "li", "blockquote", "a"}
LINK_ATTRIBUTES = {"href", "target", "rel"}


class MarkupParser(HTMLParser):
    """Collect the tags with their attributes, and the text, as a browser parses them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*bold* _italics_ ~strike~ `mono`", "<strong>bold</strong> <em>italics</em> <s>strike</s> <code>mono</code>"),
        ("*_both_*, (*so*)!", "<strong><em>both</em></strong>, (<strong>so</strong>)!"),
        ("a*b*c 2*3*4 snake_case_name", "a*b*c 2*3*4 snake_case_name"),
        ("* no* *no * *no\nno*", "<ul><li>no* *no * *no</li></ul>no*"),
        ("`*as it is*` ```two\n*lines*```", "<code>*as it is*</code> <code>two\n*lines*</code>"),
        ("- one\n- *two*\nthen", "<ul><li>one</li><li><strong>two</strong></li></ul>then"),
        ("3. three\n4. four", '<ol start="3"><li>three</li><li>four</li></ol>'),
        (">no\n>_no_", "&gt;no\n&gt;<em>no</em>"),
        ("> said\n> so\nyes", "<blockquote>said\nso</blockquote>yes"),
        ("first\n\nsecond", "first\n\nsecond"),
        ('<b>*x*</b> & "y"', "&lt;b&gt;<strong>x</strong>&lt;/b&gt; &amp; &quot;y&quot;"),
    ],
)
def test_a_message_is_shown_as_whatsapp_shows_it(text: str, shown: str) -> None:
    assert render_markup(text) == shown


def test_a_link_stays_whole_and_clickable_in_bold_and_with_marks_in_it() -> None:
    link = '<a href="https://x.example/_a_/b" target="_blank" rel="nofollow noopener noreferrer">'
    assert render_markup("see https://x.example/_a_/b") == f"see {link}https://x.example/_a_/b</a>"
    assert render_markup("*https://x.example/_a_/b*").startswith(f"<strong>{link}")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("**https://x.example/a", "https://x.example/a"),
        ("**https://x.example/a**", "https://x.example/a"),
        ("see **https://x.example/a**, please", "https://x.example/a"),
        ("~~www.example.org/a_b~~", "http://www.example.org/a_b"),
        ("_https://x.example/a_b", "https://x.example/a_b"),
        ("***_https://x.example/", "https://x.example/"),
    ],
)
def test_a_link_after_marks_is_clickable(text: str, address: str) -> None:
    shown = MarkupParser(render_markup(text))
    assert [attributes["href"] for tag, attributes in shown.tags if tag == "a"] == [address]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("*bold* _italics_ ~strike~ `mono` *_both_*", "bold italics strike mono both"),
        ("```two\n*lines*```", "two\n*lines*"),
        ("To buy:\n- *milk*\n* eggs\n2. tea\n> said", "To buy:\n• milk\n• eggs\n2. tea\nsaid"),
        ("2*3*4 snake_case_name https://x.example/_a_/b", "2*3*4 snake_case_name https://x.example/_a_/b"),
    ],
)
def test_a_summary_has_no_marks(text: str, plain: str) -> None:
    assert remove_markup(text) == plain


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("*_~`>- ab\n<&") | st.characters(), max_size=200))
def test_a_summary_is_the_text_that_is_shown(text: str) -> None:
    def letters(shown: str) -> list[str]:
        return [letter for letter in shown if letter in "ab<&*_~`"]

    assert letters(remove_markup(text)) == letters(MarkupParser(render_markup(text)).words)


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("*_~`> -1.\n<>&\"'a https://x.y/javascript:") | st.characters(), max_size=300))
@example("*<img src=x onerror=alert(1)>*")
@example('https://x.y/"onmouseover="alert(1)')
@example("```</code><script>*x*</script>```")
@example("_https://x.y/*_<b>*_")
@example("javascript:alert(1) www.x.y/<script>")
def test_no_markup_of_a_stranger_survives(text: str) -> None:
    shown = MarkupParser(render_markup(text))
    assert {tag for tag, _ in shown.tags} <= ALLOWED_TAGS
    for tag, attributes in shown.tags:
        assert set(attributes) <= (LINK_ATTRIBUTES if tag == "a" else {"start"} if tag == "ol" else set())
        assert str(attributes.get("href", "https://")).startswith(("https://", "http://", "mailto:"))


@settings(deadline=None)
@given(st.text(alphabet="*_~`>- 1.ab\n<&", max_size=200))
def test_formatting_loses_no_text(text: str) -> None:
    letters = [letter for letter in MarkupParser(render_markup(text)).words if letter in "ab<&"]
    assert letters == [letter for letter in text if letter in "ab<&"]


@pytest.mark.parametrize("bad", ["*a ", "`", "```", "*https://x/* ", "_a*b~", "> ", "`a ", "_a_ www.a ", "*.", "- a\n"])
def test_a_text_made_to_be_slow_is_shown_at_once(bad: str) -> None:
    begin = time.process_time()
    render_markup(bad * (10_000 // len(bad)))
    remove_markup(bad * (10_000 // len(bad)))
    assert time.process_time() - begin < 1.5


@pytest.mark.parametrize(
    "text",
    [
        "e" + "\u0301\u0316" * 32_000,
        "👍🏽" * 50_000,
        "x" * 100_000,
        "*" * 100_000 + " https://x.example",
        "*_~`" * 25_000 + "www.example.org",
        "www." * 25_000,
        "a@" * 50_000,
        "(" * 50_000 + "www.example.org" + ")" * 50_000,
        "https://x.example/" + "**" * 50_000,
        "**https://x.example**" * 5_000,
        "&lt;" * 25_000 + "www.example.org",
    ],
)
def test_a_long_text_made_to_be_slow_is_shown_at_once(text: str) -> None:
    begin = time.process_time()
    for shown in (text, text[:10_000]):
        render_markup(shown)
        remove_markup(shown)
    assert time.process_time() - begin < 3


def test_overlong_text_is_shown_unformatted() -> None:
    assert render_markup("*a* " * 4000) == linkify("*a* " * 4000)
