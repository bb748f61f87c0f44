"""The content type of a file is detected from its bytes."""

import io
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels_whatsapp.file_types import detect_content_type, get_ogg_codec
from tests.file_samples import build_mp4, build_ogg, build_zip

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF"
OFFICE = "application/vnd.openxmlformats-officedocument"


def detect(content: bytes, declared_type: str = "") -> str:
    """Return the detected type, and check that the file is back at its start."""
    file = io.BytesIO(content)
    detected = detect_content_type(file, declared_type)
    assert file.tell() == 0
    return detected


@pytest.mark.parametrize(
    ("content", "declared", "is_really"),
    [
        (JPEG, "application/pdf", "image/jpeg"),
        (b"%PDF-1.7\n", "image/png", "application/pdf"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "image/svg+xml", None),
        (b"<!doctype html><script>alert(1)</script>", "text/html", None),
        (b"<!doctype html><script>alert(1)</script>", "image/png", None),
        (b"BEGIN:VCARD\r\nEND:VCARD", "text/vcard; charset=utf-8", "text/vcard"),
        (b"\xef\xbb\xbf begin:vcard", "text/x-vcard", "text/vcard"),
        ("BEGIN:VCARD\r\n".encode("utf-16"), "text/vcard", "text/vcard"),
        (b"<html>", "text/vcard", None),
        ("<html>".encode("utf-16"), "text/vcard", None),
        (b"words", "text/plain", "text/plain"),
        (b"wo\x00rds", "text/plain", None),
        (b"", "image/png", None),
        (b"", "audio/mp4", None),
    ],
)
def test_content_type_is_detected_from_the_bytes(content: bytes, declared: str, is_really: str | None) -> None:
    assert detect(content, declared) == (is_really or "application/octet-stream")


@given(st.binary(max_size=300), st.text(max_size=30))
def test_any_bytes_have_a_content_type(content: bytes, declared: str) -> None:
    for prefix in (b"", b"PK\x03\x04", b"OggS", b"\x00\x00\x00\x1cftyp"):
        detected_type = detect(prefix + content, declared)
        assert "/" in detected_type
        assert "svg" not in detected_type
        assert "html" not in detected_type


# -- Office documents -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "content_type"),
    [
        (["[Content_Types].xml", "_rels/.rels", "customXml/a.xml", "docProps/core.xml", "word/document.xml"], "word"),
        (["[trash]/0000.dat", "word/document.xml", "_rels/.rels", "[Content_Types].xml"], "word"),
        (["customXml/item1.xml", "xl/workbook.xml", "[Content_Types].xml"], "spreadsheet"),
        (["docMetadata/label.xml", "[Content_Types].xml", "ppt/presentation.xml"], "presentation"),
        (["word/document.xml", "readme.txt"], ""),
        (["words.txt", "[Content_Types].xml"], ""),
        (["photo.jpg"], ""),
    ],
)
def test_office_documents_are_recognised_by_the_directory_of_the_zip(names: list[str], content_type: str) -> None:
    kinds = {"word": "wordprocessingml.document", "spreadsheet": "spreadsheetml.sheet"}
    kinds["presentation"] = "presentationml.presentation"
    expected = f"{OFFICE}.{kinds[content_type]}" if content_type else "application/zip"
    assert detect(build_zip(*names)) == expected
    assert detect(build_zip(*names), "audio/mp4") == expected


def test_large_parts_in_front_do_not_hide_an_office_document() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("customXml/item1.xml", b"x" * 500_000)
        archive.writestr("word/document.xml", b"y")
        archive.writestr("[Content_Types].xml", b"z")
        archive.comment = b"." * 500
    assert detect(file.getvalue()) == f"{OFFICE}.wordprocessingml.document"


def test_other_zip_based_documents_keep_their_type() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("content.xml", b"x")
    assert detect(file.getvalue()) == "application/vnd.oasis.opendocument.text"


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0x7FFFFFFF, 10, 0])
def test_wrong_length_of_the_directory_causes_no_error(length: int) -> None:
    content = bytearray(build_zip("word/document.xml", "[Content_Types].xml"))
    struct.pack_into("<I", content, len(content) - 10, length)
    assert detect(bytes(content)) == "application/zip"


def test_zip_that_is_cut_off_causes_no_error() -> None:
    content = build_zip("[Content_Types].xml", "word/document.xml")
    for length in range(4, len(content) - 1):
        assert detect(content[:length]) == "application/zip"


@pytest.mark.parametrize("name", ["ms-word-customxml.docx", "ms-word-trash.docx"])
def test_documents_of_word_are_recognised(name: str) -> None:
    content = (Path(__file__).parents[1] / "cases" / "data" / "files" / name).read_bytes()
    assert detect(content, "application/zip") == f"{OFFICE}.wordprocessingml.document"


# -- Sound and video --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("brand", "declared", "content_type"),
    [
        (b"mp42", "audio/mp4", "audio/mp4"),
        (b"isom", "audio/x-m4a; codecs=mp4a", "audio/mp4"),
        (b"mp42", "video/mp4", "video/mp4"),
        (b"mp42", "", "video/mp4"),
        (b"M4A ", "", "audio/mp4"),
        (b"M4A ", "video/mp4", "audio/mp4"),
        (b"3gp4", "video/3gpp", "video/3gpp"),
        (b"3gp4", "audio/3gpp", "audio/3gpp"),
    ],
)
def test_declared_sound_in_a_container_of_video_is_sound(brand: bytes, declared: str, content_type: str) -> None:
    assert detect(build_mp4(brand), declared) == content_type


@pytest.mark.parametrize(
    ("packet", "codec", "content_type"),
    [
        (b"OpusHead\x01", "opus", "audio/ogg"),
        (b"\x01vorbis", "vorbis", "audio/ogg"),
        (b"\x80theora", "theora", "video/ogg"),
        (b"Speex   ", "", "audio/ogg"),
        (b"", "", "audio/ogg"),
    ],
)
def test_codec_of_an_ogg_file_is_read_from_its_first_page(packet: bytes, codec: str, content_type: str) -> None:
    assert get_ogg_codec(build_ogg(packet)) == codec
    assert detect(build_ogg(packet)) == content_type


@pytest.mark.parametrize("content", [b"", b"OggS", b"RIFF" + b"\x00" * 40, b"OggS" + b"\xff" * 30])
def test_other_bytes_have_no_ogg_codec(content: bytes) -> None:
    assert get_ogg_codec(content) == ""
