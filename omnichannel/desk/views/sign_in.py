"""The way in and out."""

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache


class SignInForm(AuthenticationForm):
    """User name and password, with errors that say what to do."""

    error_messages = {
        "invalid_login": "User name and password do not match. Check both; upper and lower case matter.",
        "inactive": "This account is switched off. Ask an administrator.",
    }


class SignIn(LoginView):
    """Sign in, then to the desk or where one wanted to go."""

    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True


sign_in = SignIn.as_view()
sign_out = method_decorator(never_cache, name="dispatch")(LogoutView).as_view()
