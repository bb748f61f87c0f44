"""Explain Twilio's error codes in words an agent can act on.

A small table with a default, as Twilio advises, because codes come and go. Sources: Twilio's error dictionary and its
page "WhatsApp error codes".
"""

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from channels_whatsapp.models import ApprovalStatus

OUTSIDE_WINDOW = 63016
OPTED_OUT = 21610
CREDENTIALS_REJECTED = 20003
# The approval status of a template that an error code implies.
APPROVAL_BY_ERROR_CODE = {
    63040: ApprovalStatus.REJECTED,
    63041: ApprovalStatus.PAUSED,
    63042: ApprovalStatus.DISABLED,
}

ERROR_REASONS: dict[int, str] = {
    20003: _(
        "Twilio rejected the credentials. Ask an administrator to check the channel's Account SID and Auth Token."
    ),
    20404: _("Twilio can't find this message."),
    21211: _("Twilio doesn't accept this recipient address."),
    21408: _("Sending to this country is disabled in the Twilio account."),
    21606: _("Our number can't send to this recipient."),
    21610: _("The customer has opted out of our messages."),
    21611: _("Too many messages are queued at Twilio for our number. Try again later."),
    21612: _("Twilio can't send from our number to this recipient."),
    21614: _("The recipient's number can't receive messages."),
    21617: _("The message is longer than 1,600 characters."),
    21619: _("The message is empty."),
    21655: _("Twilio can't find this template in our account. Ask an administrator to sync the templates."),
    21656: _("Twilio rejected the values in the template."),
    30008: _("WhatsApp gave no reason. Try again later."),
    30036: _("The message could not be sent in time."),
    63003: _("The recipient's WhatsApp address is not active."),
    63005: _("WhatsApp rejected the content."),
    63007: _("Our number is not a WhatsApp sender in the Twilio account. Ask an administrator to check the channel."),
    63008: _("The WhatsApp sender is not set up correctly in Twilio."),
    63009: _("WhatsApp has a temporary problem. Try again later."),
    63010: _("WhatsApp has a temporary problem. Try again later."),
    63012: _("WhatsApp has a temporary problem. Try again later."),
    63013: _("WhatsApp rejected the message under its policies."),
    63015: _("The recipient has not joined the Twilio sandbox in the last three days."),
    63016: _("More than 24 hours have passed since the customer's last message."),
    63017: _("Too many messages at once. Try again later."),
    63018: _("Too many messages at once. Try again later."),
    63019: _("Twilio could not download the file from this server."),
    63021: _("WhatsApp rejected the content or file type."),
    63024: _("WhatsApp could not reach this number. It may not be on WhatsApp, or has not accepted the latest terms."),
    63027: _("This template is not available in this language on WhatsApp."),
    63028: _("The number of variables does not match the approved template."),
    63029: _("WhatsApp could not create the message from the template."),
    63030: _("WhatsApp rejected one of the values in the template."),
    63031: _("Our number can't message itself."),
    63032: _("WhatsApp did not deliver the message because of one of its own experiments. Try again another day."),
    63038: _("The Twilio account has reached its daily limit."),
    63040: _("WhatsApp rejected this template."),
    63041: _("WhatsApp paused this template because too many customers blocked or reported it."),
    63042: _("WhatsApp disabled this template."),
    63049: _("WhatsApp did not deliver the message to protect the customer from too many messages."),
    63051: _("The WhatsApp Business account is locked."),
    92007: _("Twilio rejected the values in the template."),
}
# Codes that mean something else for a template than for a reply.
TEMPLATE_ERROR_REASONS: dict[int, str] = {
    63016: _(
        "WhatsApp rejected this template outside the 24-hour window. It is not approved or can't start a conversation."
    ),
    63021: _("WhatsApp rejected the template. It is too long with these values, or its file type is not supported."),
}


def get_error_reason(code: int | None, twilio_message: str = "", *, is_template: bool = False) -> str:
    """Return why a message was not delivered, as a sentence; Twilio's message for unknown codes."""
    if is_template and code in TEMPLATE_ERROR_REASONS:
        return gettext(TEMPLATE_ERROR_REASONS[code])
    if code in ERROR_REASONS:
        return gettext(ERROR_REASONS[code])
    return gettext(twilio_message or _("WhatsApp did not deliver the message and gave no reason."))
