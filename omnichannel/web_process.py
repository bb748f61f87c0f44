"""The WSGI application of a web process behind nginx: `granian --interface wsgi omnichannel.web_process:application`.

nginx buffers requests and limits their time, which `omnichannel.asgi` does where no proxy is in front.
"""

from django.conf import settings
from granian.utils.proxies import wrap_wsgi_with_proxy_headers

from omnichannel.wsgi import application as django

application = wrap_wsgi_with_proxy_headers(django, trusted_hosts=settings.TRUSTED_PROXIES)
