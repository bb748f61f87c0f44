"""App configuration of live events."""

from django.apps import AppConfig


class LiveConfig(AppConfig):
    """Live events."""

    name = "omnichannel.live"
    verbose_name = "Live events"
