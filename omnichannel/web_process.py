"""The WSGI application of a web process behind nginx: `granian --interface wsgi omnichannel.web_process:application`.

Importing this module is the start of the process. nginx buffers requests and limits their time, which
`omnichannel.asgi` does where no proxy is in front.
"""

from django.conf import settings
from granian.utils.proxies import wrap_wsgi_with_proxy_headers

from omnichannel.wsgi import application as django

# It needs Django to be set up, which the import above does.
from omnichannel.core.wakeups import start_sender  # isort: skip

start_sender()
application = wrap_wsgi_with_proxy_headers(django, trusted_hosts=settings.TRUSTED_PROXIES)
