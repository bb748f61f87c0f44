"""`manage.py translations`: update the translation catalogs."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    """Update and compile the translation catalogs."""

    help = (
        "Collect the translatable texts of templates, Python and scripts, update locale/*/LC_MESSAGES/*.po, compile "
        "the .mo files, and list what is not translated. Needs no gettext."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("languages", nargs="*", help="Language codes, such as pt-br (default: all of LANGUAGES).")

    def handle(self, *, languages: list[str], **options: Any) -> None:
        if find_spec("babel") is None:
            raise CommandError("This command needs Babel: pip install --require-hashes -r requirements-dev.lock")
        # Import late: a production server does not have Babel.
        catalogs = import_module("omnichannel.management.translation_catalogs")
        for language in languages or catalogs.LANGUAGES:
            for domain in catalogs.DOMAINS:
                for message in catalogs.untranslated(catalogs.update(language, domain)):
                    self.stdout.write(f"{language}: not translated: {message}")
