"""The demonstration's accounts. Everybody can read their password, so on a public server it opens nothing."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model, password_validation
from django.contrib.auth.hashers import check_password, make_password
from django.core import checks
from django.core.exceptions import ValidationError
from django.db import Error
from django.utils.translation import gettext as _

if TYPE_CHECKING:  # the app's configuration loads this module, and there are no models then
    from django.contrib.auth.base_user import AbstractBaseUser

DEMO_PASSWORD = "omnichannel-demo"  # noqa: S105 (printed at every start: the demonstration has no secrets)
DEMO_USERNAMES = frozenset({"admin", "sofia", "dana", "omar"})


@lru_cache(maxsize=1024)
def is_demo_password_hash(encoded: str) -> bool:
    """Return whether a stored password is the printed one. Hashing takes a while: the answer is kept."""
    return check_password(DEMO_PASSWORD, encoded)


def is_disabled_demo_account(user: "AbstractBaseUser") -> bool:
    """Return whether nobody may be signed in as this person here."""
    # The name first: this is asked at every request, and only a few passwords need to be hashed for it.
    return not settings.DEMO_ALLOWED and user.get_username() in DEMO_USERNAMES and is_demo_password_hash(user.password)


def is_disabled_demo_password(password: str | None) -> bool:
    """Return whether nobody may sign in with this password here, whatever their name."""
    return password == DEMO_PASSWORD and not settings.DEMO_ALLOWED


def is_disabled_demo_sign_in(username: str, password: str) -> bool:
    """Return whether an account has this very name and password and is refused all the same."""
    if not is_disabled_demo_password(password):
        return False
    user = get_user_model().objects.filter(username=username, is_active=True).first()
    if user is None:
        make_password(DEMO_PASSWORD)
        return False
    # Neither kept nor skipped: how long the answer takes must tell nobody which names there are.
    return check_password(DEMO_PASSWORD, user.password)


def get_active_demo_usernames() -> list[str]:
    """Return the names of the active demonstration accounts that still have the printed password."""
    users = get_user_model().objects.filter(username__in=DEMO_USERNAMES, is_active=True).order_by("pk")
    return [user.username for user in users if is_demo_password_hash(user.password)]


class CommonPasswordValidator(password_validation.CommonPasswordValidator):
    """Refuse common passwords, and on a public server the demonstration's."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError for a password that anybody may know."""
        if is_disabled_demo_password(password.strip().lower()):
            raise ValidationError(
                _("This is the demonstration's password, which anybody can read. Choose another one."),
                code="password_too_common",
            )
        super().validate(password, user)


def check_demo_accounts(**kwargs: Any) -> list[checks.CheckMessage]:
    """Name the demonstration accounts in `manage.py check --deploy`."""
    try:
        names = ", ".join(get_active_demo_usernames())
    except Error:  # a database that is not there yet has no accounts
        return []
    if not names:
        return []
    return [
        checks.Error(
            f"These accounts still have the demonstration's password, which anybody can read: {names}.",
            hint="A public server refuses it. Deactivate them under People > Users, or give them another password: "
            "manage.py changepassword NAME.",
            id="omnichannel.E001",
        )
    ]
