"""vCards of all versions and programs are parsed, in limited time."""

import resource
import subprocess
import sys
from codecs import BOM_UTF8
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels_whatsapp.simulator import factories
from channels_whatsapp.simulator.messages import inbound
from omnichannel.conversations.contacts.vcard_parser import parse_people
from tests.conversations.contacts.hostile_vcards import HOSTILE_VCARDS

ROOT = Path(__file__).resolve().parents[3]
MAX_CPU_SECONDS = 20  # seconds for all hostile cards together; usually two or three
VCARD_FRAGMENTS = [
    "BEGIN:VCARD", "END:VCARD", "VERSION:2.1", "FN", "N", "TEL", "EMAIL", "ORG", "AGENT:", "item1.", ";", ":", '"',
    "=", "=\r\n", "\r\n ", "\r\n", "\n", "\\", "waid=4917", "CHARSET=", "ENCODING=QUOTED-PRINTABLE", "=C3=A4", "\0",
    "tel:", "+49", "ä", "a@b", ",",
]  # fmt: skip


def parse_person(*lines: str, version: str = "3.0", line_ending: str = "\r\n") -> Any:
    """Return the person on a card that consists of these lines."""
    [only] = parse_people(line_ending.join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""]).encode())
    return only


def parse_phones(*lines: str) -> list[str]:
    return list(parse_person("FN:Jane Doe", *lines)["phones"])


# -- Names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (["FN:Jane Doe", "N:Other;Name;;;"], "Jane Doe"),
        (["N:Doe;Jane;;;"], "Jane Doe"),
        (["FN: ", "N:Doe;Jane;Ann,Marie;Dr.;PhD", "ORG:Lamps"], "Jane Ann Marie Doe"),
        (["N:Doe;Jane"], "Jane Doe"),
        (["N:Jane Doe"], "Jane Doe"),
        (["N:;;;;", "ORG:Smith\\, Jones & Co;Sales"], "Smith, Jones & Co"),
        (["ORG:;Sales", "TEL:+49 1"], "Sales"),
        (["TEL:+49 1", "EMAIL:jane@example.org"], "+49 1"),
        (["EMAIL:jane@example.org"], "jane@example.org"),
        (["NOTE:nobody"], "Unnamed contact"),
        (["FN:"], "Unnamed contact"),
        (["FN:  Jane \\n\t Doe\\N "], "Jane Doe"),
        (["FN:Doe\\, Jane\\; \\\\n C:\\temp"], "Doe, Jane; \\n C:\\temp"),
        (["N:Do\\;e;Ja\\,ne;;;"], "Ja,ne Do;e"),
        (["FN:Jane\\\\"], "Jane\\"),
        (["item1.FN:Jane Doe"], "Jane Doe"),
        (["fn:Jane Doe"], "Jane Doe"),
        (["FN;X=\"a;b:c\":Jane \"JJ\" Doe: it's me"], "Jane \"JJ\" Doe: it's me"),
        (['FN;X="a:Jane Doe'], "Jane Doe"),
        (["FN:Zoë \U0001f600"], "Zoë \U0001f600"),
        (["FN:" + "x" * 300], "x" * 200),
    ],
)  # fmt: skip
def test_a_person_is_called_by_the_best_name_in_the_card(lines: list[str], name: str) -> None:
    assert parse_person(*lines)["name"] == name


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=BCrgen=20Gro=C3=9F", "Jürgen Groß"),
        ("FN;QUOTED-PRINTABLE;CHARSET=utf-8:J=C3=\r\n=BCrgen Gro=C3=9F", "Jürgen Groß"),
        ("FN;ENCODING=QUOTED-PRINTABLE:J=C3=\r\n =BCrgen=20=\r\nGro=C3=9F", "Jürgen Groß"),
        ("FN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:J=FCrgen", "Jürgen"),
        ('FN;CHARSET="ISO-8859-1";QUOTED-PRINTABLE:J=FCrgen', "Jürgen"),
        ("FN;CHARSET=Shift_JIS;ENCODING=QUOTED-PRINTABLE:=8E=52=93=63", "山田"),
        ("FN;CHARSET=x-unknown;ENCODING=QUOTED-PRINTABLE:J=C3=BCrgen", "Jürgen"),
        ("FN;CHARSET=punycode;ENCODING=QUOTED-PRINTABLE:Jane", "Jane"),
        ("N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=BCrgen;;;", "Jürgen Müller"),
        ("FN;ENCODING=QUOTED-PRINTABLE:Jane=00=0D=0ADoe", "Jane Doe"),
        ("FN;ENCODING=QUOTED-PRINTABLE:Jane=ZZ =", "Jane=ZZ"),
        ("NOTE;ENCODING=QUOTED-PRINTABLE:first=\r\nFN:no name=\r\nTEL:1\r\nFN:Jane", "Jane"),
    ],
)
def test_names_of_version_2_1_are_decoded(line: str, name: str) -> None:
    assert parse_person(line, version="2.1") == {"name": name, "phones": []}


