"""Django app configuration of the desk."""

from django.apps import AppConfig


class DeskConfig(AppConfig):
    """The desk, where agents work."""

    name = "omnichannel.desk"
