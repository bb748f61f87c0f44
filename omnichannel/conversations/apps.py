from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ConversationsConfig(AppConfig):
    name = "omnichannel.conversations"
    verbose_name = "Conversations"

    def ready(self) -> None:
        # They need the models, so not at the top.
        index = import_module("omnichannel.conversations.search.index")
        post_migrate.connect(index.complete_index, sender=self)
        # Connects its receivers in every process, commands included.
        import_module("omnichannel.conversations.assignment.former_agents")
