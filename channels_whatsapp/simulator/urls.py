"""Where the simulator answers: Twilio's hosts as path prefixes, and the phone."""

from collections.abc import Callable

from django.urls import URLPattern, path, re_path

from channels_whatsapp.simulator import api

ACCOUNT = "twilio/api/2010-04-01/Accounts/<str:account_sid>"
MESSAGE = f"{ACCOUNT}/Messages/<str:sid>"
SENDERS = "twilio/messaging/v2/Channels/Senders"
CONTENT = "twilio/content/v1"

TWILIO = [
    path(f"{ACCOUNT}.json", api.fetch_account),
    path(f"{ACCOUNT}/Messages.json", api.messages),
    path(f"{MESSAGE}.json", api.fetch_message),
    path(f"{MESSAGE}/Media.json", api.list_media),
    path(f"{MESSAGE}/Media/<str:media_sid>.json", api.fetch_media),
    path(f"{MESSAGE}/Media/<str:media_sid>", api.media_content),
    path(f"{ACCOUNT}/IncomingPhoneNumbers.json", api.list_numbers),
    path(SENDERS, api.list_senders),
    path(f"{SENDERS}/<str:sid>", api.fetch_sender),
    path("twilio/messaging/v2/Indicators/Typing.json", api.typing),
    path(f"{CONTENT}/Content", api.list_contents),
    path(f"{CONTENT}/ContentAndApprovals", api.list_contents_and_approvals),
    path(f"{CONTENT}/Content/<str:sid>", api.fetch_content),
    path(f"{CONTENT}/Content/<str:sid>/ApprovalRequests", api.fetch_approval),
    path("twilio/cdn/<str:account_sid>/<str:media_sid>/<str:key>", api.cdn, name="cdn"),
    re_path(r"^twilio/(?P<rest>.*)$", api.not_found),
]


def simulator_urls(let_time_pass: Callable[[str], None]) -> list[URLPattern]:
    """The simulator's addresses, to be included under the namespace `simulator`.

    `let_time_pass` is called with a customer's address when 24 hours are to pass for them, so that whoever has a
    clock of its own for that customer can move it too.
    """
    return [*TWILIO]
