"""Sign in and sign out."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from omnichannel.accounts.demo_accounts import is_disabled_demo_sign_in
from omnichannel.accounts.models import User
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

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Start the agent's session at the desk, unless the user is on the way to the administration."""
        response = super().form_valid(form)
        user = form.get_user()
        if isinstance(user, User) and not response["Location"].startswith(reverse("admin:index")):
            sessions.handle_sign_in(user)
        return response


@method_decorator(never_cache, name="dispatch")
class SignOutView(LogoutView):
    """Sign out, and set the agent's presence to offline."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Go offline, then sign out."""
        if isinstance(request.user, User):  # before signing out, which clears request.user
            sessions.handle_sign_out(request.user)
        return super().post(request, *args, **kwargs)


sign_in = SignInView.as_view()
sign_out = SignOutView.as_view()
