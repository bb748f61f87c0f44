"""The customer's language, to look at and to choose."""

from collections.abc import Sequence

from django import template

from omnichannel.conversations.models import Contact
from omnichannel.core.languages import language_name
from omnichannel.desk.customer_panel.languages import language_choices

register = template.Library()


@register.simple_tag
def language_choices_for(contact: Contact) -> Sequence[tuple[str, str]]:
    """Code and name of each language to choose from; the customer's own is always among them."""
    offered, own = language_choices(), contact.language
    is_offered = own in {code for code, _ in offered}
    return offered if is_offered else [*offered, (own, language_name(own))]
