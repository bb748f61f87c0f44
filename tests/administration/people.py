"""People at the administration's door, and what they see there."""

import html
import re
from typing import Any

from django.test import Client
from django.urls import reverse

from omnichannel.auth import apply_roles
from tests import builders


def create_signed_in_client(role: str, name: str = "", **fields: Any) -> Client:
    """A browser in which somebody with this role has signed in; without a role a stranger."""
    person = builders.create_user(role, name, **fields)
    apply_roles(person)
    client = Client()
    client.force_login(person)
    client.person = person  # type: ignore[attr-defined]
    return client


def visible_text(response: Any) -> str:
    """The page as a person reads it: no tags, one space between words."""
    text = re.sub(r"(?s)<(script|style)\b.*?</\1>|<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", html.unescape(text))


def message_texts(response: Any) -> list[str]:
    """The messages the page brings, as a person reads them."""
    return [re.sub(r"<[^>]+>", "", html.unescape(str(message))) for message in response.context["messages"]]


def admin_url(model: str, verb: str, *args: Any) -> str:
    """An address in the administration: `page("routing_queue", "change", 1)`."""
    return reverse(f"admin:{model}_{verb}", args=args)


def inline_form_data(prefix: str, *values: dict[str, Any]) -> dict[str, Any]:
    """The rows of a page's table as a browser posts them, each a dict of its fields; an `id` makes it a stored one."""
    stored = sum("id" in row for row in values)
    form: dict[str, Any] = {f"{prefix}-TOTAL_FORMS": len(values), f"{prefix}-INITIAL_FORMS": stored}
    for position, row in enumerate(values):
        form |= {f"{prefix}-{position}-{name}": value for name, value in row.items()}
    return form