# -- Numbers and addresses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "phone"),
    [
        ("TEL:+49 151 1", "+49 151 1"),
        ("TEL;CELL;VOICE:+49 151 1", "+49 151 1"),
        ("item1.TEL;TYPE=CELL:+49 151 1", "+49 151 1"),
        ("TEL;type=CELL;waid=15551234567:+1 555-123-4567", "+1 555-123-4567"),
        ("TEL;waid=15551234567:(555) 123-4567", "+15551234567"),
        ('TEL;WAID="15551234567":555-123-4567', "+15551234567"),
        ("TEL;waid=15551234567:", "+15551234567"),
        ("TEL;waid=none:555-123-4567", "555-123-4567"),
        ("TEL;waid=٤٩:1", "1"),
        ("TEL;VALUE=uri;TYPE=cell:tel:+1-555-010-0200", "+1-555-010-0200"),
        ('TEL;VALUE=uri;TYPE="voice,home":TEL:+1-555-555-5555;ext=5555;isub=1', "+1-555-555-5555"),
        ("TEL;VALUE=uri;waid=15550100:tel:0100;phone-context=+1", "+15550100"),
        ('TEL;TYPE="a;b:c":+49 151 1', "+49 151 1"),
        ('TEL;TYPE="home:+49 151 1', "+49 151 1"),
        ("TEL:\u202a+49\u00a0151 1\u202c", "+49 151 1"),
        ("TEL:+49\r\n  151\r\n\t 1", "+49 151 1"),
        ("TEL:" + "1" * 50, "1" * 40),
        ("TEL:call me", "call me"),
    ],
)
def test_a_number_is_read_however_it_is_written(line: str, phone: str) -> None:
    assert parse_phones(line) == [phone]


@pytest.mark.parametrize("line", ["TEL:", "TEL", "TEL;waid=49151", "TEL: - ", "TEL;VALUE=uri:tel:", "XTEL:1", ":1"])
def test_invalid_numbers_are_left_out(line: str) -> None:
    assert parse_phones(line) == []


def test_numbers_are_unique_and_limited_to_ten() -> None:
    assert parse_phones("TEL:+49 151 1", "TEL;CELL:+49-151 1", "TEL;waid=491511:0151 1", "TEL:+49 2") == [
        "+49 151 1",
        "+49 2",
    ]
    assert parse_phones(*(f"TEL:+49 {place}" for place in range(500))) == [f"+49 {place}" for place in range(10)]


def test_email_addresses_are_unique_and_contain_an_at_sign() -> None:
    addresses = ["mailto:jane@example.org", "Jane@Example.org", "jane.doe@x", "janedoe@x", "none", "a" * 120 + "@b"]
    person = parse_person("FN:Jane", *(f"EMAIL;INTERNET:{address}" for address in addresses))
    assert person["emails"] == ["jane@example.org", "jane.doe@x", "janedoe@x"]
    assert "emails" not in parse_person("FN:Jane", "EMAIL:none")
    assert len(parse_person(*(f"EMAIL:{place}@x" for place in range(99)))["emails"]) == 10


# -- Files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line_ending", ["\n", "\r\n", "\r", "\r\n\r\n"])
def test_lines_may_end_in_any_way(line_ending: str) -> None:
    person = parse_person(
        "N:Doe;Jane;;;", f"PHOTO;ENCODING=b:AAAA{line_ending.strip(' ')} BBBB", "TEL:+49 1", line_ending=line_ending
    )
    assert person == {"name": "Jane Doe", "phones": ["+49 1"]}


@pytest.mark.parametrize(
    "encoded",
    [
        lambda text: BOM_UTF8 + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
        lambda text: text.replace("J", "\x00J").encode(),
        lambda text: b"\r\n " + text.lower().replace("zoë jane", "Zoë Jane").encode(),
    ],
)
def test_a_card_may_be_encoded_in_several_ways(encoded: Callable[[str], bytes]) -> None:
    assert parse_people(encoded("BEGIN:VCARD\r\nFN:Zoë Jane\r\nEND:VCARD\r\n")) == [{"name": "Zoë Jane", "phones": []}]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert parse_people(b"BEGIN:VCARD\nFN:J\xfcrgen\nEND:VCARD") == [{"name": "J\ufffdrgen", "phones": []}]


@pytest.mark.parametrize("photo", ["PHOTO;ENCODING=b;TYPE=JPEG:", "LOGO:", "SOUND:", "item2.KEY:", "X-WA-BIZ-PHOTO:"])
def test_a_large_photo_hides_neither_name_nor_number(photo: str) -> None:
    folded = "\r\n ".join([photo, *["QUJD" * 18] * 1700])
    person = parse_person(
        folded, "FN:Lena Roth", "item1.TEL;waid=491701234567:+49 170 1234567", "item1.X-ABLabel:Mobil"
    )
    assert len(folded) > 120_000
    assert person == {"name": "Lena Roth", "phones": ["+49 170 1234567"]}
    assert parse_person("FN:Lena Roth", folded, "TEL:1") == {"name": "Lena Roth", "phones": ["1"]}
    assert parse_person("FN:Lena", photo + "A" * 3_000_000, "TEL:1") == {"name": "Lena", "phones": ["1"]}


