"""Forms of the customer panel: name, language and required skills."""

from django import forms
from django.utils.translation import gettext_lazy as _

from omnichannel.desk.customer_panel.languages import language_choices
from routing.models import Skill


class RenameContactForm(forms.Form):
    """The name given to a contact by agents; empty to show the contact's own profile name."""

    name = forms.CharField(required=False, max_length=200)


class ContactLanguageForm(forms.Form):
    """The customer's language; empty when it is not known."""

    language = forms.ChoiceField(required=False, choices=language_choices)


class RequiredSkillForm(forms.Form):
    """A skill that the conversation requires with a rating, or one to remove."""

    skill = forms.ModelChoiceField(queryset=Skill.objects.all(), error_messages={"required": _("Choose a skill.")})
    rating = forms.IntegerField(required=False)
    remove = forms.BooleanField(required=False)
