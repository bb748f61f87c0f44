"""Names of live topics: events are published to topics, and pages listen to those of their user."""

from typing import Final

ALL_TOPIC: Final = "all"  # of users who may see every conversation
# Kind of the event that is not sent to pages: it makes the streams of a user check their sessions.
SESSION_KIND: Final = "session"


def agent_topic(pk: int) -> str:
    """Return the topic of one agent's own conversations and presence."""
    return f"agent:{pk}"


def queue_topic(pk: int) -> str:
    """Return the topic of the conversations in a queue."""
    return f"queue:{pk}"


def user_topic(pk: int) -> str:
    """Return the topic of one user's own sessions."""
    return f"user:{pk}"
