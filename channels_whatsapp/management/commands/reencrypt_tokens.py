"""`manage.py reencrypt_tokens`: re-encrypt every token with the first of ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from channels_whatsapp.models import WhatsAppAccount


class Command(BaseCommand):
    """Re-encrypt all tokens in one transaction."""

    help = "Re-encrypt all tokens with the first key in ENCRYPTION_KEYS, so that old keys can be removed."

    def handle(self, **options: Any) -> None:
        with transaction.atomic():
            accounts = list(WhatsAppAccount.objects.select_for_update())
            for account in accounts:
                account.save(update_fields=["auth_token", "secondary_auth_token"])
        self.stdout.write(f"Encrypted the tokens of {len(accounts)} WhatsApp channels with the first key.")
