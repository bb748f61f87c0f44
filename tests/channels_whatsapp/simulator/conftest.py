"""A simulated Twilio account with one number, a customer with a phone, and a server that records webhooks."""

from collections.abc import Iterator
from typing import Any

import pytest
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from channels_whatsapp.simulator import factories
from channels_whatsapp.simulator.models import Account, Customer, Sender
from tests.channels_whatsapp.simulator.webhook_receiver import WebhookReceiver

HOST_PATHS = {
    "https://api.twilio.com": "api",
    "https://messaging.twilio.com": "messaging",
    "https://content.twilio.com": "content",
}


class SimulatorHttpClient(TwilioHttpClient):  # type: ignore[misc]  # Twilio's package has no types
    """Twilio's HTTP client, with Twilio's hosts replaced by the simulator."""

    def __init__(self, base: str) -> None:
        super().__init__(timeout=5)
        self.base_url = base

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        host = next(host for host in HOST_PATHS if url.startswith(host))
        return super().request(method, f"{self.base_url}/{HOST_PATHS[host]}{url.removeprefix(host)}", *args, **kwargs)


@pytest.fixture(autouse=True)
def _simulator_settings(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.channels_whatsapp.simulator.urls"
    settings.SIMULATOR_HANG_SECONDS = 0.0
    settings.SIMULATOR_SLOW_SECONDS = 0.0


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as running:
        yield running


@pytest.fixture
def account(db: None) -> Account:
    return factories.create_account("Ada's shop")


@pytest.fixture
def sender(account: Account, receiver: WebhookReceiver) -> Sender:
    return factories.create_sender(
        account, "+4930111111", "Shop", f"{receiver.url}/inbound/", f"{receiver.url}/status/"
    )


@pytest.fixture
def omar(db: None) -> Customer:
    return factories.create_customer("Omar", "+491511234567")


@pytest.fixture
def twilio(live_server: Any, account: Account) -> Iterator[Client]:
    http = SimulatorHttpClient(f"{live_server.url}/simulator/twilio")
    yield Client(account.sid, account.auth_token, http_client=http)
    http.session.close()  # An open connection keeps a thread of the server and its database connection.
