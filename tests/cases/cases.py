"""Read the cases in `data/`, replay them, and describe what the desk then shows.

A case is a JSON file with these keys; only `expected` is required:

- `description`: what the case is about, in a sentence.
- `before` and `form`: Twilio's inbound forms, earlier ones and the last one. Each is posted signed to the webhook of
  the channel with the AccountSid and number below. A form without MessageSid or AccountSid gets them.
- `files`: files of the last form, as `MediaUrl0` and so on: `name`, `type` as Twilio declares it, and `content` as
  text, or `path` of a file in `data/`. `{base64:N}` in a text stands for N base64 characters in folded lines.
- `actions`: what happens next, in order: `{"action": NAME, …}`, see `CaseRunner.actions`.
- `expected`: a part of the description that `describe_desk` returns. Objects may leave out keys; lists must have the
  same length and order.
"""

import base64
import json
import re
from collections.abc import Callable
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from django.test import override_settings

from channels_whatsapp.models import WhatsAppAccount, WhatsAppNumber
from omnichannel.conversations.inbound.media_download import fetch_attachment
from omnichannel.conversations.initiate import start_conversation
from omnichannel.conversations.lifecycle.close import close_conversation
from omnichannel.conversations.models import Attachment, Contact, Conversation, Message, MessageDirection
from omnichannel.conversations.outbound.compose import ReplyError, send_reply
from omnichannel.conversations.outbound.delivery import deliver_messages
from omnichannel.conversations.state_machine import transition
from omnichannel.core.localized_text import localized
from omnichannel.jobs.lanes import claim_lanes
from routing.models import Agent, State
from tests import builders
from tests.conversations.outbound.template_fixtures import create_template
from tests.media_server import FileResponse, FileServer
from tests.webhook_client import post_webhook

DATA_FOLDER = Path(__file__).parent / "data"
ACCOUNT_SID, NUMBER = "AC00000000000000000000000000000001", "+14155550100"
BASE64_PATTERN = re.compile(r"\{base64:(\d+)\}")
TEMPLATE_VALUES = {"1": "Amara", "2": "2231"}

Case = dict[str, Any]


def load_cases() -> dict[str, Case]:
    """Return the cases by the names of their files."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(DATA_FOLDER.glob("*.json"))}


class CaseRunner:
    """Replays a case on the channel with ACCOUNT_SID and NUMBER.

    Attributes:
        clock: A stopped clock, which the action `wait` moves.
        media_server: Serves the files of the case in Twilio's place.
    """

    def __init__(self, clock: Any, media_server: FileServer) -> None:
        self.clock, self.media_server = clock, media_server
        self.number = self._create_number(name="Shop", sid=ACCOUNT_SID, number=NUMBER)
        self.refusals: list[str] = []
        self.actions: dict[str, Callable[..., None]] = {
            "receive": self.receive,
            "wait": self.wait,
            "accept": self.accept,
            "close": self.close,
            "start": self.start,
            "reply": self.reply,
        }

    def run(self, case: Case) -> None:
        """Post the forms and do the actions of a case."""
        for form in case.get("before", []):
            self.receive(form)
        if "form" in case:
            self.receive(case["form"], case.get("files", []))
        for action in case.get("actions", []):
            arguments = {name: value for name, value in action.items() if name != "action"}
            self.actions[action["action"]](**arguments)

    def receive(self, form: dict[str, str], files: list[dict[str, str]] | None = None) -> None:
        """Post an inbound form, signed, one second after the one before; download its files."""
        self.clock.shift(timedelta(seconds=1))
        complete = {"MessageSid": builders.new_sid(), "AccountSid": ACCOUNT_SID, "To": f"whatsapp:{NUMBER}", **form}
        complete |= self._serve_files(complete["AccountSid"], complete["MessageSid"], files or [])
        account = self._get_account(complete["AccountSid"], complete["To"])
        assert post_webhook(account.inbound_url, complete).status_code == 200
        with override_settings(WHATSAPP_BACKEND="simulator"):  # serves files from this machine
            for lease in claim_lanes(["media"], 10):
                lease.finish(fetch_attachment(lease))

    def wait(self, **distance: float) -> None:
        """Let time pass; the arguments are those of `timedelta`."""
        self.clock.shift(timedelta(**distance))

    def accept(self) -> None:
        """Assign the latest open conversation to the agent, who reads it."""
        conversation = Conversation.objects.filter(state=State.OPEN).latest("pk")
        text = localized("%(agent)s accepted.", agent=self.agent)
        transition(conversation, State.ACTIVE, agent=self.agent, actor=self.agent.user, event_text=text)
        Conversation.objects.filter(pk=conversation.pk).update(unread_count=0)

    def close(self) -> None:
        """Close the agent's latest conversation."""
        close_conversation(self._latest_conversation(), self.agent)

    def start(self, to: str) -> None:
        """Start a conversation with a template."""
        template = create_template(self.number.account)
        start_conversation(self.number, f"whatsapp:{to}", template, TEMPLATE_VALUES, author=self.agent.user)

    def reply(self, text: str) -> None:
        """Queue and send a reply in the agent's latest conversation; a refusal is part of the description."""
        try:
            send_reply(self._latest_conversation(), author=self.agent.user, text=text)
        except ReplyError as error:
            self.refusals.append(error.message)
        for lease in claim_lanes(["send"], 10):
            lease.finish(deliver_messages(lease))

    @cached_property
    def agent(self) -> Agent:
        """The agent who takes, closes and starts conversations."""
        return builders.create_agent("Dana")

    def _latest_conversation(self) -> Conversation:
        return Conversation.objects.filter(agent=self.agent).latest("pk")

    def _create_number(self, *, name: str, sid: str, number: str) -> WhatsAppNumber:
        account = builders.create_account(name=name, account_sid=sid)
        return builders.create_number(account, number=number, name=name)

    def _get_account(self, sid: str, address: str) -> WhatsAppAccount:
        """Return the channel with this SID; a form for another one creates it."""
        account = WhatsAppAccount.objects.filter(account_sid=sid).first()
        return account or self._create_number(name="Other shop", sid=sid, number=address).account

    def _serve_files(self, account_sid: str, message_sid: str, files: list[dict[str, str]]) -> dict[str, str]:
        """Serve the files and return the parameters that name them."""
        form: dict[str, str] = {}
        for position, file in enumerate(files):
            path = f"/2010-04-01/Accounts/{account_sid}/Messages/{message_sid}/Media/{builders.new_sid('ME')}"
            headers = {"Content-Type": file["type"]}
            if "name" in file:
                headers["Content-Disposition"] = f'inline; filename="{file["name"]}"'
            response = FileResponse(200, _read_content(file), headers)
            self.media_server.responses[f"/simulator/twilio/api{path}"] = [response]
            form |= {
                f"MediaUrl{position}": f"https://api.twilio.com{path}",
                f"MediaContentType{position}": file["type"],
            }
        return {**form, "NumMedia": str(len(files))} if files else {}


