"""Allow webhooks only with a signature made with the account's token."""

import logging
from functools import lru_cache

from django.conf import settings
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView
from twilio.request_validator import RequestValidator

from channels_whatsapp.models import WhatsAppAccount

logger = logging.getLogger(__name__)


@lru_cache(maxsize=64)
def _validator(token: str) -> RequestValidator:
    return RequestValidator(token)


def has_valid_signature(request: Request, account: WhatsAppAccount) -> bool:
    """Return whether Twilio signed this request with a token we accept.

    The signature covers PUBLIC_URL and the path as received. The Host header is not used: a proxy may change it and a
    stranger may choose it. See Twilio's "Webhooks security".
    """
    signature = request.headers.get("X-Twilio-Signature", "")
    url = settings.PUBLIC_URL + request.get_full_path()
    return any(_validator(token).validate(url, request.POST, signature) for token in account.accepted_tokens)


class TwilioSignaturePermission(BasePermission):
    """Refuse with 403 any request not signed by the account in the URL; none of it is stored."""

    message = "The signature is missing or wrong."
    refused_count = 0

    def has_permission(self, request: Request, view: APIView) -> bool:
        account: WhatsAppAccount = view.get_account()  # type: ignore[attr-defined]
        if has_valid_signature(request, account):
            return True
        if has_valid_signature(request, view.reload_account()):  # type: ignore[attr-defined]
            return True
        type(self).refused_count += 1
        logger.warning(
            "Refused a webhook with a missing or wrong signature for the channel %s (%d since the start).",
            account.pk,
            type(self).refused_count,
        )
        return False
