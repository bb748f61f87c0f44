"""Many webhooks at once, at a server that really runs."""

import random
import time

import pytest

from tests.processes.desk import Desk
from tests.processes.twilio import Form, post_all, text_message

pytestmark = pytest.mark.process

CUSTOMERS, EACH = 50, 10


def posted_twice(forms: list[Form]) -> list[Form]:
    """Each form twice: every third both times at the same moment, the others some time apart."""
    apart = [form for place, form in enumerate(forms) if place % 3]
    shuffled = random.Random(1).sample(apart, len(apart))
    together = [form for form in forms[::3] for _ in range(2)]
    return [*apart, *together, *shuffled]


def test_every_message_is_filed_once_however_often_and_fast_twilio_posts_it(desk: Desk) -> None:
    shop = desk.ask("open_shop")
    desk.serve()
    forms = [text_message(shop, place % CUSTOMERS, f"Message {place}") for place in range(CUSTOMERS * EACH)]
    posts = posted_twice(forms)

    begin = time.monotonic()
    answers = post_all(desk.url, f"/webhooks/whatsapp/{shop['key']}/inbound/", posts)
    print(f"{len(posts) / (time.monotonic() - begin):.0f} webhooks per second")

    assert set(answers) == {200}
    assert desk.ask("filed") == {
        "messages": CUSTOMERS * EACH,
        "contacts": CUSTOMERS,
        "conversations": CUSTOMERS,
        "deliveries": {"applied": CUSTOMERS * EACH},
    }
