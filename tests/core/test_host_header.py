"""Webhooks and health checks are answered with any Host header."""

from typing import Any

import pytest
from django.test import Client

from tests import builders
from tests.webhook_client import load_payload, post_webhook

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _allow_only_the_public_host(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["desk.example.com"]


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "10.0.0.7", "inner_name", "evil.example"])
def test_webhook_is_accepted_with_any_host_header(host: str) -> None:
    number = builders.create_number()
    answer = post_webhook(number.account.inbound_url, load_payload("text", number), headers={"Host": host})
    assert answer.status_code == 200


def test_a_health_check_is_answered_under_any_host() -> None:
    assert Client(headers={"Host": "10.0.0.7"}).get("/health/ready/").status_code == 200


def test_a_page_under_another_host_is_refused() -> None:
    assert Client(headers={"Host": "evil.example"}).get("/sign-in/").status_code == 400
