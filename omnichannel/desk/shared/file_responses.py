"""Responses with files: sandboxed, so that browsers never run them, and with byte ranges."""

import re
from collections.abc import Iterator
from typing import IO, Final

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header

from omnichannel.conversations.models import Attachment

CHUNK_SIZE: Final = 64 * 1024
BYTE_RANGE_PATTERN = re.compile(r"\Abytes=(\d{0,18})-(\d{0,18})\Z")

# Browsers need inline styles for their own page around a picture or a video. Chromium's PDF viewer starts under this
# policy too; for browsers in which it does not, the page offers the PDF in a new tab and as a download.
CONTENT_SECURITY_POLICY: Final = (
    "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
)


def attachment_response(request: HttpRequest, attachment: Attachment, *, download: bool = False) -> HttpResponseBase:
    """Return the file with headers that keep untrusted content from acting as a page.

    Args:
        download: Whether the browser saves the file; a file that can't be displayed is always saved.

    Raises:
        Http404: The file is not stored.
    """
    is_saved = download or attachment.display_type() == "file"
    response = _content_response(request, attachment)
    response["Content-Type"] = attachment.content_type or "application/octet-stream"
    name = "".join(filter(str.isprintable, attachment.name)) or "file"
    response["Content-Disposition"] = content_disposition_header(is_saved, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, max-age=3600"
    return response


def _content_response(request: HttpRequest, attachment: Attachment) -> HttpResponseBase:
    try:
        file = attachment.file.open("rb")
        size = attachment.file.size
    except (ValueError, OSError) as error:  # not downloaded yet, or missing on the disk
        raise Http404("No such file.") from error
    range_header = request.headers.get("Range", "") if request.method == "GET" else ""
    byte_range = parse_range_header(range_header, size)
    if byte_range is None:
        response: HttpResponseBase = FileResponse(file)
    elif byte_range.start >= byte_range.stop:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    else:
        response = StreamingHttpResponse(_read_range(file, byte_range), status=206)
        response["Content-Range"] = f"bytes {byte_range.start}-{byte_range.stop - 1}/{size}"
        response["Content-Length"] = str(len(byte_range))
    response["Accept-Ranges"] = "bytes"
    return response


def parse_range_header(header: str, size: int) -> range | None:
    """Return the byte range of a `Range` header for a file of `size` bytes.

    Returns:
        An empty range when the file has no such bytes, and None when the whole file has to be sent.
    """
    match = BYTE_RANGE_PATTERN.match(header.replace(" ", ""))
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        return range(max(0, size - int(match[2])), size)
    start, end = int(match[1]), int(match[2]) if match[2] else size - 1
    if match[2] and end < start:
        return None
    return range(start, min(end + 1, size))


def _read_range(file: IO[bytes], byte_range: range) -> Iterator[bytes]:
    with file:
        file.seek(byte_range.start)
        remaining = len(byte_range)
        while remaining and (chunk := file.read(min(CHUNK_SIZE, remaining))):
            remaining -= len(chunk)
            yield chunk
