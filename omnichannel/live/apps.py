from django.apps import AppConfig


class LiveConfig(AppConfig):
    name = "omnichannel.live"
    verbose_name = "Live events"
