"""The people who come to the desk in these tests, and their browsers."""

import re
from dataclasses import dataclass
from typing import Any

from django.test import Client

from omnichannel.accounts.models import User
from omnichannel.conversations.models import Conversation
from routing.models import Agent, Queue
from tests import builders

HTMX: dict[str, Any] = {"headers": {"HX-Request": "true"}}


def compact(html: str) -> str:
    """Return the HTML without the line breaks of its templates: no white space beside a tag, one space elsewhere."""
    return re.sub(r" ?([<>]) ?", r"\1", re.sub(r"[ \n]+", " ", html))


@dataclass
class Desk:
    """A conversation in a queue of its own, and everybody who may or may not see it."""

    queue: Queue
    dana: Agent  # of the queue; has the conversation
    omar: Agent  # of the queue
    eve: Agent  # of another queue
    sue: Agent  # supervisor
    ada: Agent  # administrator
    stranger: User
    conversation: Conversation


def make_desk() -> Desk:
    orders = builders.queue("Orders")
    dana = builders.agent("Dana", queue=orders)
    return Desk(
        queue=orders,
        dana=dana,
        omar=builders.agent("Omar", queue=orders),
        eve=builders.agent("Eve", queue=builders.queue("Returns")),
        sue=builders.agent("Sue", role="Supervisor"),
        ada=builders.agent("Ada", role="Administrator"),
        stranger=builders.user("", "Stranger"),
        conversation=builders.conversation(with_agent=dana, in_queue=orders),
    )


def browser(of: Agent | User) -> Client:
    """A browser in which this person has signed in."""
    client = Client()
    client.force_login(of.user if isinstance(of, Agent) else of)
    return client
