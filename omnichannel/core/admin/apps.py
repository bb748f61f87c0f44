"""The administration: Django's own admin under the product's name and groups."""

from django.contrib.admin.apps import AdminConfig


class OmnichannelAdminConfig(AdminConfig):
    default_site = "omnichannel.core.admin.site.OmnichannelAdminSite"
