"""Rendering of dialogs."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise

from omnichannel.desk.shared.decorators import AgentRequest


@dataclass(frozen=True)
class DialogContent:
    """The parts of a dialog that its frame shows.

    Attributes:
        form_template: The template of the form's fields.
        submit_label: The label of the submit button; empty when each choice is a button.
    """

    title: str | Promise
    form_template: str
    submit_label: str | Promise = ""


def render_dialog(request: AgentRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Return a dialog over the page, or without scripts a page of its own."""
    template = "desk/dialogs/_dialog.html" if request.htmx else "desk/dialogs/page.html"
    return render(request, template, {"agent": request.agent, **context}, status=status)
