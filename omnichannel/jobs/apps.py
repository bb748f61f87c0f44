"""App configuration of background jobs."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Background jobs."""

    name = "omnichannel.jobs"
    verbose_name = "Background jobs"
