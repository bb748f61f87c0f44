from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from omnichannel.conversations.search import index


def ensure_search_index(using: str, **kwargs: Any) -> None:
    """Create the search index again: a migration that rebuilds the table on SQLite drops its triggers."""
    index.ensure_index(using)


class ConversationsConfig(AppConfig):
    name = "omnichannel.conversations"
    verbose_name = "Conversations"

    def ready(self) -> None:
        post_migrate.connect(ensure_search_index, sender=self)
        # Connects its receivers in every process, commands included; it needs the models, so not at the top.
        import_module("omnichannel.conversations.assignment.former_agents")
