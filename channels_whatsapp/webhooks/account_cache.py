"""The accounts of webhooks, cached in each process so that a webhook costs one statement.

A token that was taken away counts for up to ACCOUNT_CACHE_SECONDS in other processes; a new one counts at once, because
the view reads the account anew before it refuses a webhook.
"""

import time
from typing import Any, Final

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from channels_whatsapp.models import WhatsAppAccount

ACCOUNT_CACHE_SECONDS: Final = 5.0

_accounts: dict[str, tuple[float, WhatsAppAccount]] = {}


def find_account(key: str, *, is_cached: bool = True) -> WhatsAppAccount | None:
    """Return the account with this key in its webhook URLs; None if there is none.

    Args:
        key: the key in the URL. Unknown keys are not cached: a stranger could fill the memory with them.
        is_cached: whether a row that was read up to ACCOUNT_CACHE_SECONDS ago will do.
    """
    now = time.monotonic()
    read_at, account = _accounts.get(key, (0.0, None))
    if is_cached and account is not None and now - read_at < ACCOUNT_CACHE_SECONDS:
        return account
    account = WhatsAppAccount.objects.filter(key=key).first()
    if account is None:
        _accounts.pop(key, None)
    else:
        _accounts[key] = now, account
    return account


@receiver([post_save, post_delete], sender=WhatsAppAccount)
def clear_account_cache(**kwargs: Any) -> None:
    """Clear the cache after an account was changed in this process."""
    _accounts.clear()
