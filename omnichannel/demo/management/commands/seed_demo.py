"""`manage.py seed_demo`: fill an empty database with demonstration data."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from omnichannel.accounts.demo_accounts import DEMO_PASSWORD, get_active_demo_usernames
from omnichannel.demo.seed import is_database_empty, seed_database
from omnichannel.demo.users import DEMO_USERS


class Command(BaseCommand):
    """Seed the database and print the demonstration accounts."""

    help = "Fill an empty database with a small shop, its people, and customers who write through the simulator."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="Do nothing where something is set up already.")

    def handle(self, *, if_empty: bool, **options: Any) -> None:
        self.stdout.write("Migrating the database…")
        call_command("migrate", verbosity=0, interactive=False)
        if not settings.DEMO_ALLOWED:
            if if_empty:
                return
            raise CommandError("The demonstration needs the simulator: set WHATSAPP_BACKEND=simulator.")
        if is_database_empty():
            self.stdout.write("Filling the empty database with demonstration data …")
            seed_database()
        elif not if_empty:
            raise CommandError("Something is set up here already; demonstration data goes into an empty database.")
        self._print_accounts()

    def _print_accounts(self) -> None:
        names = get_active_demo_usernames()
        lines = [f"  {p.username:8} {DEMO_PASSWORD:18} {p.role}" for p in DEMO_USERS if p.username in names]
        if lines:
            self.stdout.write("\n".join(["Sign in with one of these names and passwords:", *lines]))
