"""Signed-in clients, addresses, forms and texts for tests of the admin."""

import html
import re
from typing import Any

from django.test import Client
from django.urls import reverse

from omnichannel.accounts.models import User
from omnichannel.auth import apply_roles
from tests import builders


class UserClient(Client):
    """A test client with a signed-in user."""

    def __init__(self, user: User) -> None:
        super().__init__()
        self.user = user
        self.force_login(user)


def create_signed_in_client(role: str, name: str = "", **fields: Any) -> UserClient:
    """Return a client with a new signed-in user.

    Args:
        role: "Administrator", "Supervisor", "Agent", or "" for a user without a role.
        name: First name of the user; in small letters it is the user name too.
        fields: Other fields of the user.
    """
    user = builders.create_user(role, name, **fields)
    apply_roles(user)
    return UserClient(user)


def visible_text(response: Any) -> str:
    """Return the text of a page without tags, with single spaces."""
    text = re.sub(r"(?s)<(script|style)\b.*?</\1>|<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", html.unescape(text))


def message_texts(response: Any) -> list[str]:
    """Return the texts of the messages on a page, without tags."""
    return [re.sub(r"<[^>]+>", "", html.unescape(str(message))) for message in response.context["messages"]]


def form_errors(response: Any) -> Any:
    """Return the errors of the form on an admin page, by field."""
    return response.context["adminform"].form.errors


def admin_url(model: str, verb: str, *args: Any) -> str:
    """Return the URL of an admin page, for example `admin_url("routing_queue", "change", 1)`."""
    return reverse(f"admin:{model}_{verb}", args=args)


def inline_form_data(prefix: str, *rows: dict[str, Any]) -> dict[str, Any]:
    """Return the form data of an inline formset.

    Args:
        prefix: Prefix of the formset.
        rows: The fields of each row; a row with an `id` exists in the database.
    """
    initial_count = sum("id" in row for row in rows)
    form: dict[str, Any] = {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": initial_count}
    for position, row in enumerate(rows):
        form |= {f"{prefix}-{position}-{name}": value for name, value in row.items()}
    return form
