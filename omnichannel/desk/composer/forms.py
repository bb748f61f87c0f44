"""Forms of the composer: replies, quick replies, templates, notes and new conversations."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from channels_whatsapp.models import WhatsAppNumber
from omnichannel.conversations.initiate import parse_address
from omnichannel.core.languages import language_name
from omnichannel.desk.customer_panel.languages import language_choices

CHOICE_UNAVAILABLE = _("This is no longer possible. Choose again.")


class ReplyForm(forms.Form):
    """A reply: text, a file, or both; `public_id` makes one message of a form that is sent twice."""

    text = forms.CharField(required=False, strip=False)
    file = forms.FileField(required=False, allow_empty_file=True, max_length=400)
    public_id = forms.UUIDField(required=False)
    quoted = forms.IntegerField(required=False)


class PersonalQuickReplyForm(forms.Form):
    """A personal quick reply; `save_own_quick_reply` validates its content."""

    title = forms.CharField(label=_("Title"), required=False)
    message = forms.CharField(label=_("Message"), required=False, strip=False, widget=forms.Textarea(attrs={"rows": 5}))
    locale = forms.ChoiceField(label=_("Language"))
    tags = forms.CharField(label=_("Tags"), required=False, max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        choices = [(code, name) for code, name in language_choices() if code]
        initial = self.initial.get("locale", "")
        extra_choices = [(initial, language_name(initial))] if initial and initial not in dict(choices) else []
        self.fields["locale"] = forms.ChoiceField(label=_("Language"), choices=[*extra_choices, *choices])
        self.order_fields(["title", "message", "locale", "tags"])
        for name, field in self.fields.items():
            field.widget.attrs |= {"class": "input", "dir": "auto", "id": f"quick-reply-{name}"}


class SendTemplateForm(forms.Form):
    """The field that every template is sent with; the fields of its variables are read separately."""

    public_id = forms.UUIDField(required=False)


class StartConversationForm(forms.Form):
    """The number to write from and the customer; `to` is a phone number in any spelling."""

    number = forms.ModelChoiceField(
        queryset=WhatsAppNumber.objects.none(),
        error_messages={"required": CHOICE_UNAVAILABLE, "invalid_choice": CHOICE_UNAVAILABLE},
    )
    to = forms.CharField(max_length=140, required=False)
    public_id = forms.UUIDField(required=False)

    def __init__(self, *args: Any, numbers: QuerySet[WhatsAppNumber], has_contact: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.numbers, self.has_contact = numbers, has_contact
        self.fields["number"] = forms.ModelChoiceField(
            queryset=numbers, error_messages=self.fields["number"].error_messages
        )

    def clean_to(self) -> str:
        """Return the customer's WhatsApp address; empty when the contact is known already."""
        return "" if self.has_contact else parse_address(self.cleaned_data["to"])


class NoteForm(forms.Form):
    """A note for colleagues.

    `unknown_mentions` names what was pointed out already: names after an @ by which nobody is called.
    """

    text = forms.CharField(required=False, strip=False)
    unknown_mentions = forms.CharField(required=False)
