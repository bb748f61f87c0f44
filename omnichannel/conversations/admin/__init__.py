"""The administration of conversations and of what surrounds them; Django imports this package to register its pages."""

from omnichannel.conversations.admin import labels, records

__all__ = ["labels", "records"]
