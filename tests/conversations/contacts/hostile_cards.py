"""Contact cards that strangers make to keep a parser busy. Some took hours in the one the desk had before."""

from typing import Final

MEBIBYTE: Final = 1024 * 1024
BEGIN, END = b"BEGIN:VCARD\r\nVERSION:3.0\r\n", b"\r\nEND:VCARD\r\n"


def _filled(unit: bytes, size: int = MEBIBYTE) -> bytes:
    return BEGIN + unit * (size // len(unit)) + END


HOSTILE: Final[dict[str, bytes]] = {
    "60 bare parameters": BEGIN + b"FN" + b";TYPE" * 60 + END,
    "25 parameters and no value": BEGIN + b"FN" + b";A=B" * 25 + END,
    "50,000 parameters": BEGIN + b"TEL" + b";A=B" * 50_000 + b":1" + END,
    "50,000 quoted parameters": BEGIN + b"TEL" + b';A="B;:"' * 50_000 + b":1" + END,
    "30 quotes that are not closed": BEGIN + b'FN;TYPE="' * 30 + END,
    "a million quotes": BEGIN + b"FN;TYPE=" + b'"' * MEBIBYTE + b":Jane" + END,
    "a line of 1 MiB": BEGIN + b"FN:" + b"a" * MEBIBYTE + END,
    "a line of 1 MiB without a colon": BEGIN + b"FN;" + b"a" * MEBIBYTE + END,
    "100,000 folds": BEGIN + b"FN:Jane" + b"\r\n a" * 100_000 + END,
    "2 million empty folds": BEGIN + b"FN:Jane" + b"\n " * (2 * MEBIBYTE) + END,
    "100,000 soft line breaks": BEGIN + b"FN;ENCODING=QUOTED-PRINTABLE:" + b"=\r\na" * 100_000 + END,
    "50,000 nested cards": b"BEGIN:VCARD\r\n" * 50_000,
    "50,000 nested agents": b"BEGIN:VCARD\r\nAGENT:\r\n" * 50_000,
    "50,000 cards": (BEGIN + b"FN:Jane" + END) * 50_000,
    "50,000 ends": BEGIN + b"END:VCARD\r\n" * 50_000,
    "100,000 numbers": BEGIN + b"TEL:1\r\n" * 100_000 + END,
    "4 MiB of long numbers": _filled(b"TEL;a;b;c:" + b"\\,\\;" * 1000 + b"\r\n", 4 * MEBIBYTE),
    "20 cards of escapes": (BEGIN + (b"N:" + b"\\;;\\,," * 600 + b"\r\n") * 60 + END) * 20,
    "20 cards of parameters": (BEGIN + (b"TEL" + b";a=b" * 1000 + b":1\r\n") * 50 + END) * 20,
    "20 cards of quoted-printable": (BEGIN + (b"FN;QUOTED-PRINTABLE:" + b"=20" * 1300 + b"\r\n") * 50 + END) * 20,
    "blanks": _filled(b" \r\n", 4 * MEBIBYTE),
    "line ends": _filled(b"\r", 4 * MEBIBYTE),
    "backslashes": BEGIN + b"FN:" + b"\\" * MEBIBYTE + END,
    "NUL": BEGIN + b"FN:" + b"\x00" * MEBIBYTE + END,
    "UTF-16": b"\xff\xfe" + (BEGIN + b"FN" + b";A=B" * 50_000 + END).decode().encode("utf-16-le"),
    "a charset that is slow": BEGIN + b"FN;CHARSET=punycode:" + b"9" * 50_000 + END,
}
