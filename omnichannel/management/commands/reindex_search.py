"""`manage.py reindex_search`: build the search index again, after the rules for words have changed."""

from typing import Any

from django.core.management.base import BaseCommand

from omnichannel.conversations.models import Message
from omnichannel.conversations.search import index


class Command(BaseCommand):
    """Store the words of all messages again, in batches; the desk can be used meanwhile."""

    help = "Build the search index again. Safe to interrupt and to run while the desk is in use."

    def handle(self, *args: Any, **options: Any) -> None:
        index.ensure_index()
        total = 0
        for count in index.rebuild_search_texts(Message.objects.all()):
            total += count
            self.stdout.write(f"{total} messages read", ending="\r")
        self.stdout.write(f"{total} messages are indexed.")