def _read_content(file: dict[str, str]) -> bytes:
    if "path" in file:
        return (DATA_FOLDER / file["path"]).read_bytes()
    return BASE64_PATTERN.sub(lambda match: _fold_base64(int(match[1])), file["content"]).encode()


def _fold_base64(length: int) -> str:
    text = base64.b64encode(b"photo" * length).decode()[:length]
    return "\r\n ".join(text[start : start + 74] for start in range(0, length, 74))


def describe_desk(runner: CaseRunner) -> dict[str, Any]:
    """Return what the desk shows after a case, as data, oldest first."""
    return {
        "contacts": [_describe_contact(contact) for contact in Contact.objects.order_by("pk")],
        "conversations": [_describe_conversation(each) for each in Conversation.objects.order_by("pk")],
        "refusals": runner.refusals,
    }


def _describe_contact(contact: Contact) -> dict[str, Any]:
    return {
        "name": contact.display_name,
        "number": contact.display_number,
        "username": contact.username,
        "whatsapp_ids": [str(own_id) for own_id in contact.business_scoped_ids.all()],
        "conversations": contact.conversations.count(),
    }


def _describe_conversation(conversation: Conversation) -> dict[str, Any]:
    return {
        "customer": conversation.contact.display_name,
        "state": conversation.state,
        "is_window_open": conversation.window_is_open,
        "messages": [_describe_message(message) for message in conversation.messages.order_by("created_at", "pk")],
        # The latest line of each kind.
        "timeline": {event.kind: str(event.text) for event in conversation.events.all()},
    }


def _describe_message(message: Message) -> dict[str, Any]:
    description = {
        "kind": message.kind,
        "text": message.body,
        "content": message.content,
        "files": [_describe_file(attachment) for attachment in message.attachments.order_by("position")],
    }
    if message.direction == MessageDirection.OUTBOUND:
        description |= {"to": message.sent_to, "status": message.status, "error": message.error_message}
    return description


def _describe_file(attachment: Attachment) -> dict[str, Any]:
    return {"name": attachment.name, "type": attachment.content_type, "state": attachment.state}


def find_differences(expected: Any, actual: Any, path: str = "") -> list[str]:
    """Return where the description differs from the expected part of it, each as a line to read."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        pairs = ((value, actual.get(key), f"{path}.{key}") for key, value in expected.items())
        return [line for pair in pairs for line in find_differences(*pair)]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        triples = ((*pair, f"{path}[{index}]") for index, pair in enumerate(zip(expected, actual, strict=True)))
        return [line for triple in triples for line in find_differences(*triple)]
    return [] if expected == actual else [f"{path or 'desk'}: expected {expected!r}, got {actual!r}"]
