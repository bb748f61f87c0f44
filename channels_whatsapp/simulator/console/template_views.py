"""The Content Template Builder of the Twilio console: sample templates, and their approval."""

from typing import TYPE_CHECKING, TypeAlias

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from channels_whatsapp.simulator.console.sample_templates import create_samples
from channels_whatsapp.simulator.models import Account, Content
from channels_whatsapp.simulator.statuses import ApprovalStatus

if TYPE_CHECKING:  # Django's forms take no type parameters at run time
    ContentModelForm: TypeAlias = forms.ModelForm[Content]
else:
    ContentModelForm = forms.ModelForm


class ApprovalForm(ContentModelForm):
    """The approval status of a template."""

    approval = forms.ChoiceField(label="Status", choices=[(status.value, status.value) for status in ApprovalStatus])

    class Meta:
        model = Content
        fields = ["approval"]


@require_POST
def set_approval(request: HttpRequest, content_pk: int) -> HttpResponse:
    """Set a template's approval status, as WhatsApp would."""
    form = ApprovalForm(
        request.POST, instance=get_object_or_404(Content, pk=content_pk), prefix=f"content-{content_pk}"
    )
    if form.is_valid():
        form.save()
    return redirect("simulator:console")


@require_POST
def add_samples(request: HttpRequest, account_pk: int) -> HttpResponse:
    """Create the sample templates in an account without templates."""
    account = get_object_or_404(Account, pk=account_pk)
    if not account.contents.exists():
        create_samples(account)
    return redirect("simulator:console")


def approval_forms(account: Account) -> list[tuple[Content, ApprovalForm]]:
    """Return each of the account's templates with its form."""
    return [
        (content, ApprovalForm(instance=content, prefix=f"content-{content.pk}")) for content in account.contents.all()
    ]
