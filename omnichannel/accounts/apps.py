from django.apps import AppConfig
from django.core import checks

from omnichannel.accounts.demonstration import check_demonstration_accounts


class AccountsConfig(AppConfig):
    name = "omnichannel.accounts"
    verbose_name = "People"

    def ready(self) -> None:
        checks.register(check_demonstration_accounts, checks.Tags.security, deploy=True)
