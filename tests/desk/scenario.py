"""A scenario with one conversation and all kinds of users, and clients for them."""

import re
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.urls import reverse

from omnichannel.accounts.models import User
from omnichannel.conversations.models import Conversation
from routing.models import Agent, Queue
from tests import builders

HTMX_HEADERS: dict[str, Any] = {"headers": {"HX-Request": "true"}}


def compact(html: str) -> str:
    """Return the HTML without the line breaks of its templates: no white space beside a tag, one space elsewhere."""
    return re.sub(r" ?([<>]) ?", r"\1", re.sub(r"[ \n]+", " ", html))


@dataclass
class DeskScenario:
    """A conversation in a queue of its own, and users with and without access to it."""

    queue: Queue
    dana: Agent  # member of the queue; the conversation's agent
    omar: Agent  # of the queue
    eve: Agent  # member of another queue
    supervisor: Agent  # supervisor
    administrator: Agent  # administrator
    stranger: User
    conversation: Conversation


def create_desk_scenario() -> DeskScenario:
    orders = builders.create_queue("Orders")
    dana = builders.create_agent("Dana", queue=orders)
    return DeskScenario(
        queue=orders,
        dana=dana,
        omar=builders.create_agent("Omar", queue=orders),
        eve=builders.create_agent("Eve", queue=builders.create_queue("Returns")),
        supervisor=builders.create_agent("Sue", role="Supervisor"),
        administrator=builders.create_agent("Ada", role="Administrator"),
        stranger=builders.create_user("", "Stranger"),
        conversation=builders.create_conversation(agent=dana, queue=orders),
    )


def client_for(user: Agent | User) -> Client:
    """Return a client with this user signed in."""
    client = Client()
    client.force_login(user.user if isinstance(user, Agent) else user)
    return client


def conversation_url(desk: DeskScenario, name: str) -> str:
    """Return the URL of this name for Dana's conversation."""
    return reverse(f"desk:{name}", args=[desk.conversation.pk])
