"""How an agent likes to work."""

from omnichannel.conversations.models import DeskPreferences
from routing.models import Agent


def preferences_for(agent: Agent) -> DeskPreferences:
    """What the agent chose; what everybody begins with, not saved yet, where they chose nothing."""
    chosen = getattr(agent, "preferences", None)
    return chosen if isinstance(chosen, DeskPreferences) else DeskPreferences(agent=agent)
