"""Webhooks and health checks are answered with any Host header; other requests for another host are refused."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from omnichannel.core.security import DisallowedHostFilter
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


@pytest.fixture
def _new_filter() -> Iterator[None]:
    """Put a filter that has seen no host in the place of the one that the settings install."""
    logger = logging.getLogger("django.security.DisallowedHost")
    installed = logger.filters[:]
    # Logging keeps its filters when it is set up again, so there may be several.
    assert {type(each) for each in installed} == {DisallowedHostFilter}
    logger.filters[:] = [DisallowedHostFilter()]
    yield
    logger.filters[:] = installed


@pytest.mark.usefixtures("_new_filter")
def test_another_host_is_logged_once_in_one_line_without_traceback(caplog: pytest.LogCaptureFixture) -> None:
    for host in ("evil.example", "evil.example", "10.0.0.7:8000"):
        assert Client(headers={"Host": host}).get("/sign-in/").status_code == 400
    records = [record for record in caplog.records if record.name == "django.security.DisallowedHost"]
    assert [record.getMessage() for record in records] == [
        "Refused a request for the host 'evil.example': PUBLIC_URL names desk.example.com. Logged once for each host.",
        "Refused a request for the host '10.0.0.7:8000': PUBLIC_URL names desk.example.com. Logged once for each host.",
    ]
    assert {record.levelname for record in records} == {"WARNING"}
    assert not any(record.exc_info for record in records)


@pytest.mark.usefixtures("_new_filter")
def test_a_scanner_with_many_hosts_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    for number in range(DisallowedHostFilter.MAX_HOSTS + 5):
        Client(headers={"Host": f"{'x' * 5000}{number}" if number == 1 else f"evil{number}.example"}).get("/sign-in/")
    messages = [each.getMessage() for each in caplog.records if each.name == "django.security.DisallowedHost"]
    assert len(messages) == DisallowedHostFilter.MAX_HOSTS
    assert max(map(len, messages)) < 300
    assert messages[-1].endswith("No more hosts are logged until the next start.")
