"""Setup link with which the operator of the server creates the first administrator.

The link is signed and expires; nothing is stored. It is invalid as soon as there is an administrator.
"""

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import Group
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from omnichannel.accounts.demo_accounts import is_demo_password_hash
from omnichannel.accounts.models import User
from omnichannel.auth import apply_roles
from omnichannel.conversations.presence import sessions
from omnichannel.roles import ADMINISTRATOR

if TYPE_CHECKING:
    UserCreationBase: TypeAlias = UserCreationForm[User]
else:
    UserCreationBase = UserCreationForm

LINK_MAX_AGE = timedelta(hours=24)
SIGNING_SALT, SIGNED_VALUE = "omnichannel.setup", "first-administrator"
AUTH_BACKEND = "omnichannel.auth.AgentAuthBackend"


class InvalidLinkReason(StrEnum):
    """Reason why a setup link is refused."""

    INVALID = "invalid"
    EXPIRED = "expired"
    USED = "used"


# -- Link and administrator -----------------------------------------------------------------------------------------


def get_setup_link() -> str | None:
    """Return the setup link, valid for 24 hours; None when there is an administrator."""
    if has_administrator():
        return None
    return settings.PUBLIC_URL + reverse("setup", args=[_get_signer().sign(SIGNED_VALUE)])


def get_invalid_link_reason(token: str) -> InvalidLinkReason | None:
    """Return the reason to refuse this link, or None when it is valid."""
    try:
        _get_signer().unsign(token, max_age=LINK_MAX_AGE)
    except SignatureExpired:
        return InvalidLinkReason.USED if has_administrator() else InvalidLinkReason.EXPIRED
    except BadSignature:
        return InvalidLinkReason.INVALID  # before any query: strangers cost nothing and learn nothing
    return InvalidLinkReason.USED if has_administrator() else None


def _get_signer() -> TimestampSigner:
    return TimestampSigner(salt=SIGNING_SALT)


def has_administrator() -> bool:
    """Return whether an active administrator or superuser can sign in."""
    administrators = User.objects.filter(Q(is_superuser=True) | Q(groups__name=ADMINISTRATOR), is_active=True)
    return any(_can_sign_in(user) for user in administrators.distinct())


def _can_sign_in(user: User) -> bool:
    return user.has_usable_password() and (settings.DEMO_ALLOWED or not is_demo_password_hash(user.password))


def create_first_administrator(user: User) -> bool:
    """Save the user as administrator and superuser; return False when there already is one.

    A superuser as with `createsuperuser`: only superusers may view sign-in logs and appoint other superusers.
    """
    with transaction.atomic():
        # Lock before checking. On SQLite the transaction itself is the lock.
        role = Group.objects.select_for_update(no_key=True).get(name=ADMINISTRATOR)
        if has_administrator():
            return False
        user.is_superuser = True
        user.save()
        user.groups.add(role)
        apply_roles(user)
    return True


# -- Page -----------------------------------------------------------------------------------------------------------


class FirstAdministratorForm(UserCreationBase):
    """Form for the first administrator. The first name is required: colleagues and customers see it."""

    class Meta(UserCreationForm.Meta):
        model = User
        fields = ("first_name", "last_name", "username")
        labels = {
            "first_name": _("First name"),
            "last_name": _("Last name (optional)"),
            "username": _("User name"),
        }
        help_texts = {"username": _("Letters, digits and @ . + - _")}
        widgets = {
            "first_name": forms.TextInput(attrs={"autocomplete": "given-name"}),
            "last_name": forms.TextInput(attrs={"autocomplete": "family-name"}),
            "username": forms.TextInput(attrs={"spellcheck": "false"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["first_name"].required = True
        self.fields["password1"].help_text = _(
            "At least 10 characters, not only digits. Avoid common passwords and your own name."
        )
        self.fields["password2"].label, self.fields["password2"].help_text = _("Confirm password"), ""
        for field in self.fields.values():
            field.widget.attrs["class"] = "input"
        self._set_autofocus()

    def _set_autofocus(self) -> None:
        """Focus the first field with an error, else the first field."""
        self.fields["username"].widget.attrs.pop("autofocus", None)
        name = next((name for name in self.fields if name in self.errors), "first_name")
        self.fields[name].widget.attrs["autofocus"] = True

    def validate_password_for_user(self, user: User) -> None:
        """Say what is wrong with the password where it was typed first."""
        super().validate_password_for_user(user, "password1")  # type: ignore[misc]


@never_cache
@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """Create the first administrator and sign them in.

    An invalid form is answered with 200: Django logs the URLs of 4xx responses, and this URL is a secret.
    """
    if refusal := get_invalid_link_reason(token):
        return _render_invalid_link(request, refusal)
    form = FirstAdministratorForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        # Another setup may have finished while this form was checked; its user name then looks like an error.
        if form.is_bound and (refusal := get_invalid_link_reason(token)):
            return _render_invalid_link(request, refusal)
        return render(request, "accounts/setup.html", {"form": form})
    user = form.save(commit=False)
    if not create_first_administrator(user):
        return _render_invalid_link(request, InvalidLinkReason.USED)
    if isinstance(request.user, User):  # another user was signed in in this browser
        sessions.handle_sign_out(request.user)
    login(request, user, backend=AUTH_BACKEND)
    return redirect("admin:index")


def _render_invalid_link(request: HttpRequest, refusal: InvalidLinkReason) -> HttpResponse:
    status = 403 if refusal == InvalidLinkReason.INVALID else 410
    return render(request, "accounts/setup_refused.html", {"refusal": refusal.value}, status=status)
