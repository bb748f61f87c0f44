"""The simulator's responses follow Twilio's published OpenAPI specifications."""

import base64
import json
import os
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client as Browser
from django.utils import timezone
from openapi_schema_validator import OAS30Validator

from channels_whatsapp.simulator import factories
from channels_whatsapp.simulator.messages.inbound import Attachment, receive_customer_message
from channels_whatsapp.simulator.models import Account, Customer, Message, Sender
from channels_whatsapp.simulator.scheduler import run_due_tasks

pytestmark = [pytest.mark.django_db, pytest.mark.may_skip]

SPECIFICATION_FILES = {"api": "twilio_api_v2010", "messaging": "twilio_messaging_v2", "content": "twilio_content_v1"}


def specification_folder() -> Path:
    """Return the folder with Twilio's specifications; skip the test without one, fail if one was promised."""
    named = os.environ.get("TWILIO_OPENAPI")
    path = Path(named) if named else Path(django_settings.BASE_DIR).parent / "shared" / "twilio-openapi"
    if not path.is_dir():
        if named:
            pytest.fail(f"TWILIO_OPENAPI names {named}, which is not a folder.")
        pytest.skip("Twilio's OpenAPI files are missing; set TWILIO_OPENAPI to their folder.")
    return path


@cache
def load_specification(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((specification_folder() / f"{SPECIFICATION_FILES[name]}.json").read_text())
    return document


def assert_conforms(answer: Any, host: str, path: str, method: str = "get", status: int = 200) -> dict[str, Any]:
    """Check the response against the specification and return its JSON."""
    document = load_specification(host)
    response = document["paths"][path][method]["responses"][str(status)]
    schema = response["content"]["application/json"]["schema"]
    assert answer.status_code == status, answer.content
    body: dict[str, Any] = answer.json()
    validator = OAS30Validator({**schema, "components": document["components"]})
    assert [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(body)] == []
    assert_matches_schema(document, schema, body)
    return body


def assert_matches_schema(document: dict[str, Any], schema: dict[str, Any], body: Any) -> None:
    """Fail on a field that is missing or that the specification does not contain."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if isinstance(body, list):
        for item in body:
            assert_matches_schema(document, schema["items"], item)
    elif isinstance(body, dict) and schema.get("properties"):
        assert set(body) <= set(schema["properties"])
        for name, value in body.items():
            assert_matches_schema(document, schema["properties"][name], value)


ACCOUNT_PATH = "/2010-04-01/Accounts/{AccountSid}"
MESSAGE_PATH = f"{ACCOUNT_PATH}/Messages/{{MessageSid}}"


class ApiClient:
    """Call the simulator with the account's credentials."""

    def __init__(self, account: Account) -> None:
        pair = base64.b64encode(f"{account.sid}:{account.auth_token}".encode()).decode()
        self.browser = Browser(headers={"Authorization": f"Basic {pair}"})
        self.root = f"api/2010-04-01/Accounts/{account.sid}"

    def get(self, path: str, **query: str) -> Any:
        return self.browser.get(f"/simulator/twilio/{path}", query)

    def post(self, path: str, **form: str) -> Any:
        return self.browser.post(f"/simulator/twilio/{path}", form)


@pytest.fixture
def api_client(account: Account) -> ApiClient:
    return ApiClient(account)


@pytest.fixture
def inbound_message(omar: Customer, sender: Sender) -> Message:
    """Return an inbound message with a picture."""
    return receive_customer_message(omar, sender, "look", attachments=[Attachment("a.png", "image/png", b"a")])


def test_a_created_message_conforms(api_client: ApiClient, sender: Sender) -> None:
    form = {"To": "whatsapp:+491511234567", "From": sender.address, "Body": "Hello"}
    assert_conforms(
        api_client.post(f"{api_client.root}/Messages.json", **form), "api", f"{ACCOUNT_PATH}/Messages.json", "post", 201
    )


def test_messages_conform_alone_and_in_pages(api_client: ApiClient, inbound_message: Message, sender: Sender) -> None:
    form = {"To": "whatsapp:+491519999999", "From": sender.address, "Body": "Hello"}
    failed = api_client.post(f"{api_client.root}/Messages.json", **form).json()
    run_due_tasks(timezone.now() + timedelta(minutes=1))
    response = api_client.get(f"{api_client.root}/Messages/{failed['sid']}.json")
    assert assert_conforms(response, "api", f"{ACCOUNT_PATH}/Messages/{{Sid}}.json")["error_code"] == 63016
    first = assert_conforms(
        api_client.get(f"{api_client.root}/Messages.json", PageSize="1"), "api", f"{ACCOUNT_PATH}/Messages.json"
    )
    second = assert_conforms(api_client.get("api" + first["next_page_uri"]), "api", f"{ACCOUNT_PATH}/Messages.json")
    assert (first["previous_page_uri"], second["next_page_uri"]) == (None, None)
    back = api_client.get("api" + second["previous_page_uri"])
    assert assert_conforms(back, "api", f"{ACCOUNT_PATH}/Messages.json")["messages"] == first["messages"]


def test_media_conforms(api_client: ApiClient, inbound_message: Message) -> None:
    media_path = f"{api_client.root}/Messages/{inbound_message.sid}/Media"
    listed = assert_conforms(api_client.get(f"{media_path}.json"), "api", f"{MESSAGE_PATH}/Media.json")
    sid = listed["media_list"][0]["sid"]
    assert_conforms(api_client.get(f"{media_path}/{sid}.json"), "api", f"{MESSAGE_PATH}/Media/{{Sid}}.json")


def test_the_account_conforms(api_client: ApiClient) -> None:
    assert_conforms(api_client.get(f"{api_client.root}.json"), "api", "/2010-04-01/Accounts/{Sid}.json")


def test_numbers_conform(api_client: ApiClient, sender: Sender) -> None:
    assert_conforms(
        api_client.get(f"{api_client.root}/IncomingPhoneNumbers.json"),
        "api",
        f"{ACCOUNT_PATH}/IncomingPhoneNumbers.json",
    )


@pytest.mark.parametrize("status", ["ONLINE", "OFFLINE"])
def test_senders_conform(api_client: ApiClient, sender: Sender, status: str) -> None:
    Sender.objects.update(status=status)
    path = "/v2/Channels/Senders"
    assert_conforms(api_client.get(f"messaging{path}", Channel="whatsapp"), "messaging", path)
    assert_conforms(api_client.get(f"messaging{path}/{sender.sid}"), "messaging", f"{path}/{{Sid}}")


def test_typing_conforms(api_client: ApiClient, inbound_message: Message) -> None:
    path = "/v2/Indicators/Typing.json"
    assert_conforms(
        api_client.post(f"messaging{path}", channel="whatsapp", messageId=inbound_message.sid),
        "messaging",
        path,
        "post",
    )


def test_templates_conform(api_client: ApiClient, account: Account) -> None:
    content = factories.create_content(account, "hi", {"twilio/text": {"body": "Hi {{1}}"}}, variables={"1": "you"})
    factories.create_content(account, "bye", {"twilio/text": {"body": "Bye"}})
    for path in ("/v1/Content", "/v1/ContentAndApprovals"):
        first = assert_conforms(api_client.get(f"content{path}", PageSize="1"), "content", path)
        following = first["meta"]["next_page_url"].removeprefix("https://content.twilio.com")
        second = assert_conforms(api_client.get(f"content{following}"), "content", path)
        previous = second["meta"]["previous_page_url"].removeprefix("https://content.twilio.com")
        assert api_client.get(f"content{previous}").json()["contents"] == first["contents"]
        assert first["meta"]["previous_page_url"] is None
    assert_conforms(api_client.get(f"content/v1/Content/{content.sid}"), "content", "/v1/Content/{Sid}")
    approval = api_client.get(f"content/v1/Content/{content.sid}/ApprovalRequests")
    assert_conforms(approval, "content", "/v1/Content/{Sid}/ApprovalRequests")
