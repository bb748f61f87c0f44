"""App configuration of the administration, which replaces Django's default admin site."""

from django.contrib.admin.apps import AdminConfig


class OmnichannelAdminConfig(AdminConfig):
    default_site = "omnichannel.core.admin.site.OmnichannelAdminSite"
