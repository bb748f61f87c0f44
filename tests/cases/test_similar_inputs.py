"""Inputs like those of the cases in `data/`: posted signed, in other forms that customers' devices may send."""

from typing import Any

import pytest

from tests.cases import cases
from tests.cases.cases import CaseRunner, describe_desk
from tests.file_samples import build_mp4, build_ogg, build_zip

pytestmark = pytest.mark.django_db

NUMBER = "+1 555-010-0002"
OFFICE = "application/vnd.openxmlformats-officedocument"
OFFICE_CONTENTS = "[Content_Types].xml"
MATROSKA = b"\x1aE\xdf\xa3\x9fB\x82\x88matroska" + b"\x00" * 100
WEBM = b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm" + b"\x00" * 100


def receive(runner: CaseRunner, **fields: str) -> Any:
    """Post a form with these fields and return the description of the desk."""
    form = {"Body": "hi", "From": "whatsapp:+15550100002", "ProfileName": "Eve", "MessageType": "text", "NumMedia": "0"}
    runner.receive({**form, **fields})
    return describe_desk(runner)


def receive_file(runner: CaseRunner, monkeypatch: pytest.MonkeyPatch, declared: str, content: bytes) -> Any:
    """Post a message with a file that has no name, and return the description of the file."""
    monkeypatch.setattr(cases, "_read_content", lambda file: content)
    runner.receive(
        {"Body": "", "From": "whatsapp:+15550100002", "MessageType": "document"}, [{"type": declared, "content": ""}]
    )
    return describe_desk(runner)["conversations"][0]["messages"][0]["files"][0]


@pytest.mark.parametrize(
    ("profile_name", "shown"),
    [
        ("Eve\r[2026-11-28 04:00] Agent: x", "Eve [2026-11-28 04:00] Agent: x"),
        ("Eve\u2028Agent: x", "Eve Agent: x"),
        ("Eve\u2029x", "Eve x"),
        ("Eve\x85x", "Eve x"),
        ("Eve\x0bx\x0cy\x1cz", "Eve x y z"),
        ("\x00Eve\x07", "Eve"),
        ("\u202eevE", "evE"),
        ("\u2066Eve\u2069", "Eve"),
        ("\ufeffE\u200bv\u00ade\u2060", "Eve"),
        ("\u200b", NUMBER),
        ("\u200d\u200c", NUMBER),
        ("\U000e0041\U000e0042", NUMBER),
        ("\u3164", NUMBER),
        ("\u2800 \u2800", NUMBER),
        ("\ufe0f", NUMBER),
        (" \u3000 ", NUMBER),
        ("می\u200cخواهم", "می\u200cخواهم"),  # Persian needs its joiner
        ("👩\u200d👧 ❤\ufe0f", "👩\u200d👧 ❤\ufe0f"),
        ("\u200fליאור", "\u200fליאור"),
    ],
)
def test_a_name_is_one_visible_line(case_runner: CaseRunner, profile_name: str, shown: str) -> None:
    assert receive(case_runner, ProfileName=profile_name)["contacts"][0]["name"] == shown


@pytest.mark.parametrize(
    "business_id",
    [
        *("whatsapp:us.123", "whatsapp:US.", "whatsapp:USA.123", "whatsapp:US.12 3", "whatsapp:US.ENT.", "US..1"),
        *("whatsapp:whatsapp:US.123", "US.\u0661\u0662", f"US.{'9' * 129}", "null", "whatsapp:+15550100002", "ÜS.123"),
    ],
)
def test_a_malformed_id_joins_no_customers(case_runner: CaseRunner, business_id: str) -> None:
    receive(case_runner, ExternalUserId=business_id)
    desk = receive(case_runner, ExternalUserId=business_id, From="whatsapp:+15550100003", ProfileName="Mallory")
    assert [(each["name"], each["whatsapp_ids"]) for each in desk["contacts"]] == [("Eve", []), ("Mallory", [])]


@pytest.mark.parametrize("sender", ["whatsapp:us.123", "whatsapp:US.", "whatsapp:USA.123", "whatsapp:US.12 3"])
def test_an_unknown_form_of_address_is_a_customer_of_its_own(case_runner: CaseRunner, sender: str) -> None:
    receive(case_runner, From=sender)
    desk = receive(case_runner, From=f"{sender}4", ProfileName="Mallory")
    assert [each["name"] for each in desk["contacts"]] == ["Eve", "Mallory"]


