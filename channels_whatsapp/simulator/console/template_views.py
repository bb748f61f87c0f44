"""The Content Template Builder of the Twilio console, as far as the desk needs it: samples, and what WhatsApp says."""

from typing import TYPE_CHECKING, TypeAlias

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from channels_whatsapp.simulator.console.sample_templates import create_samples
from channels_whatsapp.simulator.models import Account, Content

if TYPE_CHECKING:  # Django's forms take no type parameters when they run
    ContentModelForm: TypeAlias = forms.ModelForm[Content]
else:
    ContentModelForm = forms.ModelForm

APPROVAL_STATUSES = ["unsubmitted", "received", "pending", "approved", "rejected", "paused", "disabled"]


class ApprovalForm(ContentModelForm):
    """What WhatsApp says about a template."""

    class Meta:
        model = Content
        fields = ["approval"]
        widgets = {"approval": forms.Select(choices=[(name, name) for name in APPROVAL_STATUSES])}
        labels = {"approval": "Status"}


@require_POST
def set_approval(request: HttpRequest, content_pk: int) -> HttpResponse:
    """Let WhatsApp approve, reject or pause a template."""
    form = ApprovalForm(
        request.POST, instance=get_object_or_404(Content, pk=content_pk), prefix=f"content-{content_pk}"
    )
    if form.is_valid():
        form.save()
    return redirect("simulator:console")


@require_POST
def add_samples(request: HttpRequest, account_pk: int) -> HttpResponse:
    """Give an account without templates one of every kind."""
    account = get_object_or_404(Account, pk=account_pk)
    if not account.contents.exists():
        create_samples(account)
    return redirect("simulator:console")


def approval_forms(account: Account) -> list[tuple[Content, ApprovalForm]]:
    """A form for each of the account's templates."""
    return [(one, ApprovalForm(instance=one, prefix=f"content-{one.pk}")) for one in account.contents.all()]
