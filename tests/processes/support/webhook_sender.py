"""Twilio posting webhooks to a server that really runs."""

import http.client
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

from channels_whatsapp.models import WhatsAppAccount, WhatsAppNumber
from tests.builders import build_inbound_form, compute_signature

Form = dict[str, str]
_thread_state = threading.local()


def build_text_form(shop: dict[str, str], customer: int, body: str) -> Form:
    """The form of a text message from this customer, each with a SID of its own."""
    number = WhatsAppNumber(account=WhatsAppAccount(account_sid=shop["account_sid"]), number=shop["number"])
    return build_inbound_form(number, f"whatsapp:+49151130{customer:05d}", Body=body)


def post_signed_form(server: str, path: str, form: Form) -> int:
    """Post it, signed, over this thread's connection; the answer's status, 0 where none came."""
    host = urlsplit(server).netloc
    if getattr(_thread_state, "host", "") != host:
        _thread_state.host, _thread_state.connection = host, http.client.HTTPConnection(host, timeout=60)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": compute_signature(server + path, form),
    }
    try:
        _thread_state.connection.request("POST", path, urlencode(form), headers)
        answer = _thread_state.connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        _thread_state.connection.close()
        return 0
    return int(answer.status)


def post_concurrently(server: str, path: str, forms: Sequence[Form], *, threads: int = 8) -> list[int]:
    """Post them in this order, as many at once as there are threads; the statuses."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda form: post_signed_form(server, path, form), forms))