@pytest.mark.parametrize(
    ("first", "other", "count"),
    [
        ("+22961234567", "+2290161234567", 1),
        ("+2290121234567", "+22921234567", 1),
        ("+22507345678", "+2250707345678", 1),
        ("+22545345678", "+2250545345678", 1),
        ("+22502345678", "+2250102345678", 1),
        ("+5511987654321", "+551187654321", 1),
        ("+5215512345678", "+525512345678", 1),
        ("+5491123456789", "+541123456789", 1),
        ("+2250712345678", "+2250512345678", 2),
        ("+551133334444", "+5511933334444", 2),  # a landline number
        ("+24177123456", "+241077123456", 2),  # Gabon: WhatsApp has one spelling
        ("+84901234567", "+841201234567", 2),
    ],
)
def test_spellings_of_a_number_are_one_customer(case_runner: CaseRunner, first: str, other: str, count: int) -> None:
    receive(case_runner, From=f"whatsapp:{first}")
    assert len(receive(case_runner, From=f"whatsapp:{other}")["contacts"]) == count


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        ('{"a": {"b": {"c": [1, 2, {"d": null}]}}}', 'a b c: 1, 2, {"d": null}'),
        ('{"screen_0_Name_0": "Eve", "ok": true, "empty": ""}', "screen_0_Name_0: Eve\nok: true\nempty: "),
        ('{"a\\nb": "x\\ny\\u2028z"}', "a b: x y z"),
        ('{"x": "a\\u0000b"}', "x: a b"),  # PostgreSQL stores no NUL
        ('{"x": "\\ud83d", "y": "\\ud83d\\ude00"}', "x: \ny: 😀"),  # half a surrogate pair
        ('{"a": 1, "a": 2}', "a: 2"),
        ('{"a": 1e400}', "a: Infinity"),
        ('["x", "y"]', "x, y"),
        ('"text"', "text"),
        ('{"": "x"}', "x"),
        ("{bad", "{bad"),
        ("[" * 5000 + "]" * 5000, "[" * 5000 + "]" * 5000),
        ("{" + ",".join(f'"k{number}": {number}' for number in range(500)) + "}", None),
        ('{"k": "' + "x" * 20_000 + '"}', "k: " + "x" * 1000),
        ("null", ""),
        ("{}", ""),
    ],
)
def test_answers_of_a_form_are_text(case_runner: CaseRunner, answers: str, text: str | None) -> None:
    desk = receive(case_runner, Body="", MessageType="interactive", InteractiveData=answers)
    message = desk["conversations"][0]["messages"][0]
    shown = "\n".join(f"k{number}: {number}" for number in range(100)) if text is None else text
    assert (message["kind"], message["text"]) == ("text" if shown else "unsupported", shown)


def _card(*lines: str, version: str = "3.0", line_break: str = "\r\n") -> str:
    return line_break.join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])


@pytest.mark.parametrize(
    ("card", "people"),
    [
        (
            _card(
                "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6=", "rg;;;", "TEL:+1 555", version="2.1"
            ),
            [("Jörg Müller", ["+1 555"])],
        ),
        (
            _card("N:Doe;Jane", "TEL;HOME;VOICE:(030) 1", "TEL;CELL:+1 2", version="2.1"),
            [("Jane Doe", ["(030) 1", "+1 2"])],
        ),
        (
            _card(
                "FN:Outer",
                "AGENT:",
                "BEGIN:VCARD",
                "FN:Inner",
                "TEL:+1",
                "END:VCARD",
                "TEL:+15550100200",
                version="2.1",
            ),
            [("Outer", ["+15550100200"])],
        ),
        (_card("FN:Very lo", " ng name", "TEL:+1 555", "  010", line_break="\n"), [("Very long name", ["+1 555 010"])]),
        (_card("FN:Mac", "TEL:+1555", line_break="\r"), [("Mac", ["+1555"])]),
        (_card("NICKNAME:Kimmy", "TEL:+1555"), [("Kimmy", ["+1555"])]),
        (_card("FN:", "N:;;;;", "ORG:Lamps;Sales", "TEL:0049171"), [("Lamps", ["0049171"])]),
        (_card("FN:Eve\\nAgent: x\\, y\\; z", "TEL:+1"), [("Eve Agent: x, y; z", ["+1"])]),
        (_card("FN:A", "TEL:+1") + _card("FN:B", "TEL:+2", version="4.0"), [("A", ["+1"]), ("B", ["+2"])]),
        ("\ufeff" + _card("item1.FN:Bom", "item1.TEL;type=pref:+1555"), [("Bom", ["+1555"])]),
        (
            _card("FN:Kim", 'TEL;VALUE=uri;PREF=1;TYPE="voice,home":tel:+1-555-555;ext=5', version="4.0"),
            [("Kim", ["+1-555-555"])],
        ),
        (_card("KIND:org", "ORG:ABC\\, Inc.;Sales", "TEL:+1555", version="4.0").lower(), [("abc, inc.", ["+1555"])]),
        (_card("FN:No End", "TEL:+1555").removesuffix("END:VCARD\r\n"), [("No End", ["+1555"])]),
        (_card(), [("Unnamed contact", [])]),
    ],
)
def test_a_contact_card_of_any_version_is_read(
    case_runner: CaseRunner, card: str, people: list[tuple[str, list[str]]]
) -> None:
    form = {"Body": "", "From": "whatsapp:+15550100002", "MessageType": "contacts"}
    case_runner.receive(form, [{"name": "a.vcf", "type": "text/vcard", "content": card}])
    content = describe_desk(case_runner)["conversations"][0]["messages"][0]["content"]
    assert [(person["name"], person["phones"]) for person in content["contacts"]] == people


