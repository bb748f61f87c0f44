"""The admin site, with the product's sidebar groups."""

from django.contrib.admin import AdminSite


class OmnichannelAdminSite(AdminSite):
    site_header = "Omnichannel"
    site_title = "Omnichannel"
    index_title = "Administration"
