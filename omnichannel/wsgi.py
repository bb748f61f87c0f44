"""The WSGI application: everything but the live event stream."""

import os

from django.core.wsgi import get_wsgi_application

from omnichannel.core.network.request_guard import RequestGuard
from omnichannel.core.private_files import set_private_umask

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omnichannel.settings")

set_private_umask()
application = RequestGuard(get_wsgi_application())
