"""Parser of contact cards: vCards of version 2.1, 3.0 or 4.0.

It reads names, organizations, phone numbers and e-mail addresses.

Cards come from strangers, so every step takes time linear in the bytes it reads, and every loop and list has a limit.
Sources: RFC 6350 (4.0), RFC 2426 (3.0), the versit specification (2.1) and RFC 3966 (`tel:` addresses).
"""

from binascii import a2b_qp
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from itertools import chain, islice
from typing import Final, NotRequired, TypedDict

MAX_FILE_BYTES: Final = 4 * 1024 * 1024  # a photo of some megabytes may precede the number
MAX_PHYSICAL_LINES: Final = 100_000  # lines before unfolding
MAX_LOGICAL_LINES: Final = 20_000  # lines after unfolding: one for each property
MAX_LINE_BYTES: Final = 4096  # of a logical line; the rest, such as most of a photo, is skipped
MAX_PARAMETERS: Final = 30  # of one property
MAX_LINES_PER_PROPERTY: Final = 30  # of the same property in one card
MAX_PEOPLE, MAX_NUMBERS = 20, 10  # per person, of phone numbers and of e-mail addresses
MAX_NAME_LENGTH, MAX_PHONE_LENGTH, MAX_EMAIL_LENGTH = 200, 40, 120  # characters

SUPPORTED_PROPERTIES: Final = frozenset({"FN", "N", "NICKNAME", "ORG", "TEL", "EMAIL"})
CARD_DELIMITERS: Final = frozenset({b"BEGIN:VCA", b"END:VCARD"})
# Python has more codecs, some of which take quadratic time (`punycode`) or do not decode text.
ALLOWED_CHARSETS: Final = frozenset({
    "big5", "cp932", "cp1250", "cp1251", "cp1252", "euc-jp", "euc-kr", "gb18030", "gb2312", "gbk", "iso-2022-jp",
    "iso-8859-1", "iso-8859-2", "iso-8859-5", "iso-8859-7", "iso-8859-8", "iso-8859-9", "iso-8859-15", "koi8-r",
    "koi8-u", "latin-1", "shift-jis", "tis-620", "utf-8", "windows-1250", "windows-1251", "windows-1252",
    "windows-1253", "windows-1254", "windows-1255", "windows-1256", "windows-1257", "windows-1258", "cp874",
})  # fmt: skip
# Escapes of a value, each with its placeholder until the value has been split; values never contain NUL.
ESCAPES: Final = (
    ("\\\\", "\0b"), ("\\;", "\0s"), ("\\,", "\0c"), ("\\:", ":"), ('\\"', '"'), ("\\n", "\n"), ("\\N", "\n"),
)  # fmt: skip
ESCAPE_PLACEHOLDERS: Final = (("\0s", ";"), ("\0c", ","), ("\0b", "\\"))
# Invisible writing-direction marks that are copied along with a number.
DIRECTION_MARKS: Final = dict.fromkeys([0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])

CardFields = dict[str, list[bytes]]


class Person(TypedDict):
    """A person in a contact card, as stored in a message's content."""

    name: str
    phones: list[str]
    emails: NotRequired[list[str]]


def parse_people(card: bytes) -> list[Person]:
    """Return the people in the card; an empty list when it is not a vCard. Never raises."""
    lines = islice(_iter_logical_lines(_normalize_encoding(card[:MAX_FILE_BYTES])), MAX_LOGICAL_LINES)
    return [_build_person(fields) for fields in islice(_split_cards(_iter_outer_properties(lines)), MAX_PEOPLE)]


# -- Lines ----------------------------------------------------------------------------------------------------------


def _normalize_encoding(card: bytes) -> bytes:
    """Return the card without byte order mark, with line feeds as line ends.

    NUL characters are removed, because PostgreSQL refuses them.
    """
    if card.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        card = card.decode("utf-16", errors="replace").encode("utf-8")
    plain = card.removeprefix(BOM_UTF8).replace(b"\x00", b"")
    return plain.replace(b"\r\n", b"\n").replace(b"\r", b"\n").lstrip()


