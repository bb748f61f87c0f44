"""Names of live topics: each event is published to some, and each page listens to those its user may see."""

from typing import Final

ALL_TOPIC: Final = "all"  # of users who may see every conversation


def agent_topic(pk: int) -> str:
    """Return the topic of one agent's own conversations and presence."""
    return f"agent:{pk}"


def queue_topic(pk: int) -> str:
    """Return the topic of the conversations in a queue."""
    return f"queue:{pk}"
