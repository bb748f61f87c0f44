"""Pages of the agent's own preferences and password."""

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from omnichannel.conversations.preferences import preferences_for
from omnichannel.desk.preferences.forms import AppearanceForm, DeskPreferencesForm
from omnichannel.desk.shared.decorators import AgentRequest, agent_required


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
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        update_session_auth_hash(request, form.save())
        return HttpResponseRedirect(reverse("desk:preferences") + "?saved=password")
    status = 422 if request.method == "POST" else 200
    return render(request, "desk/preferences/password.html", {"form": form}, status=status)
