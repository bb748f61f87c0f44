"""Names of files: the name a customer gave a document, made safe to show and to save, and the ending of a type."""

import mimetypes
import re
import unicodedata
from typing import Final
from urllib.parse import unquote

MAX_NAME_LENGTH: Final = 120
UNKNOWN_TYPE: Final = "application/octet-stream"
OFFICE_PREFIX: Final = "application/vnd.openxmlformats-officedocument"
# The types that WhatsApp transports. Python's own table differs between systems, and lacks some of them.
ENDINGS: Final[dict[str, str]] = {
    "application/pdf": ".pdf",
    "application/msword": ".doc",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.ms-powerpoint": ".ppt",
    f"{OFFICE_PREFIX}.wordprocessingml.document": ".docx",
    f"{OFFICE_PREFIX}.spreadsheetml.sheet": ".xlsx",
    f"{OFFICE_PREFIX}.presentationml.presentation": ".pptx",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/vnd.oasis.opendocument.presentation": ".odp",
    "application/vnd.ms-word.document.macroenabled.12": ".docm",
    "application/vnd.ms-excel.sheet.macroenabled.12": ".xlsm",
    "application/vnd.ms-powerpoint.presentation.macroenabled.12": ".pptm",
    "application/vnd.android.package-archive": ".apk",
    "application/java-archive": ".jar",
    "application/epub+zip": ".epub",
    "application/zip": ".zip",
    "application/json": ".json",
    "application/rtf": ".rtf",
    "text/plain": ".txt",
    "text/csv": ".csv",
    "text/html": ".html",
    "text/vcard": ".vcf",
    "text/x-vcard": ".vcf",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/heic": ".heic",
    "image/tiff": ".tif",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "audio/aac": ".aac",
    "audio/amr": ".amr",
    "audio/ogg": ".ogg",
    "audio/webm": ".weba",
    "audio/3gpp": ".3gp",
    "audio/x-matroska": ".mka",
    "audio/x-caf": ".caf",
    "video/mp4": ".mp4",
    "video/3gpp": ".3gp",
    "video/quicktime": ".mov",
    "video/x-matroska": ".mkv",
}
TYPES: Final = {ending: content_type for content_type, ending in reversed(ENDINGS.items())}
# Names that Twilio's storage gives to a file without a name.
SID_NAME = re.compile(r"\A[A-Z]{2}[0-9a-f]{32}(\.\w+)?\Z")
ENDING = re.compile(r"\.(?=\w*[A-Za-z])[A-Za-z0-9]{1,8}\Z")

ENCODED_PARAMETER = re.compile(r";\s*filename\*\s*=\s*([\w-]*)'[^']*'([^;\s]+)", re.IGNORECASE)
QUOTED_PARAMETER = re.compile(r';\s*filename\s*=\s*"((?:\\.|[^"\\])*)"', re.IGNORECASE)
PLAIN_PARAMETER = re.compile(r";\s*filename\s*=\s*([^;\s\"]+)", re.IGNORECASE)
QUOTED_TEXT = re.compile(r'"(?:\\.|[^"\\])*"')

INVISIBLE_CATEGORIES: Final = {"Cc", "Cs", "Zl", "Zp"}
# Joiners that change how the letters around them look; all other format characters are removed.
JOINERS: Final = "\u200c\u200d"


def clean_file_name(text: str) -> str:
    """Return a name without path, control characters and marks of direction, of at most 120 characters.

    A mark of direction can make `invoice-fdp.exe` look like `invoice-exe.pdf`.
    """
    visible = "".join(char for char in unicodedata.normalize("NFC", text) if not _is_invisible(char))
    last_part = re.split(r"[/\\]", visible)[-1]
    name = " ".join(last_part.split()).strip(". ")
    ending = get_ending(name)
    return name[: len(name) - len(ending)][: MAX_NAME_LENGTH - len(ending)].rstrip() + ending


def _is_invisible(char: str) -> bool:
    category = unicodedata.category(char)
    return category in INVISIBLE_CATEGORIES or (category == "Cf" and char not in JOINERS)


def get_ending(name: str) -> str:
    """Return the ending of a name with its dot; "" for one without, or with digits only."""
    match = ENDING.search(name)
    return match[0] if match and match.start() else ""


def parse_content_disposition(header: str) -> str:
    """Return the cleaned file name in a Content-Disposition header (RFC 6266); "" without one.

    The encoded form has precedence. Names that Twilio made from a SID are no names.
    """
    text = _decode_header(header)
    if encoded := ENCODED_PARAMETER.search(QUOTED_TEXT.sub('""', text)):
        name = unquote(encoded[2], encoding="latin-1" if encoded[1].lower() == "iso-8859-1" else "utf-8")
    elif quoted := QUOTED_PARAMETER.search(text):
        name = re.sub(r"\\(.)", r"\1", quoted[1])
    else:
        plain = PLAIN_PARAMETER.search(text)
        name = plain[1] if plain else ""
    cleaned = clean_file_name(name)
    return "" if SID_NAME.match(cleaned) else cleaned


def _decode_header(header: str) -> str:
    """Return the header as text: many servers send UTF-8, although HTTP headers are Latin-1."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header


def guess_ending(content_type: str) -> str:
    """Return the usual ending of a content type with its dot; "" for an unknown one."""
    bare = content_type.partition(";")[0].strip().lower()
    return ENDINGS.get(bare) or (mimetypes.guess_extension(bare) if bare != UNKNOWN_TYPE else "") or ""


def guess_type(name: str) -> str:
    """Return the content type for the ending of a name; "" for an unknown one."""
    ending = get_ending(name).lower()
    return TYPES.get(ending) or mimetypes.guess_type(f"file{ending}")[0] or ""


def add_ending(name: str, content_type: str, declared_type: str) -> str:
    """Return the name with an ending; a missing one follows the content, or the declared type if that can't tell."""
    if get_ending(name):
        return name
    return name + (guess_ending(content_type) or guess_ending(declared_type))


def is_name_of_document(text: str, declared_type: str) -> bool:
    """Return whether the text that came with a file is the name of a document, and no caption.

    Twilio has no parameter for the name: it is in `Body`.
    """
    bare = declared_type.partition(";")[0].strip().lower()
    ending = get_ending(text.strip()).lower()
    if bare.startswith(("image/", "audio/", "video/")) or not ending or len(text.splitlines()) > 1:
        return False
    return bare in {"", UNKNOWN_TYPE} or ending == guess_ending(bare) or guess_type(text.strip()) == bare


def is_same_name(name: str, other: str) -> bool:
    """Return whether two names are the same but for what is lost on the way, such as accents and punctuation."""
    stem, other_stem = _fold_to_ascii(_get_stem(name)), _fold_to_ascii(_get_stem(other))
    return _fold(name) == _fold(other) or (stem != "" and stem == other_stem)


def _get_stem(name: str) -> str:
    return name.removesuffix(get_ending(name))


def _fold(name: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", name).casefold()))


def _fold_to_ascii(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    return "".join(char for char in decomposed if char.isascii() and char.isalnum())
