"""What people choose for themselves, and their password."""

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
    """Look, language, writing, notices and keys, on one page."""
    appearance = AppearanceForm(request.POST or None, instance=request.user)
    work = DeskPreferencesForm(request.POST or None, instance=preferences_for(request.agent))
    if request.method == "POST" and all([appearance.is_valid(), work.is_valid()]):
        appearance.save()
        work.save()
        return HttpResponseRedirect(reverse("desk:preferences") + "?saved=preferences")
    context = {"appearance": appearance, "work": work, "saved": request.GET.get("saved", "")}
    return render(request, "desk/preferences/page.html", context, status=422 if request.method == "POST" else 200)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@agent_required
def change_password(request: AgentRequest) -> HttpResponse:
    """Choose another password; the other browsers of this person are signed out by it."""
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        update_session_auth_hash(request, form.save())
        return HttpResponseRedirect(reverse("desk:preferences") + "?saved=password")
    status = 422 if request.method == "POST" else 200
    return render(request, "desk/preferences/password.html", {"form": form}, status=status)
