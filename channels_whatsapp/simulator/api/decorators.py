"""The decorator of Twilio's API views: method, faults, credentials, and errors as Twilio's JSON."""

import base64
import binascii
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt

from channels_whatsapp.simulator.api.errors import TwilioApiError
from channels_whatsapp.simulator.models import Account, Customer, Fault, FaultKind

SLOW_SECONDS = 3.0
HANG_SECONDS = 20.0

ViewFunction = Callable[..., HttpResponse]


def delay_response() -> None:
    """Delay the response for longer than the caller should be willing to wait."""
    time.sleep(getattr(settings, "SIMULATOR_HANG_SECONDS", HANG_SECONDS))


def apply_request_faults(faults: set[str]) -> None:
    """Delay or refuse the call by the faults that apply before it is processed."""
    if FaultKind.SLOW in faults:
        time.sleep(getattr(settings, "SIMULATOR_SLOW_SECONDS", SLOW_SECONDS))
    if FaultKind.WRONG_TOKEN in faults:
        raise TwilioApiError(20003)
    if FaultKind.TOO_MANY in faults:
        raise TwilioApiError(20429)
    if FaultKind.ERROR_BEFORE in faults:
        raise TwilioApiError(20500)


def parse_basic_auth(request: HttpRequest) -> tuple[str, str]:
    """Return user name and password of HTTP Basic authentication; both are empty if there is none."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


def authenticate(request: HttpRequest) -> Account:
    """Return the account whose SID and token came with the call. Raises TwilioApiError 20003."""
    name, password = parse_basic_auth(request)
    account = Account.objects.filter(sid=name).first()
    tokens = [account.auth_token, account.secondary_auth_token] if account else []
    if account is None or not any(token and constant_time_compare(token, password) for token in tokens):
        raise TwilioApiError(20003)
    return account


def twilio_api_view(method: str) -> Callable[[ViewFunction], ViewFunction]:
    """Make a view part of Twilio's API: it receives the calling account, and may raise TwilioApiError.

    An `account_sid` in the URL must be the caller's own.
    """

    def decorate(view: ViewFunction) -> ViewFunction:
        @csrf_exempt
        @wraps(view)
        def wrapper(request: HttpRequest, /, **kwargs: Any) -> HttpResponse:
            try:
                if request.method != method:
                    raise TwilioApiError(20004)
                apply_request_faults(
                    Fault.objects.kinds_for(Customer.objects.find_by_address(request.POST.get("To", "")))
                )
                account = authenticate(request)
                if kwargs.pop("account_sid", account.sid) != account.sid:
                    raise TwilioApiError(20404, path=request.path)
                return view(request, account, **kwargs)
            except TwilioApiError as error:
                return error.to_response()

        return wrapper

    return decorate
