"""Signals of changes that administrators make."""

from django.dispatch import Signal

# Sent inside the transaction when an administrator changed an agent's presence or capacity. Arguments: agent.
agent_changed_by_admin = Signal()
