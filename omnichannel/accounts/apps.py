"""App configuration of user accounts."""

from django.apps import AppConfig
from django.core import checks

from omnichannel.accounts.demo_accounts import check_demo_accounts


class AccountsConfig(AppConfig):
    """Register the system check for demonstration accounts."""

    name = "omnichannel.accounts"
    verbose_name = "People"

    def ready(self) -> None:
        checks.register(check_demo_accounts, checks.Tags.security, deploy=True)
