"""The simulator's URLs: Twilio's hosts as path prefixes, the phone and the console."""

from collections.abc import Callable

from django.urls import URLPattern, path, re_path

from channels_whatsapp.simulator.api import views as api
from channels_whatsapp.simulator.console import template_views as content
from channels_whatsapp.simulator.console import views as console
from channels_whatsapp.simulator.phone import views as phone
from channels_whatsapp.simulator.phone.forms import MESSAGE_FORMS

ACCOUNT_PATH = "twilio/api/2010-04-01/Accounts/<str:account_sid>"
MESSAGE_PATH = f"{ACCOUNT_PATH}/Messages/<str:sid>"
SENDERS_PATH = "twilio/messaging/v2/Channels/Senders"
CONTENT_PATH = "twilio/content/v1"

API_URL_PATTERNS = [
    path(f"{ACCOUNT_PATH}.json", api.fetch_account),
    path(f"{ACCOUNT_PATH}/Messages.json", api.create_or_list_messages),
    path(f"{MESSAGE_PATH}.json", api.fetch_message),
    path(f"{MESSAGE_PATH}/Media.json", api.list_media),
    path(f"{MESSAGE_PATH}/Media/<str:media_sid>.json", api.fetch_media),
    path(f"{MESSAGE_PATH}/Media/<str:media_sid>", api.redirect_to_media_content),
    path(f"{ACCOUNT_PATH}/IncomingPhoneNumbers.json", api.list_phone_numbers),
    path(SENDERS_PATH, api.list_senders),
    path(f"{SENDERS_PATH}/<str:sid>", api.fetch_sender),
    path("twilio/messaging/v2/Indicators/Typing.json", api.create_typing_indicator),
    path(f"{CONTENT_PATH}/Content", api.list_contents),
    path(f"{CONTENT_PATH}/ContentAndApprovals", api.list_contents_and_approvals),
    path(f"{CONTENT_PATH}/Content/<str:sid>", api.fetch_content),
    path(f"{CONTENT_PATH}/Content/<str:sid>/ApprovalRequests", api.fetch_approval),
    path("twilio/cdn/<str:account_sid>/<str:media_sid>/<str:key>", api.serve_media_content, name="cdn"),
    re_path(r"^twilio/(?P<rest>.*)$", api.not_found),
]

CHAT_PATH = "chats/<int:customer_pk>/<int:sender_pk>"

PHONE_URL_PATTERNS = [
    path("", phone.home, name="phone"),
    path("customers/", phone.add_customer, name="add_customer"),
    path("customers/list/", phone.show_customers, name="customer_list"),
    path(f"{CHAT_PATH}/", phone.show_chat, name="chat"),
    path(f"{CHAT_PATH}/thread/", phone.show_thread, name="thread"),
    path(f"{CHAT_PATH}/window/", phone.show_window_state, name="window_state"),
    *(
        path(f"{CHAT_PATH}/{name.replace('_', '-')}/", phone.send_message, {"form_name": name}, name=f"send_{name}")
        for name in MESSAGE_FORMS
    ),
    path(f"{CHAT_PATH}/messages/<int:message_pk>/buttons/<int:index>/", phone.press_button, name="press_button"),
    path(f"{CHAT_PATH}/settings/", phone.update_customer_settings, name="customer_settings"),
    path(f"{CHAT_PATH}/faults/", phone.update_faults, {"scope": "customer"}, name="faults"),
    path(f"{CHAT_PATH}/faults/all/", phone.update_faults, {"scope": "all"}, name="faults_for_all"),
    path("console/", console.show_console, name="console"),
    path("console/list/", console.show_accounts, name="account_list"),
    path("console/accounts/", console.add_account, name="add_account"),
    path("console/numbers/", console.add_number, name="add_number"),
    path("console/accounts/<int:account_pk>/templates/", content.add_samples, name="add_sample_templates"),
    path("console/templates/<int:content_pk>/", content.set_approval, name="set_approval"),
    path("console/numbers/<int:sender_pk>/", console.set_webhooks, name="set_webhooks"),
]


def get_simulator_urls(on_day_skipped: Callable[[str], None]) -> list[URLPattern]:
    """Return the simulator's URL patterns, to be included under the namespace `simulator`.

    Args:
        on_day_skipped: Called with a customer's address when 24 hours are to pass for them, so that the caller can move
            its own times for that customer too.
    """
    skip_day_path = path(f"{CHAT_PATH}/skip-day/", phone.skip_day, {"on_day_skipped": on_day_skipped}, name="skip_day")
    return [*API_URL_PATTERNS, *PHONE_URL_PATTERNS, skip_day_path]
