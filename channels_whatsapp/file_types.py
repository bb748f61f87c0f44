"""Detect the content type of a file from its bytes, whatever its name and its sender say."""

import struct
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Set
from typing import IO, Final

import filetype

from channels_whatsapp.file_names import OFFICE_PREFIX, UNKNOWN_TYPE

HEAD_SIZE: Final = 8192
VCARD_TYPES: Final = {"text/vcard", "text/x-vcard"}

OFFICE_TYPES: Final = {
    "word/": f"{OFFICE_PREFIX}.wordprocessingml.document",
    "xl/": f"{OFFICE_PREFIX}.spreadsheetml.sheet",
    "ppt/": f"{OFFICE_PREFIX}.presentationml.presentation",
}
# Documents with macros have other endings; Office refuses to open them with those above.
MACRO_TYPES: Final = {
    "word/": "application/vnd.ms-word.document.macroEnabled.12",
    "xl/": "application/vnd.ms-excel.sheet.macroEnabled.12",
    "ppt/": "application/vnd.ms-powerpoint.presentation.macroEnabled.12",
}
# Other formats that are ZIP files, by a part that each has.
ZIP_TYPES: Final = {
    "AndroidManifest.xml": "application/vnd.android.package-archive",
    "META-INF/container.xml": "application/epub+zip",
    "META-INF/MANIFEST.MF": "application/java-archive",
}
OPEN_DOCUMENT_PREFIX, OPEN_DOCUMENT_PART = "application/vnd.oasis.opendocument.", "META-INF/manifest.xml"
OFFICE_CONTENTS_LIST: Final = "[Content_Types].xml"
ZIP_START, ZIP_ENTRY, ZIP_END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
ZIP_ENTRY_SIZE, ZIP_END_SIZE = 46, 22
MAX_ZIP_COMMENT: Final = 65_535
MAX_ZIP_DIRECTORY: Final = 1024 * 1024  # some 10,000 entries

# Brands of the ISO base media format that `filetype` does not recognise, or takes for a video.
MEDIA_BRANDS: Final = {b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"3gp": "video/3gpp", b"3g2": "video/3gpp2"}
OGG_PAGE_HEADER: Final = 27
# The containers of video in which there may be sound only.
AUDIO_IN_CONTAINER: Final = {
    "video/mp4": "audio/mp4",
    "video/x-m4v": "audio/mp4",
    "video/quicktime": "audio/mp4",
    "video/3gpp": "audio/3gpp",
    "video/3gpp2": "audio/3gpp2",
    "video/webm": "audio/webm",
    "video/x-matroska": "audio/x-matroska",
    "video/ogg": "audio/ogg",
}


def detect_content_type(file: IO[bytes], declared_type: str) -> str:
    """Return the content type that the bytes show; the file is at its start before and after.

    Args:
        file: a file that can seek.
        declared_type: decides what the bytes can't: whether there is a picture in a container of video, which document
            of OpenDocument it is, and whether unmarked bytes are text or a contact card.
    """
    head = file.read(HEAD_SIZE)
    declared = declared_type.partition(";")[0].strip().lower()
    detected = _detect_zip_content(file, declared) if head.startswith(ZIP_START) else _detect_by_head(head)
    file.seek(0)
    if detected:
        return AUDIO_IN_CONTAINER.get(detected, detected) if declared.startswith("audio/") else detected
    if declared in VCARD_TYPES and _is_vcard(head):
        return "text/vcard"
    return "text/plain" if declared == "text/plain" and b"\x00" not in head else UNKNOWN_TYPE


def _detect_by_head(head: bytes) -> str:
    if head.startswith(b"OggS"):
        return "video/ogg" if get_ogg_codec(head) == "theora" else "audio/ogg"
    if head[4:8] == b"ftyp":
        brand = next((brand for brand in MEDIA_BRANDS if head[8:12].startswith(brand)), None)
        if brand is not None:
            return MEDIA_BRANDS[brand]
    kind = filetype.guess(head)
    return str(kind.mime) if kind is not None else ""


def get_ogg_codec(head: bytes) -> str:
    """Return opus, vorbis or theora for the codec in the first page of an Ogg file; "" for another one."""
    if not head.startswith(b"OggS") or len(head) < OGG_PAGE_HEADER:
        return ""
    packet = head[OGG_PAGE_HEADER + head[OGG_PAGE_HEADER - 1] :]
    signatures = {b"OpusHead": "opus", b"\x01vorbis": "vorbis", b"\x80theora": "theora"}
    return next((codec for signature, codec in signatures.items() if packet.startswith(signature)), "")


def _is_vcard(head: bytes) -> bool:
    """Return whether a contact card starts here, in UTF-8 or, with a byte order mark, in UTF-16."""
    if head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        head = head.decode("utf-16", errors="replace").encode("utf-8")
    return head.lstrip(BOM_UTF8 + b"\r\n ").upper().startswith(b"BEGIN:VCARD")


# -- ZIP ------------------------------------------------------------------------------------------------------------


def _detect_zip_content(file: IO[bytes], declared: str) -> str:
    """Return the type of a document, which may have its parts in any order; else as `filetype` does."""
    names = set(_iter_zip_names(_read_zip_directory(file)))
    if detected := _detect_office_type(names) or next((ZIP_TYPES[part] for part in ZIP_TYPES if part in names), ""):
        return detected
    if declared.startswith(OPEN_DOCUMENT_PREFIX) and OPEN_DOCUMENT_PART in names:
        return declared
    file.seek(0)
    kind = filetype.guess(file.read(HEAD_SIZE))
    # `filetype` goes by the name of the first parts only.
    return "application/zip" if kind is None or kind.mime in OFFICE_TYPES.values() else str(kind.mime)


def _detect_office_type(names: Set[str]) -> str:
    folder = next((folder for folder in OFFICE_TYPES if any(name.startswith(folder) for name in names)), "")
    if not folder or OFFICE_CONTENTS_LIST not in names:
        return ""
    return (MACRO_TYPES if f"{folder}vbaProject.bin" in names else OFFICE_TYPES)[folder]


def _read_zip_directory(file: IO[bytes]) -> bytes:
    """Return the central directory, which is before the end record; b"" without one, or for one that is too long."""
    size = file.seek(0, 2)
    file.seek(max(0, size - MAX_ZIP_COMMENT - ZIP_END_SIZE))
    tail = file.read()
    position = tail.rfind(ZIP_END)
    if position < 0 or len(tail) < position + ZIP_END_SIZE:
        return b""
    (length,) = struct.unpack_from("<I", tail, position + 12)
    start = size - len(tail) + position - length
    if start < 0 or length > MAX_ZIP_DIRECTORY:
        return b""
    file.seek(start)
    return file.read(length)


def _iter_zip_names(directory: bytes) -> Iterator[str]:
    position = 0
    while directory.startswith(ZIP_ENTRY, position) and len(directory) >= position + ZIP_ENTRY_SIZE:
        name_length, extra_length, comment_length = struct.unpack_from("<HHH", directory, position + 28)
        position += ZIP_ENTRY_SIZE
        yield directory[position : position + name_length].decode("utf-8", errors="replace")
        position += name_length + extra_length + comment_length
