"""The door for Twilio: signed forms in, an empty TwiML answer out."""

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
from channels_whatsapp.webhooks.deliveries import ApplyDelivery, clean_payload, receive_delivery
from channels_whatsapp.webhooks.permissions import TwilioSignaturePermission

FORM_CONTENT_TYPE = "application/x-www-form-urlencoded"
# Anything else in the body would be sent to the customer as a reply.
EMPTY_TWIML = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'


class TwilioWebhookView(APIView):
    """Takes a customer's message or a status callback, stores it, and answers 200 only when it is stored.

    `kind` is what a form counts as that does not tell by itself. `apply` is what the desk makes of a delivery;
    `omnichannel/urls.py` joins the two.
    """

    authentication_classes = ()
    permission_classes = (TwilioSignaturePermission,)
    parser_classes = (FormParser,)
    default_kind: WebhookKind = WebhookKind.INBOUND
    apply: ApplyDelivery | None = None
    account: WhatsAppAccount | None = None

    def get_account(self) -> WhatsAppAccount:
        """The account whose key is in the address; 404 for a key that is not known."""
        if self.account is None:
            self.account = WhatsAppAccount.objects.filter(key=remove_nul(self.kwargs["key"])).first()
        if self.account is None:
            raise Http404("No WhatsApp channel has this address.")
        return self.account

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method != "POST":
            raise MethodNotAllowed(str(request.method))
        # The signature covers form parameters only: anything else would pass for an empty form.
        if (request.content_type or "").partition(";")[0].strip().lower() != FORM_CONTENT_TYPE:
            raise UnsupportedMediaType(request.content_type or "")
        super().initial(request, *args, **kwargs)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:
        """The answer is the same whatever the Accept header asks for: a message is not lost over it."""
        return JSONRenderer(), JSONRenderer.media_type

    def post(self, request: Request, key: str, public_id: UUID | None = None) -> HttpResponse:
        if self.apply is None:
            raise TypeError("TwilioWebhookView.as_view() needs apply=.")
        payload = clean_payload(dict(request.POST.lists()))
        receive_delivery(self.get_account(), payload, public_id, self.apply, kind=self.default_kind)
        return HttpResponse(EMPTY_TWIML, content_type="text/xml")
