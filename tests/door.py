"""Twilio at our door: forms posted and signed as Twilio does it."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.test import Client

from tests.builders import TOKEN, signature

FORM = "application/x-www-form-urlencoded"


def deliver(url: str, form: Any, *, token: str = TOKEN, client: Client | None = None) -> Any:
    """Post `form` to one of our webhook addresses, signed with `token`; the answer."""
    return (client or Client()).post(
        url.removeprefix(settings.PUBLIC_URL),
        urlencode(form, doseq=True),
        content_type=FORM,
        headers={"X-Twilio-Signature": signature(url, form, token)},
    )
