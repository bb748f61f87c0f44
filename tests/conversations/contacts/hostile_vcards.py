"""Contact cards that are made to keep a parser busy; a former parser needed hours for some of them."""

from typing import Final

MEBIBYTE: Final = 1024 * 1024
VCARD_START, VCARD_END = b"BEGIN:VCARD\r\nVERSION:3.0\r\n", b"\r\nEND:VCARD\r\n"


def _repeat_to_size(unit: bytes, size: int = MEBIBYTE) -> bytes:
    return VCARD_START + unit * (size // len(unit)) + VCARD_END


HOSTILE_VCARDS: Final[dict[str, bytes]] = {
    "60 bare parameters": VCARD_START + b"FN" + b";TYPE" * 60 + VCARD_END,
    "25 parameters and no value": VCARD_START + b"FN" + b";A=B" * 25 + VCARD_END,
    "50,000 parameters": VCARD_START + b"TEL" + b";A=B" * 50_000 + b":1" + VCARD_END,
    "50,000 quoted parameters": VCARD_START + b"TEL" + b';A="B;:"' * 50_000 + b":1" + VCARD_END,
    "30 quotes that are not closed": VCARD_START + b'FN;TYPE="' * 30 + VCARD_END,
    "a million quotes": VCARD_START + b"FN;TYPE=" + b'"' * MEBIBYTE + b":Jane" + VCARD_END,
    "a line of 1 MiB": VCARD_START + b"FN:" + b"a" * MEBIBYTE + VCARD_END,
    "a line of 1 MiB without a colon": VCARD_START + b"FN;" + b"a" * MEBIBYTE + VCARD_END,
    "100,000 folds": VCARD_START + b"FN:Jane" + b"\r\n a" * 100_000 + VCARD_END,
    "2 million empty folds": VCARD_START + b"FN:Jane" + b"\n " * (2 * MEBIBYTE) + VCARD_END,
    "100,000 soft line breaks": VCARD_START + b"FN;ENCODING=QUOTED-PRINTABLE:" + b"=\r\na" * 100_000 + VCARD_END,
    "50,000 nested cards": b"BEGIN:VCARD\r\n" * 50_000,
    "50,000 nested agents": b"BEGIN:VCARD\r\nAGENT:\r\n" * 50_000,
    "50,000 cards": (VCARD_START + b"FN:Jane" + VCARD_END) * 50_000,
    "50,000 ends": VCARD_START + b"END:VCARD\r\n" * 50_000,
    "100,000 numbers": VCARD_START + b"TEL:1\r\n" * 100_000 + VCARD_END,
    "4 MiB of long numbers": _repeat_to_size(b"TEL;a;b;c:" + b"\\,\\;" * 1000 + b"\r\n", 4 * MEBIBYTE),
    "20 cards of escapes": (VCARD_START + (b"N:" + b"\\;;\\,," * 600 + b"\r\n") * 60 + VCARD_END) * 20,
    "20 cards of parameters": (VCARD_START + (b"TEL" + b";a=b" * 1000 + b":1\r\n") * 50 + VCARD_END) * 20,
    "20 cards of quoted-printable": (VCARD_START + (b"FN;QUOTED-PRINTABLE:" + b"=20" * 1300 + b"\r\n") * 50 + VCARD_END)
    * 20,
    "blanks": _repeat_to_size(b" \r\n", 4 * MEBIBYTE),
    "line ends": _repeat_to_size(b"\r", 4 * MEBIBYTE),
    "backslashes": VCARD_START + b"FN:" + b"\\" * MEBIBYTE + VCARD_END,
    "NUL": VCARD_START + b"FN:" + b"\x00" * MEBIBYTE + VCARD_END,
    "UTF-16": b"\xff\xfe" + (VCARD_START + b"FN" + b";A=B" * 50_000 + VCARD_END).decode().encode("utf-16-le"),
    "a charset that is slow": VCARD_START + b"FN;CHARSET=punycode:" + b"9" * 50_000 + VCARD_END,
}
