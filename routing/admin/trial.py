"""The “try it” box of a work stream: which rule a sample message would hit, and why."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from routing.models import WorkStream
from routing.rules import Trial, moment, try_it


class SampleForm(forms.Form):
    """A sample message, and the moment it comes at."""

    prefix = "sample"

    customer_number = forms.CharField(label="Customer number", required=False, max_length=140)
    first_message = forms.CharField(label="First message", required=False, max_length=1000)
    profile_name = forms.CharField(label="Profile name", required=False, max_length=100)
    contact_language = forms.CharField(label="Contact language", required=False, max_length=10)
    at = forms.DateTimeField(
        label="Moment",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs |= {"form": "sample-form", "autocomplete": "off"}
        self.fields["at"].initial = timezone.localtime

    def result(self, stream: WorkStream) -> Trial:
        """What would become of the sample."""
        facts = {name: value for name, value in self.cleaned_data.items() if name != "at"}
        at: datetime = self.cleaned_data["at"] or timezone.now()
        return try_it(stream, {**facts, **moment(at, timezone.get_current_timezone())})
