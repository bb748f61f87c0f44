"""Root URL configuration."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from channels_whatsapp.models import WebhookKind
from channels_whatsapp.simulator.urls import get_simulator_urls
from channels_whatsapp.webhooks.views import TwilioWebhookView
from omnichannel.core.health import liveness, readiness
from omnichannel.demo.time_shift import backdate_conversations
from omnichannel.desk.views import scripts, sign_in, sign_out, signed_attachment, styles
from omnichannel.first_administrator import setup

inbound_webhook = TwilioWebhookView.as_view(default_kind=WebhookKind.INBOUND)
status_webhook = TwilioWebhookView.as_view(default_kind=WebhookKind.STATUS)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="desk:inbox")),
    path("admin/", admin.site.urls),
    path("desk/", include("omnichannel.desk.urls")),
    path("setup/<str:token>/", setup, name="setup"),
    path("sign-in/", sign_in, name="sign_in"),
    path("sign-out/", sign_out, name="sign_out"),
    path("assets/<slug:version>/<slug:kind>.css", styles, name="styles"),
    path("assets/<slug:version>/<slug:kind>.<slug:language>.js", scripts, name="scripts"),
    path("media/signed/<str:token>/", signed_attachment, name="signed_attachment"),
    path("webhooks/whatsapp/<str:key>/inbound/", inbound_webhook, name="whatsapp_inbound"),
    path("webhooks/whatsapp/<str:key>/status/", status_webhook, name="whatsapp_status"),
    path("webhooks/whatsapp/<str:key>/status/<uuid:public_id>/", status_webhook, name="whatsapp_message_status"),
    # The last slash is easily lost when the address is pasted, and Twilio does not repeat a POST after a redirect.
    path("webhooks/whatsapp/<str:key>/inbound", inbound_webhook),
    path("webhooks/whatsapp/<str:key>/status", status_webhook),
    path("webhooks/whatsapp/<str:key>/status/<uuid:public_id>", status_webhook),
    path("health/live/", liveness, name="health_live"),
    path("health/ready/", readiness, name="health_ready"),
]

if settings.WHATSAPP_BACKEND == "simulator":
    urlpatterns.append(path("simulator/", include((get_simulator_urls(backdate_conversations), "simulator"))))
