"""Forms of the agent's status."""

from django import forms

from routing.agents import get_selectable_presences


class PresenceForm(forms.Form):
    """The presence an agent shows."""

    presence = forms.ModelChoiceField(queryset=get_selectable_presences())
