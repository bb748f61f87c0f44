"""`manage.py reindex_search`: build the search index again, after the rules for words have changed."""

from typing import Any

from django.core.management.base import BaseCommand

from omnichannel.conversations.search import index


class Command(BaseCommand):
    """Store the words of all messages and contacts again, in batches; the desk can be used meanwhile."""

    help = "Build the search index again. Safe to interrupt and to run while the desk is in use."

    def handle(self, *args: Any, **options: Any) -> None:
        index.ensure_index()
        total = 0
        for count in index.rebuild_words():
            total += count
            self.stdout.write(f"{total} messages and contacts read", ending="\r")
        self.stdout.write(f"{total} messages and contacts are indexed.")
