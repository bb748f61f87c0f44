"""Forms of the agent's status."""

from django import forms

from routing.agents import presences_to_choose


class PresenceForm(forms.Form):
    """The presence an agent shows."""

    presence = forms.ModelChoiceField(queryset=presences_to_choose())
