"""Forms of the customer panel: name, language and required skills."""

from django import forms
from django.utils.translation import gettext_lazy as _

from omnichannel.desk.customer_panel.languages import languages_to_choose
from routing.models import Skill


class RenameForm(forms.Form):
    """The name the desk gives a contact; empty for the name they gave themselves."""

    name = forms.CharField(required=False, max_length=200)


class LanguageForm(forms.Form):
    """The customer's language; empty when it is not known."""

    language = forms.ChoiceField(required=False, choices=languages_to_choose)


class NeedForm(forms.Form):
    """A skill the conversation needs, and how well; or one it needs no more."""

    skill = forms.ModelChoiceField(
        queryset=Skill.objects.all(), error_messages={"required": _("Choose a skill first.")}
    )
    rating = forms.IntegerField(required=False)
    remove = forms.BooleanField(required=False)
