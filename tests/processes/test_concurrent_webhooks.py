"""Concurrent webhooks on a running server."""

import random
import time

import pytest

from tests.processes.support.app_instance import AppInstance
from tests.processes.support.webhook_sender import Form, build_text_form, post_concurrently

pytestmark = pytest.mark.process

CUSTOMER_COUNT, MESSAGES_PER_CUSTOMER = 50, 10


def duplicate_forms(forms: list[Form]) -> list[Form]:
    """Return each form twice: every third one adjacent, the others some time apart."""
    apart = [form for place, form in enumerate(forms) if place % 3]
    shuffled = random.Random(1).sample(apart, len(apart))
    together = [form for form in forms[::3] for _ in range(2)]
    return [*apart, *together, *shuffled]


def test_every_message_is_filed_once_however_often_and_fast_twilio_posts_it(app: AppInstance) -> None:
    shop = app.call("create_shop")
    app.start_server()
    forms = [
        build_text_form(shop, place % CUSTOMER_COUNT, f"Message {place}")
        for place in range(CUSTOMER_COUNT * MESSAGES_PER_CUSTOMER)
    ]
    posts = duplicate_forms(forms)

    begin = time.monotonic()
    answers = post_concurrently(app.url, f"/webhooks/whatsapp/{shop['key']}/inbound/", posts)
    print(f"{len(posts) / (time.monotonic() - begin):.0f} webhooks per second")

    assert set(answers) == {200}
    app.wait_until_applied()
    assert app.call("count_records") == {
        "messages": CUSTOMER_COUNT * MESSAGES_PER_CUSTOMER,
        "contacts": CUSTOMER_COUNT,
        "conversations": CUSTOMER_COUNT,
        "deliveries": {"applied": CUSTOMER_COUNT * MESSAGES_PER_CUSTOMER},
    }
