"""Where everything answers, and where the channel and the desk are joined."""

from django.contrib import admin
from django.urls import path

from channels_whatsapp.models import WebhookKind
from channels_whatsapp.webhooks import TwilioWebhookView
from omnichannel.conversations.webhooks import apply_delivery
from omnichannel.health import live, ready

inbound = TwilioWebhookView.as_view(kind=WebhookKind.INBOUND, apply=apply_delivery)
status = TwilioWebhookView.as_view(kind=WebhookKind.STATUS, apply=apply_delivery)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("webhooks/whatsapp/<str:key>/inbound/", inbound, name="whatsapp_inbound"),
    path("webhooks/whatsapp/<str:key>/status/", status, name="whatsapp_status"),
    path("webhooks/whatsapp/<str:key>/status/<uuid:public_id>/", status, name="whatsapp_message_status"),
    path("health/live/", live, name="health_live"),
    path("health/ready/", ready, name="health_ready"),
]
