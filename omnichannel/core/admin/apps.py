"""App configuration of the administration, which replaces Django's default admin site."""

from django.contrib.admin.apps import AdminConfig
from django.db.backends.signals import connection_created

from omnichannel.core.db import register_sqlite_functions


class OmnichannelAdminConfig(AdminConfig):
    """Use OmnichannelAdminSite as the default admin site; the only app of `omnichannel.core`."""

    default_site = "omnichannel.core.admin.site.OmnichannelAdminSite"

    def ready(self) -> None:
        super().ready()
        connection_created.connect(register_sqlite_functions)
