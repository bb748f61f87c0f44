"""Twilio's error codes, in words an agent can act on.

A small table with a default, as Twilio advises: codes come and go. Sources: Twilio's error dictionary and its page
"WhatsApp error codes".
"""

OUTSIDE_WINDOW = 63016
OPTED_OUT = 21610
CREDENTIALS_REJECTED = 20003
# What WhatsApp has done to a template, in the words its list of templates uses.
TEMPLATE_STATES = {63040: "rejected", 63041: "paused", 63042: "disabled"}

REASONS: dict[int, str] = {
    20003: "Twilio rejected our credentials. An administrator has to check the channel's Account SID and Auth Token.",
    20404: "Twilio does not know this message.",
    21211: "Twilio does not accept this address as a recipient.",
    21408: "Sending to this country is not switched on in the Twilio account.",
    21606: "Our number can't send to this recipient.",
    21610: "The customer has opted out of our messages.",
    21611: "Too many messages are waiting at Twilio for our number. Send again later.",
    21612: "Twilio can't send from our number to this recipient.",
    21614: "The recipient's number can't receive messages.",
    21617: "The message is longer than 1,600 characters.",
    21619: "The message was empty.",
    21655: "Twilio does not know this template for our account. An administrator has to sync the templates.",
    21656: "Twilio did not take what was filled into the template.",
    30008: "WhatsApp gave no reason. Send again later.",
    30036: "The message could not be sent in time.",
    63003: "The recipient's WhatsApp address is not active.",
    63005: "WhatsApp did not accept the content.",
    63007: "Our number is not a WhatsApp sender of the Twilio account. An administrator has to check the channel.",
    63008: "The WhatsApp sender is not set up correctly at Twilio.",
    63009: "WhatsApp had a fault. Send again later.",
    63010: "WhatsApp had a fault. Send again later.",
    63012: "WhatsApp had a fault. Send again later.",
    63013: "WhatsApp refused the message under its policies.",
    63015: "The recipient has not joined the Twilio sandbox, or joined more than three days ago.",
    63016: "More than 24 hours have passed since the customer's last message.",
    63017: "Too many messages at once. Send again later.",
    63018: "Too many messages at once. Send again later.",
    63019: "Twilio could not fetch the file from this server.",
    63021: "WhatsApp refused the content or the kind of file.",
    63024: "WhatsApp could not reach this phone: it may not be on WhatsApp, or not have accepted the new terms.",
    63027: "WhatsApp does not have this template in this language.",
    63028: "The number of variables is not the one WhatsApp approved the template with.",
    63029: "WhatsApp could not build the message out of the template.",
    63030: "WhatsApp does not take one of the values in this template.",
    63031: "Our number can't write to itself.",
    63032: "WhatsApp did not deliver to this person for an experiment of its own. Send again another day.",
    63038: "The Twilio account has reached its limit for today.",
    63040: "WhatsApp has rejected this template.",
    63041: "WhatsApp has paused this template: too many customers blocked or reported it.",
    63042: "WhatsApp has disabled this template.",
    63049: "WhatsApp held the message back to protect the customer from too many messages.",
    63051: "The WhatsApp Business account is locked.",
    92007: "Twilio did not take what was filled into the template.",
}
# Where it means something else for a template than for a reply.
OF_TEMPLATES: dict[int, str] = {
    63016: "WhatsApp did not take this template after the 24 hours: it is not approved, or not for beginning with.",
    63021: "WhatsApp refused the template: it is too long with what was filled in, or its file is not one it takes.",
}


def plain_reason(code: int | None, twilio_says: str = "", *, of_template: bool = False) -> str:
    """Why a message was not delivered, in a sentence for the agent; Twilio's own words where the table has none."""
    if of_template and code in OF_TEMPLATES:
        return OF_TEMPLATES[code]
    if code in REASONS:
        return REASONS[code]
    return twilio_says or "WhatsApp did not deliver the message and gave no reason."
