"""Admin pages of conversations; importing this package registers them with Django."""

from omnichannel.conversations.admin import contacts, conversations, labels, messages

__all__ = ["contacts", "conversations", "labels", "messages"]
