"""Admin pages of users, roles and failed jobs; importing this package registers them with Django."""

from omnichannel.admin import failed_jobs, users

__all__ = ["failed_jobs", "users"]
