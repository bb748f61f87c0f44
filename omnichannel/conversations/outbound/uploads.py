"""Files that agents may send on WhatsApp, and the signed URLs at which Twilio fetches them.

Types and sizes: Twilio, "Supported file types and size limits for WhatsApp".
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.core import signing
from django.core.files import File
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext, gettext_lazy

from channels_whatsapp.file_names import OFFICE_PREFIX, guess_type
from channels_whatsapp.file_types import HEAD_SIZE, detect_content_type, get_ogg_codec
from omnichannel.conversations.models import Attachment

MB: Final = 1024 * 1024
MAX_IMAGE_BYTES, MAX_FILE_BYTES = 5 * MB, 16 * MB
MAX_BYTES_BY_TYPE: dict[str, int] = {
    "image/jpeg": MAX_IMAGE_BYTES,
    "image/png": MAX_IMAGE_BYTES,
    "audio/mpeg": MAX_FILE_BYTES,
    "audio/ogg": MAX_FILE_BYTES,
    "audio/amr": MAX_FILE_BYTES,
    "audio/aac": MAX_FILE_BYTES,
    "audio/mp4": MAX_FILE_BYTES,
    "video/mp4": MAX_FILE_BYTES,
    "video/3gpp": MAX_FILE_BYTES,
    "application/pdf": MAX_FILE_BYTES,
    "application/msword": MAX_FILE_BYTES,
    f"{OFFICE_PREFIX}.wordprocessingml.document": MAX_FILE_BYTES,
    f"{OFFICE_PREFIX}.presentationml.presentation": MAX_FILE_BYTES,
    f"{OFFICE_PREFIX}.spreadsheetml.sheet": MAX_FILE_BYTES,
}
SUPPORTED_TYPES_TEXT = gettext_lazy(
    "JPEG and PNG images, MP3, M4A, OGG (Opus), AMR and AAC audio, MP4 and 3GP video, PDF, Word, Excel and PowerPoint"
)
LINK_MAX_AGE_SECONDS: Final = 6 * 3600  # Twilio keeps a message queued for up to four hours
_LINK_SALT = "media offered to twilio"


class UploadError(ValueError):
    """The file can't be sent on WhatsApp; the text is for the user."""


def validate_upload(file: File[bytes]) -> str:
    """Return the content type of a file, detected from its bytes.

    Raises:
        UploadError: WhatsApp does not accept its type or size, or it is empty.
    """
    size = file.size or 0
    if size == 0:
        raise UploadError(gettext("This file is empty."))
    content_type = detect_content_type(file, _get_declared_type(file))
    # Twilio: "WhatsApp outbound OGG is only supported when the ogg file uses the opus codec".
    if content_type == "audio/ogg" and not _is_opus(file):
        raise UploadError(gettext("WhatsApp takes OGG files only with the Opus codec. Send this one as MP3 or M4A."))
    if content_type not in MAX_BYTES_BY_TYPE:
        raise UploadError(
            gettext("This file type is not supported. Supported: %(kinds)s.") % {"kinds": SUPPORTED_TYPES_TEXT}
        )
    if size > MAX_BYTES_BY_TYPE[content_type]:
        raise UploadError(
            gettext("This file is %(size)s MB. The limit is %(limit)s MB.")
            % {"size": number_format(size / MB, 1), "limit": MAX_BYTES_BY_TYPE[content_type] // MB}
        )
    return content_type


def _get_declared_type(file: File[bytes]) -> str:
    """Return the type that the browser gave, or that the name shows."""
    return getattr(file, "content_type", "") or guess_type(file.name or "")


def _is_opus(file: File[bytes]) -> bool:
    head = file.read(HEAD_SIZE)
    file.seek(0)
    return get_ogg_codec(head) == "opus"


def get_signed_url(attachment: Attachment) -> str:
    """Return a URL from which Twilio can fetch the file without signing in, for LINK_MAX_AGE_SECONDS."""
    token = signing.dumps(attachment.pk, salt=_LINK_SALT)
    return settings.PUBLIC_URL + reverse("signed_attachment", args=[token])


def get_attachment_by_token(token: str) -> Attachment | None:
    """Return the file of a signed URL; None when the token is invalid or expired, or the file is deleted."""
    try:
        pk = signing.loads(token, salt=_LINK_SALT, max_age=LINK_MAX_AGE_SECONDS)
    except signing.BadSignature:
        return None
    return Attachment.objects.filter(pk=pk).exclude(file="").first()
