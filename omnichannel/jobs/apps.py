from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "omnichannel.jobs"
    verbose_name = "Work in the background"
