"""App configuration of the demonstration."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """Demonstration data."""

    name = "omnichannel.demo"
