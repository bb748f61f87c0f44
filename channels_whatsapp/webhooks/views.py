"""The webhook endpoint for Twilio: takes signed forms, answers with empty TwiML."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from rest_framework.exceptions import MethodNotAllowed, UnsupportedMediaType
from rest_framework.parsers import FormParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from channels_whatsapp.models import WebhookKind, WhatsAppAccount
from channels_whatsapp.text_cleaning import remove_nul
from channels_whatsapp.webhooks.account_cache import find_account
from channels_whatsapp.webhooks.deliveries import clean_payload, store_delivery
from channels_whatsapp.webhooks.permissions import TwilioSignaturePermission

FORM_CONTENT_TYPE = "application/x-www-form-urlencoded"
# Twilio would send any other body to the customer as a reply.
EMPTY_TWIML = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'


class TwilioWebhookView(APIView):
    """Takes a customer's message or a status callback, stores it, and answers 200 only once it is stored.

    `default_kind` is the kind of a form that does not show its kind; `omnichannel/urls.py` passes it.
    """

    authentication_classes = ()
    permission_classes = (TwilioSignaturePermission,)
    parser_classes = (FormParser,)
    default_kind: WebhookKind = WebhookKind.INBOUND
    account: WhatsAppAccount | None = None

    def get_account(self) -> WhatsAppAccount:
        """Return the account whose key is in the URL, at most ACCOUNT_CACHE_SECONDS old.

        Raises:
            Http404: the key is unknown.
        """
        self.account = self.account or find_account(remove_nul(self.kwargs["key"]))
        if self.account is None:
            raise Http404("No WhatsApp channel with this URL.")
        return self.account

    def reload_account(self) -> WhatsAppAccount:
        """Return the account as the database has it now: its token may have changed a moment ago."""
        self.account = find_account(remove_nul(self.kwargs["key"]), is_cached=False)
        return self.get_account()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method != "POST":
            raise MethodNotAllowed(str(request.method))
        # The signature covers form parameters only: a body of another type would count as an empty form.
        if (request.content_type or "").partition(";")[0].strip().lower() != FORM_CONTENT_TYPE:
            raise UnsupportedMediaType(request.content_type or "")
        super().initial(request, *args, **kwargs)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:
        """Ignore the Accept header: the answer is always the same, and no message is lost over it."""
        return JSONRenderer(), JSONRenderer.media_type

    def post(self, request: Request, key: str, public_id: UUID | None = None) -> HttpResponse:
        payload = clean_payload(dict(request.POST.lists()))
        store_delivery(self.get_account(), payload, public_id, kind=self.default_kind)
        return HttpResponse(EMPTY_TWIML, content_type="text/xml")
