"""Webhooks as Twilio posts them, to a running server."""

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
    """Return the form of a text message from this customer, with a new SID."""
    number = WhatsAppNumber(account=WhatsAppAccount(account_sid=shop["account_sid"]), number=shop["number"])
    return build_inbound_form(number, f"whatsapp:+49151130{customer:05d}", Body=body)


def post_signed_form(server: str, path: str, form: Form) -> int:
    """Post a signed form over this thread's connection; return the status, or 0 without a response."""
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


def close_connection() -> None:
    """Close this thread's connection; the next post opens a new one."""
    _thread_state.connection.close()


def post_concurrently(server: str, path: str, forms: Sequence[Form], *, threads: int = 8) -> list[int]:
    """Post the forms in this order from several threads; return the statuses."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda form: post_signed_form(server, path, form), forms))
