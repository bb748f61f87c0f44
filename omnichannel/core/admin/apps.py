"""App configuration of the administration, which replaces Django's default admin site."""

from django.contrib.admin.apps import AdminConfig


class OmnichannelAdminConfig(AdminConfig):
    """Use OmnichannelAdminSite as the default admin site."""

    default_site = "omnichannel.core.admin.site.OmnichannelAdminSite"
