"""Fetch a customer's file from Twilio: from Twilio's host, and from the path of our own account only.

Credentials never follow a redirect, which must lead to a public address. Size and time are limited while streaming, and
the bytes decide the content type. See Twilio's "Media subresource".
"""

import re
import tempfile
from dataclasses import dataclass
from typing import IO, Final
from urllib.parse import urljoin, urlsplit

import requests
from django.conf import settings
from django.utils.translation import gettext_noop as _

from channels_whatsapp.backends.hosts import API_BASE_URL, is_simulator_enabled, resolve_url
from channels_whatsapp.file_names import parse_content_disposition
from channels_whatsapp.file_types import detect_content_type
from channels_whatsapp.models import WhatsAppAccount
from omnichannel.core.network.public_http import Deadline, LimitedAdapter, PrivateAddressError

SIZE_LIMIT: Final = 20 * 1024 * 1024  # WhatsApp's own limit is 16 MB
MAX_REDIRECTS = 3
# For a whole file, redirects included: with a limit for each read only, a server could send a byte at a time for ever.
DOWNLOAD_TIMEOUT_SECONDS = 120.0
CHUNK_SIZE = 64 * 1024
UNSAFE_REDIRECT_MESSAGE: Final = _("Twilio redirected the file to an unsafe address.")
SID_PATTERN = "[0-9a-fA-F]{32}"
# Matches the whole URL, not its parsed parts: parsers disagree about malformed URLs.
MEDIA_URL_PATTERN = re.compile(
    rf"\A{re.escape(API_BASE_URL)}/2010-04-01/Accounts/(AC{SID_PATTERN})/Messages/[A-Z]{{2}}{SID_PATTERN}/Media/ME{SID_PATTERN}\Z"
)


class MediaUnavailableError(Exception):
    """The file can't be fetched now, perhaps later: Twilio answers 404 for some seconds after its webhook."""


class MediaRejectedError(Exception):
    """The file must not be fetched; the text gives the reason."""


@dataclass(frozen=True)
class FetchedMedia:
    """A fetched file at its start, with the content type detected from its bytes, and its name if it has one."""

    file: IO[bytes]
    size: int
    content_type: str
    name: str = ""


def validate_media_url(account: WhatsAppAccount, url: str) -> None:
    """Raise MediaRejectedError for any URL but Twilio's media of this account."""
    match = MEDIA_URL_PATTERN.match(url)
    if match is None:
        raise MediaRejectedError(_("The file's address does not belong to Twilio."))
    if match[1].lower() != account.account_sid.lower():
        raise MediaRejectedError(_("The file belongs to another Twilio account."))


def fetch_media(account: WhatsAppAccount, url: str, declared_type: str) -> FetchedMedia:
    """Fetch the file; the caller closes it. Raises MediaUnavailableError or MediaRejectedError."""
    validate_media_url(account, url)
    try:
        credentials = (account.account_sid, account.auth_token)
        with (
            Deadline(DOWNLOAD_TIMEOUT_SECONDS) as deadline,
            _create_session() as session,
            _follow_redirects(session, url, credentials) as response,
        ):
            return _read_body(response, declared_type, deadline)
    except requests.RequestException as error:
        raise MediaUnavailableError(_("Twilio could not be reached.")) from error
    except (ValueError, LookupError) as error:  # URL parsers raise different errors for malformed URLs
        raise MediaRejectedError(UNSAFE_REDIRECT_MESSAGE) from error


def _create_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # credentials from a .netrc must not reach the target of a redirect
    session.adapters.clear()
    session.mount("http://" if is_simulator_enabled() else "https://", LimitedAdapter())
    return session


def _follow_redirects(session: requests.Session, url: str, credentials: tuple[str, str]) -> requests.Response:
    for hop in range(MAX_REDIRECTS + 1):
        response = _get(session, url, None if hop else credentials)
        if response.status_code not in {301, 302, 303, 307, 308}:
            return _check_response(response)
        response.close()
        url = _resolve_redirect(url, response.headers.get("Location", ""))
    raise MediaRejectedError(_("Twilio redirected the file too many times."))


def _get(session: requests.Session, url: str, credentials: tuple[str, str] | None) -> requests.Response:
    try:
        return session.get(
            resolve_url(url), auth=credentials, timeout=settings.TWILIO_TIMEOUT, stream=True, allow_redirects=False
        )
    except PrivateAddressError as error:
        if credentials is not None:  # Twilio's own host: a mistake of the name server, which may pass
            raise MediaUnavailableError(_("Twilio could not be reached.")) from error
        raise MediaRejectedError(_("Twilio redirected the file to a private address.")) from error


def _check_response(response: requests.Response) -> requests.Response:
    if response.status_code == 200:
        return response
    response.close()
    if response.status_code in {401, 403}:
        raise MediaUnavailableError(_("Twilio rejected the credentials."))
    raise MediaUnavailableError(_("Twilio returned error %(number)s.") % {"number": response.status_code})


def _resolve_redirect(url: str, location: str) -> str:
    """Return the redirect's target, which must be HTTPS."""
    target = urljoin(url, location)
    parts = urlsplit(target)
    if parts.scheme != "https" or not parts.hostname or parts.username is not None:
        raise MediaRejectedError(UNSAFE_REDIRECT_MESSAGE)
    return target


def _read_body(response: requests.Response, declared_type: str, deadline: Deadline) -> FetchedMedia:
    file = tempfile.SpooledTemporaryFile(max_size=1024 * 1024)  # noqa: SIM115 (handed to the caller)
    size = 0
    for chunk in response.iter_content(CHUNK_SIZE):
        size += len(chunk)
        if size > SIZE_LIMIT:
            file.close()
            raise MediaRejectedError(
                _("The file is larger than %(number)s MB.") % {"number": SIZE_LIMIT // 1024 // 1024}
            )
        file.write(chunk)
    deadline.raise_if_over()
    file.seek(0)
    name = parse_content_disposition(response.headers.get("Content-Disposition", ""))
    return FetchedMedia(file, size, detect_content_type(file, declared_type), name)