def test_every_card_of_a_file_is_read_also_where_an_end_is_missing() -> None:
    file = b"BEGIN:VCARD\nFN:A\nEND:VCARD\n\nBEGIN:VCARD\nFN:B\nTEL:1\nBEGIN:VCARD\nFN:C\nTEL:2"
    assert [(person["name"], person["phones"]) for person in parse_people(file)] == [
        ("A", []),
        ("B", ["1"]),
        ("C", ["2"]),
    ]
    assert len(parse_people(b"BEGIN:VCARD\nFN:A\nEND:VCARD\n" * 50)) == 20


def test_card_nested_in_agent_is_ignored() -> None:
    agent = [
        "AGENT:",
        "BEGIN:VCARD",
        "FN:Agent",
        "TEL:1",
        "AGENT:",
        "",
        "BEGIN:VCARD",
        "TEL:2",
        "END:VCARD",
        "END:VCARD",
    ]
    assert parse_person("FN:Jane", *agent, "TEL:3", version="2.1") == {"name": "Jane", "phones": ["3"]}
    assert parse_person("FN:Jane", "AGENT:BEGIN:VCARD\\nTEL:1\\nEND:VCARD", "TEL:3")["phones"] == ["3"]


@pytest.mark.parametrize(
    "file", [b"", b"FN:Jane", b"BEGIN:VCARD", b"BEGIN:VCARD\nnonsense", b"BEGIN:VCALENDAR\nFN:Jane\nEND:VCALENDAR"]
)
def test_text_without_a_card_gives_no_people(file: bytes) -> None:
    assert parse_people(file) == []


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["Amara Diallo", "Doe; Jane, Dr.\\n", 'Jane "JJ" Doe: Ä', "山田 太郎"])
def test_a_card_from_the_simulators_phone_says_what_was_typed(name: str) -> None:
    twilio = factories.create_account("Shop")
    contact = inbound.ContactCard(name, ("+49 151 1", "0151;2"))
    message = inbound.receive_customer_message(
        factories.create_customer("Omar", "+491511234567"),
        factories.create_sender(twilio, "+493011", "Shop"),
        contact=contact,
    )
    assert parse_people(message.media.get().file.read()) == [{"name": name, "phones": ["+49 151 1", "0151;2"]}]


# -- Hostile cards -----------------------------------------------------------------------------------------------------


@settings(deadline=None)  # The machine may be busy with other work.
@given(
    st.binary(max_size=300)
    | st.lists(st.sampled_from(VCARD_FRAGMENTS), max_size=60).map(lambda text: "".join(text).encode())
)
def test_any_bytes_parse_within_the_limits(noise: bytes) -> None:
    for person in parse_people(noise) + parse_people(b"BEGIN:VCARD\r\n" + noise) + parse_people(b"\xff\xfe" + noise):
        emails = person.get("emails", [])
        assert 0 < len(person["name"]) <= 200
        assert all(0 < len(phone) <= 40 for phone in person["phones"])
        assert all("@" in email and len(email) <= 120 for email in emails)
        assert max(len(person["phones"]), len(emails)) <= 10
        assert "\x00" not in str(person)
        str(person).encode()


def count_function_calls(card: bytes) -> int:
    """Count the calls of Python and C functions during the parsing of a card."""
    calls: list[str] = []
    sys.setprofile(lambda _frame, event, _arg: calls.append(event))
    try:
        parse_people(card)
    finally:
        sys.setprofile(None)
    return len(calls)


@pytest.mark.parametrize(
    "unit", [b";A=B", b'"', b'";', b"\r\n ", b"=\r\n", b"\r\nBEGIN:VCARD", b"\r\nAGENT:\r\nBEGIN:VCARD", b"\r\nTEL:1"]
)
def test_a_card_eight_times_as_long_takes_no_more_than_eight_times_the_steps(unit: bytes) -> None:
    begin = b"BEGIN:VCARD\r\nFN;ENCODING=QUOTED-PRINTABLE"
    assert count_function_calls(begin + unit * 8000) <= 8 * count_function_calls(begin + unit * 1000)


def limit_cpu() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))


def test_hostile_cards_parse_within_the_cpu_limit() -> None:
    program = (
        "from omnichannel.conversations.contacts.vcard_parser import parse_people\n"
        "from tests.conversations.contacts.hostile_vcards import HOSTILE_VCARDS\n"
        "for name, card in HOSTILE_VCARDS.items(): print(name, flush=True), parse_people(card)"
    )
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, cwd=ROOT, preexec_fn=limit_cpu, capture_output=True, text=True)
    assert (run.returncode, run.stdout.splitlines()) == (0, list(HOSTILE_VCARDS)), run.stderr
