"""App configuration of events."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    """Events."""

    name = "omnichannel.events"
    verbose_name = "Events"
