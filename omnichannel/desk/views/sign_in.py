"""Sign in and sign out."""

from math import ceil
from typing import Any

from axes.helpers import get_client_username
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache

from omnichannel.accounts.demo_accounts import is_disabled_demo_sign_in
from omnichannel.accounts.models import User
from omnichannel.accounts.sessions import REASON_COOKIE, forget_end_reason, get_end_reason
from omnichannel.accounts.sign_in_limits import get_unlock_time
from omnichannel.conversations.presence import sessions


class SignInForm(AuthenticationForm):
    """User name and password, with errors that say what to do."""

    error_messages = {
        "invalid_login": _("Incorrect user name or password. Both are case-sensitive."),
        "inactive": _("This account is deactivated. Ask an administrator for help."),
        "demonstration": _("Demo accounts can't sign in on a public server. Ask your administrator for an account."),
    }

    def get_invalid_login_error(self) -> ValidationError:
        """Return the reason; only someone with the right password learns that it is a demonstration account."""
        if is_disabled_demo_sign_in(self.cleaned_data["username"], self.cleaned_data["password"]):
            return ValidationError(self.error_messages["demonstration"], code="demonstration")
        return super().get_invalid_login_error()


class SignInView(LoginView):
    """Sign in, then redirect to the requested page or the desk."""

    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the reason why the user has to sign in again."""
        idle_limit = _describe_duration(settings.SESSION_IDLE_MINUTES)
        return super().get_context_data(**kwargs, end_reason=get_end_reason(self.request), idle_limit=idle_limit)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the form, with the reason once."""
        response: HttpResponse = super().get(request, *args, **kwargs)
        if REASON_COOKIE in request.COOKIES:
            forget_end_reason(response)
        return response

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Start the agent's session at the desk, unless the user is on the way to the administration."""
        response = super().form_valid(form)
        user = form.get_user()
        if isinstance(user, User) and not response["Location"].startswith(reverse("admin:index")):
            sessions.handle_sign_in(user)
        return response


def _describe_duration(minutes: int) -> str:
    if minutes % 60:
        return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}
    return ngettext("%(count)s hour", "%(count)s hours", minutes // 60) % {"count": minutes // 60}


@method_decorator(never_cache, name="dispatch")
class SignOutView(LogoutView):
    """Sign out, and set the agent's presence to offline."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Go offline, then sign out."""
        if isinstance(request.user, User):  # before signing out, which clears request.user
            sessions.handle_sign_out(request.user)
        return super().post(request, *args, **kwargs)


def show_lock(
    request: HttpRequest, original_response: HttpResponse, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """Say until when sign-in is locked after too many wrong passwords. Called by django-axes."""
    unlock_time = get_unlock_time(request, get_client_username(request, credentials)) or timezone.now()
    seconds = max(1, ceil((unlock_time - timezone.now()).total_seconds()))
    context = {"unlock_time": unlock_time, "minutes": ceil(seconds / 60)}
    response = render(request, "accounts/locked.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response


sign_in = SignInView.as_view()
sign_out = SignOutView.as_view()
