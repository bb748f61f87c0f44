"""What the reader chose, for the page around everything."""

from django import template
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from omnichannel.conversations.preferences import preferences_for
from routing.models import Agent

register = template.Library()

BODY_ATTRIBUTES = {
    "data-enter-sends": "enter_sends",
    "data-undo": "can_undo_sending",
    "data-sounds": "plays_sounds",
    "data-notifies": "shows_notifications",
    "data-shortcuts": "uses_shortcuts",
}


@register.simple_tag(takes_context=True)
def preference_body_attributes(context: template.Context) -> SafeString:
    """An attribute of <body> for each thing the agent wants, where scripts look for it."""
    request = context.get("request")
    agent = getattr(request, "agent", None) if isinstance(request, HttpRequest) else None
    if not isinstance(agent, Agent):
        return SafeString("")
    chosen = preferences_for(agent)
    wanted = [(name,) for name, field in BODY_ATTRIBUTES.items() if getattr(chosen, field)]
    return format_html_join("", " {}", wanted)
