"""Quick replies of the demonstration shop."""

from omnichannel.conversations.models import QuickReply
from omnichannel.conversations.outbound.quick_replies import get_or_create_tags, save_own_quick_reply
from routing.models import Agent, WorkStream

# Title, language, tags, text.
SHARED_QUICK_REPLIES = [
    (
        "Greeting",
        "en",
        "hello",
        "Hello {FullName{Customer}}, this is {FirstName{Agent}} at Lumen Lamps. How can I help you?",
    ),
    (
        "Greeting",
        "de",
        "hello",
        "Hallo {FullName{Customer}}, hier ist {FirstName{Agent}} von Lumen Lamps. Wie kann ich helfen?",
    ),
    (
        "Greeting",
        "pt",
        "hello",
        "Olá {FullName{Customer}}, aqui é {FirstName{Agent}} da Lumen Lamps. Como posso ajudar?",
    ),
    ("One moment", "en", "hello, wait", "One moment please, I am looking that up for you."),
    ("One moment", "de", "hello, wait", "Einen Moment bitte, ich sehe das gleich für Sie nach."),
    (
        "Order number",
        "en",
        "orders",
        "Could you tell me your order number? It is on the first line of our e-mail: *LL-…*",
    ),
    (
        "Delivery times",
        "en",
        "orders, delivery",
        "Lamps in stock leave us the same day:\n- Germany: 1 to 2 days\n- EU: 3 to 5 days\n- elsewhere: 5 to 9 days",
    ),
    (
        "Lieferzeiten",
        "de",
        "orders, delivery",
        "Was am Lager ist, geht am selben Tag hinaus:\n- Deutschland: 1 bis 2 Tage\n- EU: 3 bis 5 Tage",
    ),
    ("Invoice by e-mail", "en", "orders, invoice", "I have just sent the invoice to the e-mail address of your order."),
    ("Opening hours", "en", "shop", "The shop in Camden is open Monday to Saturday, 10:00 to 19:00."),
    ("Goodbye", "en", "bye", "You are welcome! Have a bright day. {FirstName{Agent}}, Lumen Lamps"),
    ("Auf Wiedersehen", "de", "bye", "Sehr gern! Einen hellen Tag wünscht {FirstName{Agent}} von Lumen Lamps."),
]
RETURNS_QUICK_REPLIES = [
    (
        "Arrived broken",
        "en",
        "returns, broken",
        "I am sorry it arrived broken, {FullName{Customer}}. "
        "A photo of the lamp and of the box is all I need: a new one leaves today.",
    ),
    (
        "Return label",
        "en",
        "returns",
        "Here is how to send it back:\n1. Print the label I send you\n2. Put it on the box\n"
        "3. Leave it at a post office",
    ),
]


def create_quick_replies(returns: WorkStream, dana: Agent) -> None:
    """Create shared quick replies, some for returns only, and a personal one of Dana's."""
    for title, locale, tags, message in SHARED_QUICK_REPLIES:
        _create_quick_reply(title, locale, tags, message)
    for title, locale, tags, message in RETURNS_QUICK_REPLIES:
        _create_quick_reply(title, locale, tags, message).work_streams.add(returns)
    save_own_quick_reply(
        dana.user,
        title="My signature",
        message="Best wishes, {FullName{Agent}} from Lumen Lamps",
        locale="en",
        tags=["bye"],
    )


def _create_quick_reply(title: str, locale: str, tags: str, message: str) -> QuickReply:
    quick_reply = QuickReply.objects.create(title=title, locale=locale, message=message)
    quick_reply.tags.set(get_or_create_tags(tags.split(", ")))
    return quick_reply
