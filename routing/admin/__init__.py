"""The admin pages of work streams, queues, rules, skills, agents, presences and operating hours."""

from routing.admin import agents, hours, overflow, queues, rules, skills, variables, work_streams

__all__ = ["agents", "hours", "overflow", "queues", "rules", "skills", "variables", "work_streams"]
