"""Admin pages of users, roles, sessions and failed jobs; importing this package registers them with Django."""

from omnichannel.admin import failed_jobs, sessions, users

__all__ = ["failed_jobs", "sessions", "users"]
