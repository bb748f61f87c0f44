"""App configuration of user accounts."""

from importlib import import_module

from django.apps import AppConfig
from django.core import checks

from omnichannel.accounts.demo_accounts import check_demo_accounts


class AccountsConfig(AppConfig):
    """Register the system check for demonstration accounts, and the receivers of signals."""

    name = "omnichannel.accounts"
    verbose_name = "People"

    def ready(self) -> None:
        checks.register(check_demo_accounts, checks.Tags.security, deploy=True)
        for module in ("known_browsers", "session_events", "sessions"):
            import_module(f"{self.name}.{module}")
