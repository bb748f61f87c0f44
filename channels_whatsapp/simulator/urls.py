"""Where the simulator answers: Twilio's hosts as path prefixes, and the phone."""

from collections.abc import Callable

from django.urls import URLPattern, path, re_path

from channels_whatsapp.simulator import api, console, content, phone

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

CHAT = "chats/<int:customer_pk>/<int:sender_pk>"

PHONE = [
    path("", phone.home, name="phone"),
    path("customers/", phone.invent, name="invent"),
    path(f"{CHAT}/", phone.chat, name="chat"),
    path(f"{CHAT}/thread/", phone.thread, name="thread"),
    path(f"{CHAT}/text/", phone.write, {"what": "text"}, name="write_text"),
    path(f"{CHAT}/place/", phone.write, {"what": "place"}, name="write_place"),
    path(f"{CHAT}/contact/", phone.write, {"what": "contact"}, name="write_contact"),
    path(f"{CHAT}/press/", phone.write, {"what": "press"}, name="write_press"),
    path(f"{CHAT}/messages/<int:message_pk>/buttons/<int:index>/", phone.press, name="press"),
    path(f"{CHAT}/habits/", phone.habits, name="habits"),
    path(f"{CHAT}/faults/", phone.faults, {"scope": "customer"}, name="faults"),
    path(f"{CHAT}/faults/everybody/", phone.faults, {"scope": "everybody"}, name="faults_for_all"),
    path("console/", console.console, name="console"),
    path("console/accounts/", console.open_account, name="open_account"),
    path("console/numbers/", console.add_number, name="add_number"),
    path("console/accounts/<int:account_pk>/templates/", content.add_samples, name="add_samples"),
    path("console/templates/<int:content_pk>/", content.set_approval, name="set_approval"),
    path("console/numbers/<int:sender_pk>/", console.set_webhooks, name="set_webhooks"),
]


def simulator_urls(let_time_pass: Callable[[str], None]) -> list[URLPattern]:
    """The simulator's addresses, to be included under the namespace `simulator`.

    `let_time_pass` is webhook_received with a customer's address when 24 hours are to pass for them, so that whoever has a
    clock of its own for that customer can move it too.
    """
    day = path(f"{CHAT}/day/", phone.let_a_day_pass, {"let_time_pass": let_time_pass}, name="day")
    return [*TWILIO, *PHONE, day]
