"""The admin pages of work streams, queues, rules, skills, agents, presences and operating hours."""

from routing.admin import agents, overflow, queues, rules, skills, variables, work_streams
from routing.admin.operating_hours import pages as operating_hours

__all__ = ["agents", "operating_hours", "overflow", "queues", "rules", "skills", "variables", "work_streams"]
