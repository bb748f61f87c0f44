"""Template tag that passes the agent's preferences to the scripts."""

from django import template
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from omnichannel.conversations.preferences import preferences_for
from omnichannel.desk.templatetags.agents import get_own_agent

register = template.Library()

BODY_ATTRIBUTES = {
    "data-enter-sends": "enter_sends",
    "data-undo": "can_undo_sending",
    "data-sounds": "plays_sounds",
    "data-notifications": "shows_notifications",
    "data-shortcuts": "uses_shortcuts",
}


@register.simple_tag(takes_context=True)
def preference_body_attributes(context: template.Context) -> SafeString:
    """Return an attribute of <body> for each preference the agent has switched on; scripts read them."""
    request = context.get("request")
    agent = get_own_agent(request) if isinstance(request, HttpRequest) else None
    if agent is None:
        return SafeString("")
    preferences = preferences_for(agent)
    names = [(name,) for name, field in BODY_ATTRIBUTES.items() if getattr(preferences, field)]
    return format_html_join("", " {}", names)
