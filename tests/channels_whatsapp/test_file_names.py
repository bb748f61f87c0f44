"""Names of documents: taken from what comes with the file, and made safe to show and to save."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels_whatsapp.file_names import (
    MAX_NAME_LENGTH,
    add_ending,
    clean_file_name,
    is_name_of_document,
    is_same_name,
    parse_content_disposition,
)

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("Reclamação nº 5 – año.pdf", "Reclamação nº 5 – año.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ana\\Rechnung 4.pdf", "Rechnung 4.pdf"),
        ("a\x00b\r\nSet-Cookie: x\x7f.pdf", "abSet-Cookie: x.pdf"),
        ("invoice-\u202efdp.exe", "invoice-fdp.exe"),
        ("\u2066\u200ezero\u200bwidth\ufeff.pdf", "zerowidth.pdf"),
        ("می\u200cخواهم.pdf", "می\u200cخواهم.pdf"),
        ("  ...hidden  file .pdf. ", "hidden file.pdf"),
        ("x" * 500 + ".pdf", "x" * (MAX_NAME_LENGTH - 4) + ".pdf"),
        ("/", ""),
        ("..", ""),
        ("", ""),
    ],
)
def test_name_is_cleaned(name: str, cleaned: str) -> None:
    assert clean_file_name(name) == cleaned


@given(st.text(max_size=400))
def test_any_name_is_safe_after_cleaning(name: str) -> None:
    cleaned = clean_file_name(name)
    assert len(cleaned) <= MAX_NAME_LENGTH
    assert not set(cleaned) & set("/\\\x00\r\n\u202e\u2066\u200f")
    assert clean_file_name(cleaned) == cleaned


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("attachment; filename*=utf-8''Reclama%C3%A7%C3%A3o%20n%C2%BA%205.pdf", "Reclamação nº 5.pdf"),
        ("inline; filename=\"plain.pdf\"; filename*=UTF-8'en'%E2%82%AC.pdf", "€.pdf"),
        ("inline; filename*=UTF-8''%E2%82%AC.pdf; filename=\"plain.pdf\"", "€.pdf"),
        ("inline; filename*=iso-8859-1''M%FCller.pdf", "Müller.pdf"),
        ("inline; filename*=nonsense''%FF.pdf", "\ufffd.pdf"),
        ('attachment; filename="two words \\"q\\".pdf"', 'two words "q".pdf'),
        ("attachment; filename=plain.pdf; size=4", "plain.pdf"),
        ("attachment; FileName = plain.pdf", "plain.pdf"),
        ("attachment; filename=\"a; filename*=utf-8''evil.exe\"", "a; filename*=utf-8''evil.exe"),
        ('attachment; filename="Müller.pdf"'.encode().decode("latin-1"), "Müller.pdf"),
        ('attachment; filename="Müller.pdf"', "Müller.pdf"),
        ('attachment; filename="../../../etc/passwd"', "passwd"),
        (f'inline; filename="ME{"0a" * 16}.pdf"', ""),
        (f'inline; filename="ME{"0a" * 16}"', ""),
        ("attachment", ""),
        ("", ""),
        ("attachment; filename=", ""),
        ('attachment; filename="', ""),
    ],
)
def test_name_is_read_from_content_disposition(header: str, name: str) -> None:
    assert parse_content_disposition(header) == name


@given(st.text(max_size=200))
def test_any_content_disposition_is_read_without_error(header: str) -> None:
    assert isinstance(parse_content_disposition("attachment; filename" + header), str)


@pytest.mark.parametrize(
    ("name", "content_type", "declared_type", "complete"),
    [
        ("Invoice", "application/pdf", "", "Invoice.pdf"),
        ("Invoice.PDF", "application/pdf", "", "Invoice.PDF"),
        ("file-1-1", "application/octet-stream", "text/csv; charset=utf-8", "file-1-1.csv"),
        ("file-1-1", "application/octet-stream", "application/vnd.ms-excel", "file-1-1.xls"),
        ("file-1-1", "application/octet-stream", "", "file-1-1"),
        ("file-1-1", DOCX, "application/zip", "file-1-1.docx"),
        ("Version 1.2", "application/pdf", "", "Version 1.2.pdf"),
        ("file-1-1", "audio/mp4", "", "file-1-1.m4a"),
    ],
)
def test_missing_ending_follows_content_then_declared_type(
    name: str, content_type: str, declared_type: str, complete: str
) -> None:
    assert add_ending(name, content_type, declared_type) == complete


@pytest.mark.parametrize(
    ("text", "declared_type", "is_name"),
    [
        ("Invoice 4.pdf", "application/pdf", True),
        ("Invoice 4.PDF", "application/pdf; name=x", True),
        ("Report.docx", DOCX, True),
        ("data.bin", "application/octet-stream", True),
        ("Here is the invoice", "application/pdf", False),
        ("See www.example.com", "application/pdf", False),
        ("First line\nInvoice.pdf", "application/pdf", False),
        ("beach.jpg", "image/jpeg", False),
        ("", "application/pdf", False),
    ],
)
def test_text_with_a_document_is_its_name_only_with_the_right_ending(
    text: str, declared_type: str, is_name: bool
) -> None:
    assert is_name_of_document(text, declared_type) == is_name


@pytest.mark.parametrize(
    ("name", "other", "same"),
    [
        ("Reclamação nº 5.pdf", "Reclamacao no 5.pdf", True),
        ("my_file (1).pdf", "my file 1.pdf", True),
        ("see scan.pdf", "scan.pdf", False),
        ("发票.pdf", "合同.pdf", False),
    ],
)
def test_names_are_compared_without_accents_and_punctuation(name: str, other: str, same: bool) -> None:
    assert is_same_name(name, other) == same
