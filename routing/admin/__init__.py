"""Work streams, queues, rules, skills, agents, presences and hours, as administrators and supervisors set them."""

from routing.admin import hours, overflow, people, queues, rules, skills, streams, variables

__all__ = ["hours", "overflow", "people", "queues", "rules", "skills", "streams", "variables"]
