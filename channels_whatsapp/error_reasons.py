"""Explain Twilio's error codes in words an agent can act on.

A table with a default, as Twilio advises, because codes come and go. Sources: Twilio's error dictionary, and its page
"WhatsApp error codes" for the codes that stand for WhatsApp's own.
"""

import re
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from channels_whatsapp.models import ApprovalStatus

OUTSIDE_WINDOW = 63016
OPTED_OUT = 21610
CREDENTIALS_REJECTED = 20003
TEMPLATE_NOT_FOUND_CODES = frozenset({21655, 60228})
# Twilio or WhatsApp did not take the message because there were too many: it may be sent again, later.
RATE_LIMIT_CODES = frozenset({63017, 63018})
# The approval status of a template that an error code implies.
APPROVAL_BY_ERROR_CODE = {
    63040: ApprovalStatus.REJECTED,
    63041: ApprovalStatus.PAUSED,
    63042: ApprovalStatus.DISABLED,
}

NO_REASON: Final = _("WhatsApp did not deliver the message and gave no reason.")
# Twilio's client puts this in front of Twilio's own text.
CLIENT_PREFIX = re.compile(
    r"\A(?:HTTP \d{3} error: )?Unable to (?:create|fetch|update|delete) (?:record|page)(?:: |\Z)"
)


@dataclass(frozen=True)
class ErrorReason:
    """Why a message was not delivered and what to do about it, in English for `gettext`.

    Attributes:
        can_resend: whether the same message, unchanged, may arrive if it is sent again.
        template_text: what the code means for a template instead, which can't be sent again then.
    """

    text: str
    can_resend: bool = True
    template_text: str = ""


