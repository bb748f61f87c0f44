"""Work streams, queues, rules, skills, agents, presences and hours, as administrators and supervisors set them."""

from routing.admin import hours, people, queues, skills, streams

__all__ = ["hours", "people", "queues", "skills", "streams"]