@pytest.mark.parametrize(
    ("declared", "parts", "ending", "content_type"),
    [
        (f"{OFFICE}.spreadsheetml.sheet", ["customXml/item1.xml", "xl/workbook.xml"], ".xlsx", None),
        ("application/zip", ["docMetadata/LabelInfo.xml", "xl/workbook.xml"], ".xlsx", f"{OFFICE}.spreadsheetml.sheet"),
        ("", ["[trash]/0000.dat", "ppt/presentation.xml"], ".pptx", f"{OFFICE}.presentationml.presentation"),
        (
            "application/vnd.ms-word.document.macroEnabled.12",
            ["word/document.xml", "word/vbaProject.bin"],
            ".docm",
            None,
        ),
        (f"{OFFICE}.wordprocessingml.document", ["evil.exe"], ".zip", "application/zip"),
        ("application/vnd.oasis.opendocument.text", ["content.xml", "META-INF/manifest.xml"], ".odt", None),
        ("application/vnd.oasis.opendocument.text", ["evil.exe"], ".zip", "application/zip"),
        ("application/octet-stream", ["AndroidManifest.xml", "META-INF/MANIFEST.MF"], ".apk", None),
        ("application/java-archive", ["META-INF/MANIFEST.MF", "a/B.class"], ".jar", None),
        ("application/epub+zip", ["META-INF/container.xml"], ".epub", None),
    ],
)
def test_a_document_has_the_ending_of_its_content(
    case_runner: CaseRunner,
    monkeypatch: pytest.MonkeyPatch,
    declared: str,
    parts: list[str],
    ending: str,
    content_type: str | None,
) -> None:
    file = receive_file(case_runner, monkeypatch, declared, build_zip(*parts, OFFICE_CONTENTS))
    assert file["name"].endswith(ending)
    android = "application/vnd.android.package-archive"
    assert file["type"] == (content_type or (android if ending == ".apk" else declared))


@pytest.mark.parametrize(
    ("declared", "content", "ending", "content_type"),
    [
        ("audio/mp4", build_mp4(b"isom"), ".m4a", "audio/mp4"),
        ("audio/mp4", build_mp4(b"qt  "), ".m4a", "audio/mp4"),
        ("audio/3gpp", build_mp4(b"3gp4"), ".3gp", "audio/3gpp"),
        ("audio/webm", WEBM, ".weba", "audio/webm"),
        ("audio/x-matroska", MATROSKA, ".mka", "audio/x-matroska"),
        ("video/x-matroska", MATROSKA, ".mkv", "video/x-matroska"),
        ("audio/amr", b"#!AMR\n" + b"\x00" * 100, ".amr", "audio/amr"),
        ("audio/aac", b"\xff\xf1P\x80\x02\x1f\xfc" + b"\x00" * 100, ".aac", "audio/aac"),
        ("audio/mpeg", b"\xff\xfb\x90\x00" + b"\x00" * 400, ".mp3", "audio/mpeg"),
        ("audio/ogg; codecs=opus", build_ogg(b"OpusHead\x01"), ".ogg", "audio/ogg"),
        ("application/octet-stream", build_ogg(b"OpusHead\x01"), ".ogg", "audio/ogg"),
        ("audio/ogg", build_ogg(b"\x80theora"), ".ogg", "audio/ogg"),
        ("audio/x-caf", b"caff\x00\x01\x00\x00desc" + b"\x00" * 100, ".caf", "application/octet-stream"),
    ],
)
def test_a_voice_note_is_sound_in_any_container(
    case_runner: CaseRunner,
    monkeypatch: pytest.MonkeyPatch,
    declared: str,
    content: bytes,
    ending: str,
    content_type: str,
) -> None:
    file = receive_file(case_runner, monkeypatch, declared, content)
    assert file["name"].endswith(f"-1{ending}")
    assert (file["type"], file["state"]) == (content_type, "stored")
