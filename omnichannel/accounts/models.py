"""User accounts."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone

from omnichannel.accounts.user_agents import describe_browser
from omnichannel.core.text.single_line import single_line


class Theme(models.TextChoices):
    """Color theme of the user interface."""

    SYSTEM = "system", "Match system"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


class User(AbstractUser):
    """Someone who signs in: an administrator, a supervisor or an agent, by the groups they are in."""

    theme = models.CharField(max_length=10, choices=Theme, default=Theme.SYSTEM)
    # Empty means the browser's language.
    language = models.CharField(max_length=10, blank=True, default="")

    @property
    def display_name(self) -> str:
        """Return the first and last name, else the user name."""
        return single_line(self.get_full_name()) or self.username

    @property
    def initials(self) -> str:
        """Return up to two initials for the avatar."""
        words = self.display_name.split()
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


class UserSession(models.Model):
    """A browser in which somebody is signed in, and what Django stores about it."""

    session_key = models.CharField(max_length=40, unique=True)
    session_data = models.TextField()
    expire_date = models.DateTimeField(db_index=True)  # a periodic job deletes expired sessions
    # None before the sign-in. The index lists the sessions of a user.
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="sessions")
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, default="")
    signed_in_at = models.DateTimeField(default=timezone.now)
    # Written once a minute at most. The index serves the periodic job that deletes idle sessions.
    last_seen_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        verbose_name = "session"
        ordering = ["-last_seen_at"]

    def __str__(self) -> str:
        return f"{self.user}: {self.browser}"

    @property
    def browser(self) -> str:
        """Return the names of the browser and its operating system, in the reader's language."""
        return describe_browser(self.user_agent)