ERROR_REASONS: Final[dict[int, ErrorReason]] = {
    # Twilio's API
    20003: ErrorReason(
        _("Twilio rejected the credentials. Ask an administrator to check the channel's Account SID and Auth Token.")
    ),
    20005: ErrorReason(
        _("The Twilio account is suspended or closed. Ask an administrator to check it in the Twilio Console.")
    ),
    20404: ErrorReason(_("Twilio can't find this message.")),
    21211: ErrorReason(
        _("Twilio doesn't accept this recipient address. Check the customer's number."), can_resend=False
    ),
    21408: ErrorReason(
        _("Sending to this country is disabled in the Twilio account. Ask an administrator to enable it.")
    ),
    21603: ErrorReason(_("The sender was missing. Ask an administrator to check the channel and its number.")),
    21604: ErrorReason(_("The recipient was missing. Check the customer's number."), can_resend=False),
    21606: ErrorReason(
        _("Our number can't send to this recipient. Ask an administrator to check the number in the Twilio Console.")
    ),
    21609: ErrorReason(
        _("Twilio doesn't accept the address of this server. Ask an administrator to check PUBLIC_URL.")
    ),
    21610: ErrorReason(
        _("The customer has opted out of our messages. You can write again once they message us."), can_resend=False
    ),
    21611: ErrorReason(_("Too many messages are queued at Twilio for our number. Try again later.")),
    21612: ErrorReason(
        _("Twilio can't send from our number to this recipient. Check the customer's number."), can_resend=False
    ),
    21614: ErrorReason(
        _("The recipient's number can't receive messages. Ask the customer for another number."), can_resend=False
    ),
    21617: ErrorReason(
        _("The message is longer than 1,600 characters. Split it into several messages."), can_resend=False
    ),
    21619: ErrorReason(_("The message is empty."), can_resend=False),
    21620: ErrorReason(_("Twilio doesn't accept the address of the file. Ask an administrator to check PUBLIC_URL.")),
    21654: ErrorReason(
        _("The template was missing, only its values were there. Choose the template again."), can_resend=False
    ),
    21655: ErrorReason(
        _("Twilio can't find this template. The templates are being synced. Choose the template again in a minute."),
        can_resend=False,
    ),
    21656: ErrorReason(
        _("Twilio rejected the values in the template. Enter them again without special characters."), can_resend=False
    ),
    21701: ErrorReason(_("Twilio can't find the Messaging Service. Ask an administrator to check the channel.")),
    21703: ErrorReason(
        _(
            "No sender of the Messaging Service can send this message to this recipient. "
            "Ask an administrator to check its senders in the Twilio Console."
        )
    ),
    21704: ErrorReason(
        _("The Messaging Service has no senders. Ask an administrator to add our number in the Twilio Console.")
    ),
    21705: ErrorReason(_("The Messaging Service SID is invalid. Ask an administrator to check the channel.")),
    21910: ErrorReason(
        _("Our number and the recipient are not on the same channel. Ask an administrator to check our number.")
    ),
    # Delivery
    30001: ErrorReason(_("Too many messages are queued at Twilio. Try again later.")),
    30002: ErrorReason(
        _("The Twilio account was suspended. Ask an administrator to check its balance in the Twilio Console.")
    ),
    30003: ErrorReason(_("The customer's phone can't be reached. Try again later.")),
    30004: ErrorReason(
        _("The message was blocked for this recipient. Reach the customer another way."), can_resend=False
    ),
    30005: ErrorReason(
        _("The recipient's number is unknown and may no longer exist. Check the customer's number."), can_resend=False
    ),
    30006: ErrorReason(
        _("The recipient's number can't receive messages, as a landline can't. Ask the customer for another number."),
        can_resend=False,
    ),
    30007: ErrorReason(_("The message was filtered as spam. Change the text before you send it."), can_resend=False),
    30008: ErrorReason(_("WhatsApp gave no reason. Try again later.")),
    30036: ErrorReason(_("The message could not be sent in time. Try again later.")),
    60228: ErrorReason(
        _("Twilio can't find this template. The templates are being synced. Choose the template again in a minute."),
        can_resend=False,
    ),
    # WhatsApp
    63001: ErrorReason(
        _("WhatsApp rejected our sender. Ask an administrator to connect it again in the Twilio Console.")
    ),
    63002: ErrorReason(
        _("WhatsApp doesn't know our number. Ask an administrator to check the channel and its number.")
    ),
    63003: ErrorReason(
        _("The recipient's WhatsApp address is not active. Check the customer's number."), can_resend=False
    ),
    63005: ErrorReason(_("WhatsApp rejected the content. Change the text or the file."), can_resend=False),
    63006: ErrorReason(
        _("Twilio could not format the message for WhatsApp. Change the text or the file."), can_resend=False
    ),
    63007: ErrorReason(
        _("Our number is not a WhatsApp sender in the Twilio account. Ask an administrator to check the channel.")
    ),
    63008: ErrorReason(_("The WhatsApp sender is not set up correctly in Twilio. Ask an administrator to check it.")),
    63009: ErrorReason(_("WhatsApp has a temporary problem. Try again later.")),
    63010: ErrorReason(_("Twilio has a temporary problem. Try again later.")),
    63011: ErrorReason(_("Twilio could not process the message. Try again later.")),
    63012: ErrorReason(_("WhatsApp has a temporary problem. Try again later.")),
    63013: ErrorReason(
        _("WhatsApp rejected the message under its policies. Change it before you send it."), can_resend=False
    ),
    63014: ErrorReason(
        _("The customer blocked us on WhatsApp or stopped our messages. You can write again once they message us."),
        can_resend=False,
    ),
    63015: ErrorReason(
        _("The recipient has not joined the Twilio sandbox in the last three days. Ask them to send the join code.")
    ),
    63016: ErrorReason(
        _(
            "More than 24 hours have passed since the customer's last message. "
            "Send a template, or wait until they message us."
        ),
        template_text=_(
            "WhatsApp rejected this template outside the 24-hour window. It is not approved or can't start a "
            "conversation. Choose another one."
        ),
    ),
    63017: ErrorReason(_("Too many messages at once. Try again later.")),
    63018: ErrorReason(
        _("Our number has reached WhatsApp's sending limit, also after several attempts. Try again later.")
    ),
    63019: ErrorReason(
        _(
            "Twilio could not download the file from this server. Try again, or ask an administrator to check "
            "PUBLIC_URL."
        )
    ),
    63020: ErrorReason(
        _("An invitation in Meta Business Manager has not been accepted. Ask an administrator to accept it.")
    ),
    63021: ErrorReason(
        _("WhatsApp rejected the content or file type. Change the text or the file."),
        can_resend=False,
        template_text=_(
            "WhatsApp rejected the template. It is too long with these values, or its file type is not supported."
        ),
    ),
    63022: ErrorReason(
        _(
            "WhatsApp rejected the certificate of our display name. "
            "Ask an administrator to check the sender in the Twilio Console."
        )
    ),
    63023: ErrorReason(_("WhatsApp reported an error without details. Try again later.")),
    63024: ErrorReason(
        _(
            "WhatsApp could not reach this number. It may not be on WhatsApp, or has not accepted the latest terms. "
            "Ask the customer to update WhatsApp."
        )
    ),
    63025: ErrorReason(_("WhatsApp already has this file and did not take it again. Send it again.")),
    63026: ErrorReason(
        _("WhatsApp flagged our messages as spam. Change the text before you send it."), can_resend=False
    ),
    63027: ErrorReason(
        _("This template is not available in this language on WhatsApp. Choose another one."), can_resend=False
    ),
    63028: ErrorReason(
        _(
            "The number of variables does not match the approved template. Ask an administrator to sync the templates, "
            "then choose it again."
        ),
        can_resend=False,
    ),
    63029: ErrorReason(_("The customer's WhatsApp could not load the template. Try again later.")),
    63030: ErrorReason(
        _("WhatsApp rejected one of the values in the template. Change them before you send it."), can_resend=False
    ),
    63031: ErrorReason(_("Our number can't message itself."), can_resend=False),
    63032: ErrorReason(
        _("WhatsApp did not deliver the message because of one of its own experiments. Try again another day.")
    ),
    63033: ErrorReason(
        _("The customer has stopped our marketing messages on WhatsApp. You can write again once they message us."),
        can_resend=False,
    ),
    63034: ErrorReason(_("The file is too large for WhatsApp. Send one of up to 5 MB."), can_resend=False),
    63037: ErrorReason(_("Twilio could not hand the file over to WhatsApp. Try again later.")),
    63038: ErrorReason(_("The Twilio account has reached its daily limit. Try again tomorrow.")),
    63040: ErrorReason(_("WhatsApp rejected this template. Choose another one."), can_resend=False),
    63041: ErrorReason(
        _("WhatsApp paused this template because too many customers blocked or reported it. Choose another one."),
        can_resend=False,
    ),
    63042: ErrorReason(_("WhatsApp disabled this template. Choose another one."), can_resend=False),
    63049: ErrorReason(
        _(
            "WhatsApp limits how many marketing messages a customer gets. Don't send this one again today. "
            "Wait until the customer messages us, or choose a utility template."
        ),
        can_resend=False,
    ),
    63051: ErrorReason(
        _("The WhatsApp Business account is locked. Ask an administrator to check it in Meta Business Manager.")
    ),
    63062: ErrorReason(
        _(
            "The terms for marketing messages have not been accepted. "
            "Ask an administrator to accept them in Meta Business Manager."
        )
    ),
    63119: ErrorReason(_("WhatsApp had too many requests for our number. Try again later.")),
    92007: ErrorReason(
        _("Twilio rejected the values in the template. Enter them again without special characters."), can_resend=False
    ),
}


def get_error_reason(code: int | None, twilio_message: str = "", *, is_template: bool = False) -> str:
    """Return why a message was not delivered and what to do about it; Twilio's message for unknown codes."""
    reason = ERROR_REASONS.get(code) if code is not None else None
    if reason is None:
        return gettext(clean_twilio_message(twilio_message) or NO_REASON)
    return gettext(reason.template_text if is_template and reason.template_text else reason.text)


def can_send_again(code: int | None, *, is_template: bool = False) -> bool:
    """Return whether the same message may arrive if it is sent again, unchanged."""
    reason = ERROR_REASONS.get(code) if code is not None else None
    return reason is None or (reason.can_resend and not (is_template and reason.template_text))


def clean_twilio_message(text: str) -> str:
    """Return Twilio's own text, without what its client puts in front of it."""
    return CLIENT_PREFIX.sub("", text.strip()).strip()
