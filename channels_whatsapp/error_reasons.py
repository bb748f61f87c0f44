"""Explain Twilio's error codes in words an agent can act on.

A small table with a default, as Twilio advises, because codes come and go. Sources: Twilio's error dictionary and its
page "WhatsApp error codes".
"""

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

OUTSIDE_WINDOW = 63016
OPTED_OUT = 21610
CREDENTIALS_REJECTED = 20003
# The approval status that an error code implies, as the template list spells it.
APPROVAL_BY_ERROR_CODE = {63040: "rejected", 63041: "paused", 63042: "disabled"}

ERROR_REASONS: dict[int, str] = {
    20003: _(
        "Twilio rejected our credentials. An administrator has to check the channel's Account SID and Auth Token."
    ),
    20404: _("Twilio does not know this message."),
    21211: _("Twilio does not accept this address as a recipient."),
    21408: _("Sending to this country is not switched on in the Twilio account."),
    21606: _("Our number can't send to this recipient."),
    21610: _("The customer has opted out of our messages."),
    21611: _("Too many messages are waiting at Twilio for our number. Send again later."),
    21612: _("Twilio can't send from our number to this recipient."),
    21614: _("The recipient's number can't receive messages."),
    21617: _("The message is longer than 1,600 characters."),
    21619: _("The message was empty."),
    21655: _("Twilio does not know this template for our account. An administrator has to sync the templates."),
    21656: _("Twilio did not take what was filled into the template."),
    30008: _("WhatsApp gave no reason. Send again later."),
    30036: _("The message could not be sent in time."),
    63003: _("The recipient's WhatsApp address is not active."),
    63005: _("WhatsApp did not accept the content."),
    63007: _("Our number is not a WhatsApp sender of the Twilio account. An administrator has to check the channel."),
    63008: _("The WhatsApp sender is not set up correctly at Twilio."),
    63009: _("WhatsApp had a fault. Send again later."),
    63010: _("WhatsApp had a fault. Send again later."),
    63012: _("WhatsApp had a fault. Send again later."),
    63013: _("WhatsApp refused the message under its policies."),
    63015: _("The recipient has not joined the Twilio sandbox, or joined more than three days ago."),
    63016: _("More than 24 hours have passed since the customer's last message."),
    63017: _("Too many messages at once. Send again later."),
    63018: _("Too many messages at once. Send again later."),
    63019: _("Twilio could not fetch the file from this server."),
    63021: _("WhatsApp refused the content or the kind of file."),
    63024: _("WhatsApp could not reach this phone: it may not be on WhatsApp, or not have accepted the new terms."),
    63027: _("WhatsApp does not have this template in this language."),
    63028: _("The number of variables is not the one WhatsApp approved the template with."),
    63029: _("WhatsApp could not build the message out of the template."),
    63030: _("WhatsApp does not take one of the values in this template."),
    63031: _("Our number can't write to itself."),
    63032: _("WhatsApp did not deliver to this person for an experiment of its own. Send again another day."),
    63038: _("The Twilio account has reached its limit for today."),
    63040: _("WhatsApp has rejected this template."),
    63041: _("WhatsApp has paused this template: too many customers blocked or reported it."),
    63042: _("WhatsApp has disabled this template."),
    63049: _("WhatsApp held the message back to protect the customer from too many messages."),
    63051: _("The WhatsApp Business account is locked."),
    92007: _("Twilio did not take what was filled into the template."),
}
# Codes that mean something else for a template than for a reply.
TEMPLATE_ERROR_REASONS: dict[int, str] = {
    63016: _("WhatsApp did not take this template after the 24 hours: it is not approved, or not for beginning with."),
    63021: _("WhatsApp refused the template: it is too long with what was filled in, or its file is not one it takes."),
}


def get_error_reason(code: int | None, twilio_message: str = "", *, is_template: bool = False) -> str:
    """Return why a message was not delivered, as a sentence; Twilio's message for unknown codes."""
    if is_template and code in TEMPLATE_ERROR_REASONS:
        return gettext(TEMPLATE_ERROR_REASONS[code])
    if code in ERROR_REASONS:
        return gettext(ERROR_REASONS[code])
    return gettext(twilio_message or _("WhatsApp did not deliver the message and gave no reason."))