def _iter_logical_lines(card: bytes) -> Iterator[bytes]:
    """Yield the lines with folded ones joined, each up to MAX_LINE_BYTES.

    A line that begins with a blank continues the one before it; so does any line after a quoted-printable one that
    ends with `=`, except the BEGIN or END of a card.
    """
    parts: list[bytes] = []
    remaining, is_quoted, is_continued = 0, False, False
    for line in islice(BytesIO(card), MAX_PHYSICAL_LINES):
        text = line.removesuffix(b"\n")
        is_folded = text.startswith((b" ", b"\t"))
        if not (is_folded or is_continued and text[:9].upper() not in CARD_DELIMITERS):
            yield b"".join(parts)
            parts, remaining, is_quoted = [], MAX_LINE_BYTES, _is_quoted_printable(text)
        is_continued = is_quoted and text.endswith(b"=")
        piece = text[1 if is_folded else 0 : -1 if is_continued else None][:remaining]
        if piece:
            parts.append(piece)
            remaining -= len(piece)
    yield b"".join(parts)


def _is_quoted_printable(line: bytes) -> bool:
    return b"QUOTED-PRINTABLE" in line[:MAX_LINE_BYTES].partition(b":")[0].upper()


def _iter_outer_properties(lines: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield properties with their names, without those of cards nested in AGENT (version 2.1).

    Any other BEGIN starts the next card, even when the END of the card before is missing.
    """
    depth, is_agent = 0, False
    for line in lines:
        name = _get_property_name(line)
        if not name:
            continue
        if name == "BEGIN":
            depth = depth + 1 if is_agent else 0
        if not depth:
            yield name, line
        elif name == "END":
            depth -= 1
        is_agent = name == "AGENT" and line.rstrip().endswith(b":")


def _get_property_name(line: bytes) -> str:
    """Return the property's name in capitals, without its group; BEGIN and END for those of a card only."""
    start = line[:100].upper()
    header, colon, value = start.partition(b":")
    name = header.partition(b";")[0].rpartition(b".")[2].strip().decode("ascii", errors="replace")
    if name in {"BEGIN", "END"}:
        return name if value.strip() == b"VCARD" else ""
    return name if colon or b":" in line else ""


def _split_cards(properties: Iterable[tuple[str, bytes]]) -> Iterator[CardFields]:
    """Yield the lines of each card by property name; empty cards are skipped."""
    fields: CardFields | None = None
    for name, line in properties:
        if name in {"BEGIN", "END"}:
            if fields:
                yield fields
            fields = {} if name == "BEGIN" else None
        elif fields is not None:
            lines = fields.setdefault(name if name in SUPPORTED_PROPERTIES else "", [])
            if name in SUPPORTED_PROPERTIES and len(lines) < MAX_LINES_PER_PROPERTY:
                lines.append(line)
    if fields:
        yield fields


# -- People ---------------------------------------------------------------------------------------------------------


def _build_person(fields: CardFields) -> Person:
    phones = _deduplicate(map(_parse_phone, fields.get("TEL", [])), key=_normalize_phone)
    emails = _deduplicate(map(_parse_email, fields.get("EMAIL", [])), key=str.lower)
    names = chain(_iter_candidate_names(fields), phones, emails, ["Unnamed contact"])
    person = Person(name=next(filter(None, names))[:MAX_NAME_LENGTH], phones=phones)
    if emails:
        person["emails"] = emails
    return person


def _iter_candidate_names(fields: CardFields) -> Iterator[str]:
    """Yield possible names of the person, the best first."""
    for line in fields.get("FN", []):
        yield _unescape_text(_parse_property(line)[1])
    for line in fields.get("N", []):
        family_name, given_name, additional_name, *_ = [
            *_split_components(_parse_property(line)[1], comma_replacement=" "),
            "",
            "",
            "",
        ]
        yield " ".join(filter(None, [given_name, additional_name, family_name]))
    for line in fields.get("NICKNAME", []):
        yield _unescape_text(_parse_property(line)[1])
    for line in fields.get("ORG", []):
        yield from _split_components(_parse_property(line)[1])


def _parse_phone(line: bytes) -> str:
    """Return the number as written, or WhatsApp's WAID when it has no country code."""
    parameters, value = _parse_property(line)
    phone = _unescape_text(value).translate(DIRECTION_MARKS).strip()
    if phone[:4].lower() == "tel:":
        phone = phone[4:].partition(";")[0].strip()
    whatsapp_id = parameters.get("WAID", "").removeprefix("+")
    if whatsapp_id.isascii() and whatsapp_id.isdigit() and not phone.startswith("+"):
        phone = f"+{whatsapp_id}"
    return phone[:MAX_PHONE_LENGTH]


def _parse_email(line: bytes) -> str:
    """Return the e-mail address, or "" when the value is not one."""
    text = _unescape_text(_parse_property(line)[1])
    address = text[7:] if text[:7].lower() == "mailto:" else text
    return address if "@" in address and len(address) <= MAX_EMAIL_LENGTH else ""


def _normalize_phone(phone: str) -> str:
    """Return the number without blanks and punctuation, for comparison."""
    return "".join(char for char in phone.lower() if char.isalnum() or char == "+")


def _deduplicate(values: Iterable[str], key: Callable[[str], str]) -> list[str]:
    """Return the first MAX_NUMBERS values with different keys; values with an empty key are skipped."""
    by_key: dict[str, str] = {}
    for value in values:
        by_key.setdefault(key(value), value)
    by_key.pop("", None)
    return list(by_key.values())[:MAX_NUMBERS]


# -- Values ---------------------------------------------------------------------------------------------------------


def _parse_property(line: bytes) -> tuple[dict[str, str], str]:
    """Return the parameters by upper-case name, and the value with its escapes."""
    header, value = _split_property(line)
    pairs = (item.decode("utf-8", errors="replace").partition("=") for item in header.split(b";", MAX_PARAMETERS)[1:])
    parameters = {name.strip().upper(): text.strip() for name, _, text in pairs}
    if b"QUOTED-PRINTABLE" in header.upper():
        value = a2b_qp(value)
    charset = parameters.get("CHARSET", "").lower().replace("_", "-")
    text = value.decode(charset if charset in ALLOWED_CHARSETS else "utf-8", errors="replace")
    return parameters, text.replace("\x00", "")


def _split_property(line: bytes) -> tuple[bytes, bytes]:
    """Split a line into the name with its parameters, and the value.

    Colons and semicolons in quotes do not count. A quote that is never closed is an ordinary character. The value is
    empty when too many quotes precede it.
    """
    header: list[bytes] = []
    pieces = line.split(b'"', 2 * MAX_PARAMETERS)
    for index, piece in enumerate(pieces[: 2 * MAX_PARAMETERS]):
        if index % 2 and index + 1 < len(pieces):
            header.append(piece.replace(b":", b" ").replace(b";", b" "))
            continue
        before, colon, value = piece.partition(b":")
        header.append(before)
        if colon:
            return b"".join(header), b'"'.join([value, *pieces[index + 1 :]])
    return b"".join(header), b""


def _unescape_text(value: str) -> str:
    """Return the value unescaped, with runs of blanks collapsed."""
    return _unmask_text(_mask_escapes(value))


def _split_components(value: str, comma_replacement: str = ",") -> list[str]:
    """Return the components between semicolons, with unescaped commas replaced by `comma_replacement`."""
    return [
        _unmask_text(component.replace(",", comma_replacement))
        for component in _mask_escapes(value).split(";", MAX_PARAMETERS)
    ]


def _mask_escapes(value: str) -> str:
    for escape, placeholder in ESCAPES:
        value = value.replace(escape, placeholder)
    return value


def _unmask_text(text: str) -> str:
    for placeholder, char in ESCAPE_PLACEHOLDERS:
        text = text.replace(placeholder, char)
    return " ".join(text.split())
