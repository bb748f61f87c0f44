"""User accounts."""

from django.contrib.auth.models import AbstractUser
from django.db import models

from omnichannel.core.single_line import single_line


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
