"""Files as answers: never run by the browser, never more than asked for, pieces of sound and film on request."""

import re
from collections.abc import Iterator
from typing import IO, Final

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header

from omnichannel.conversations.models import Attachment

CHUNK_SIZE: Final = 64 * 1024
BYTE_RANGE_PATTERN = re.compile(r"\Abytes=(\d{0,18})-(\d{0,18})\Z")

# The styles are the browser's own, for a picture or a film that fills its page. Chromium's PDF viewer starts under this
# policy too; where a browser's does not, the page offers the PDF in a new tab and as a download beside the frame.
CONTENT_SECURITY_POLICY: Final = (
    "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
)


def attachment_response(request: HttpRequest, attachment: Attachment, *, download: bool = False) -> HttpResponseBase:
    """The file with headers that keep a stranger's bytes from acting as a page; Http404 when it is not there."""
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
    except (ValueError, OSError) as error:  # no file yet, or it is gone from the disk
        raise Http404("No such file.") from error
    asked = request.headers.get("Range", "") if request.method == "GET" else ""
    span = parse_range_header(asked, size)
    if span is None:
        response: HttpResponseBase = FileResponse(file)
    elif span.start >= span.stop:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    else:
        response = StreamingHttpResponse(_read_range(file, span), status=206)
        response["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
        response["Content-Length"] = str(len(span))
    response["Accept-Ranges"] = "bytes"
    return response


def parse_range_header(header: str, size: int) -> range | None:
    """The bytes a `Range` header asks for; an empty range when there are none such, None when it asks for all."""
    match = BYTE_RANGE_PATTERN.match(header.replace(" ", ""))
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        return range(max(0, size - int(match[2])), size)
    start, end = int(match[1]), int(match[2]) if match[2] else size - 1
    if match[2] and end < start:
        return None
    return range(start, min(end + 1, size))


def _read_range(file: IO[bytes], span: range) -> Iterator[bytes]:
    with file:
        file.seek(span.start)
        left = len(span)
        while left and (chunk := file.read(min(CHUNK_SIZE, left))):
            left -= len(chunk)
            yield chunk
