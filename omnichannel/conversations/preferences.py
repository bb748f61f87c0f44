"""The preferences of agents."""

from omnichannel.conversations.models import DeskPreferences
from routing.models import Agent


def preferences_for(agent: Agent) -> DeskPreferences:
    """Return the agent's saved preferences; unsaved defaults if there are none."""
    preferences = getattr(agent, "preferences", None)
    return preferences if isinstance(preferences, DeskPreferences) else DeskPreferences(agent=agent)
