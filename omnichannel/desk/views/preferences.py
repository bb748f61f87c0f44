"""Pages of the agent's own preferences, password and sessions."""

from django.contrib.auth import update_session_auth_hash
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from omnichannel.accounts.models import UserSession
from omnichannel.accounts.session_events import end_sessions
from omnichannel.accounts.sessions import get_sessions
from omnichannel.conversations.preferences import preferences_for
from omnichannel.core.password_change import OwnPasswordForm
from omnichannel.desk.preferences.forms import AppearanceForm, DeskPreferencesForm
from omnichannel.desk.shared.decorators import AgentRequest, agent_required

MAX_SESSIONS = 50


@require_http_methods(["GET", "HEAD", "POST"])
@agent_required
def preferences(request: AgentRequest) -> HttpResponse:
    """Show and save the preferences: appearance, language, sending, notifications and shortcuts."""
    appearance_form = AppearanceForm(request.POST or None, instance=request.user)
    desk_form = DeskPreferencesForm(request.POST or None, instance=preferences_for(request.agent))
    if request.method == "POST" and all([appearance_form.is_valid(), desk_form.is_valid()]):
        appearance_form.save()
        desk_form.save()
        return HttpResponseRedirect(reverse("desk:preferences") + "?saved=preferences")
    context = {"appearance_form": appearance_form, "desk_form": desk_form, "saved": request.GET.get("saved", "")}
    return render(request, "desk/preferences/page.html", context, status=422 if request.method == "POST" else 200)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@agent_required
def change_password(request: AgentRequest) -> HttpResponse:
    """Change the password, which signs out the user's other browsers."""
    form = OwnPasswordForm(request, request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        update_session_auth_hash(request, form.save())
        return HttpResponseRedirect(reverse("desk:preferences") + "?saved=password")
    status = 422 if request.method == "POST" else 200
    return render(request, "desk/preferences/password.html", {"form": form}, status=status)


@require_safe
@agent_required
def sessions(request: AgentRequest) -> HttpResponse:
    """List the browsers in which the user is signed in."""
    rows = get_sessions(request.user)[:MAX_SESSIONS]
    context = {"sessions": rows, "own_key": request.session.session_key, "ended": request.GET.get("ended", "")}
    return render(request, "desk/preferences/sessions.html", context)


@require_POST
@agent_required
def end_session(request: AgentRequest, pk: int) -> HttpResponse:
    """End one of the user's own sessions in another browser."""
    session = get_object_or_404(_other_sessions(request), pk=pk)
    end_sessions(UserSession.objects.filter(pk=session.pk))
    return redirect(reverse("desk:sessions") + "?ended=one")


@require_POST
@agent_required
def end_other_sessions(request: AgentRequest) -> HttpResponse:
    """End the user's sessions in all other browsers."""
    end_sessions(_other_sessions(request))
    return redirect(reverse("desk:sessions") + "?ended=others")


def _other_sessions(request: AgentRequest) -> QuerySet[UserSession]:
    sessions = UserSession.objects.filter(user=request.user)
    return sessions.exclude(session_key=request.session.session_key or "")
