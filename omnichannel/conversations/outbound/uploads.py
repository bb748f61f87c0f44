"""What files an agent may send on WhatsApp, and how Twilio gets them.

Types and sizes: Twilio, "Supported file types and size limits for WhatsApp".
"""

from __future__ import annotations

from typing import Final

import filetype
from django.conf import settings
from django.core import signing
from django.core.files import File
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext, gettext_lazy

from omnichannel.conversations.models import Attachment

MB: Final = 1024 * 1024
IMAGE_LIMIT, OTHER_LIMIT = 5 * MB, 16 * MB
OFFICE = "application/vnd.openxmlformats-officedocument"
LIMITS: dict[str, int] = {
    "image/jpeg": IMAGE_LIMIT,
    "image/png": IMAGE_LIMIT,
    "audio/mpeg": OTHER_LIMIT,
    "audio/ogg": OTHER_LIMIT,
    "audio/amr": OTHER_LIMIT,
    "audio/aac": OTHER_LIMIT,
    "video/mp4": OTHER_LIMIT,
    "video/3gpp": OTHER_LIMIT,
    "application/pdf": OTHER_LIMIT,
    "application/msword": OTHER_LIMIT,
    f"{OFFICE}.wordprocessingml.document": OTHER_LIMIT,
    f"{OFFICE}.presentationml.presentation": OTHER_LIMIT,
    f"{OFFICE}.spreadsheetml.sheet": OTHER_LIMIT,
}
KINDS_IN_WORDS = gettext_lazy(
    "JPEG and PNG pictures, MP3, OGG, AMR and AAC audio, MP4 and 3GP video, PDF, Word, Excel and PowerPoint"
)
SIGNED_FOR: Final = 6 * 3600  # seconds; Twilio keeps a message queued for up to four hours
_SALT = "media offered to twilio"


class FileRefused(ValueError):
    """This file can't be sent on WhatsApp; the text says why and what can."""


def checked_type(file: File[bytes]) -> str:
    """What the file is, by its first bytes. Raises FileRefused for a type or a size WhatsApp does not take."""
    size = file.size or 0
    if size == 0:
        raise FileRefused(gettext("This file is empty."))
    head = file.read(8192)
    file.seek(0)
    guess = filetype.guess(head)
    found = {"audio/x-wav": "audio/wav", "application/ogg": "audio/ogg"}.get(guess.mime, guess.mime) if guess else ""
    if found not in LIMITS:
        raise FileRefused(
            gettext("WhatsApp does not take this kind of file. It takes %(kinds)s.") % {"kinds": KINDS_IN_WORDS}
        )
    if size > LIMITS[found]:
        raise FileRefused(
            gettext("This file has %(size)s MB; WhatsApp takes up to %(limit)s MB here.")
            % {"size": number_format(size / MB, 1), "limit": LIMITS[found] // MB}
        )
    return found


def signed_link(attachment: Attachment) -> str:
    """An address from which Twilio may fetch this file for some hours, without signing in."""
    token = signing.dumps(attachment.pk, salt=_SALT)
    return settings.PUBLIC_URL + reverse("offered_file", args=[token])


def offered(token: str) -> Attachment | None:
    """The file a signed link is for; None when the link is forged, too old, or for a file that is gone."""
    try:
        pk = signing.loads(token, salt=_SALT, max_age=SIGNED_FOR)
    except signing.BadSignature:
        return None
    return Attachment.objects.filter(pk=pk).exclude(file="").first()
