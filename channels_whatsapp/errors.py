"""Twilio's error codes, in words an agent can act on.

A small table with a default, as Twilio advises: codes come and go. Sources: Twilio's error dictionary and its page
"WhatsApp error codes".
"""

OUTSIDE_WINDOW = 63016
OPTED_OUT = 21610
CREDENTIALS_REJECTED = 20003

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
    63032: "WhatsApp did not deliver to this person for an experiment of its own. Send again another day.",
    63038: "The Twilio account has reached its limit for today.",
    63049: "WhatsApp held the message back to protect the customer from too many messages.",
    63051: "The WhatsApp Business account is locked.",
}


def plain_reason(code: int | None, twilio_says: str = "") -> str:
    """Why a message was not delivered, in a sentence for the agent; Twilio's own words where the table has none."""
    if code in REASONS:
        return REASONS[code]
    return twilio_says or "WhatsApp did not deliver the message and gave no reason."
