"""The contact cards of a message."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.http import require_POST

from omnichannel.conversations import access
from omnichannel.conversations.contacts.contact_cards import InvalidPhoneNumberError, save_contact
from omnichannel.conversations.contacts.vcard_parser import Person
from omnichannel.desk.shared.decorators import AgentRequest, agent_required


@require_POST
@agent_required
def save_contact_card(request: AgentRequest, pk: int, message_pk: int, person: int, phone: int) -> HttpResponse:
    """Save a person of a contact card as a contact.

    Args:
        person: The index of the person in the message's cards.
        phone: The index of the number among the person's numbers.
    """
    message = access.get_message_or_404(request.user, message_pk)
    if message.conversation_id != pk:
        raise Http404("No such message in this conversation.")
    card, number = _find_person_and_number(message.content.get("contacts", []), person, phone)
    try:
        contact, error_message = save_contact(card["name"], number), ""
    except InvalidPhoneNumberError as error:
        contact, error_message = None, str(error)
    if not request.htmx and not error_message:
        return redirect(f"{resolve_url('desk:conversation', pk=pk)}?message={message_pk}")
    context = {"contact": contact, "name": card["name"], "error_message": error_message}
    template = "desk/thread/message/_contact_saved.html" if request.htmx else "desk/thread/message/contact_card.html"
    return render(request, template, context, status=422 if error_message else 200)


def _find_person_and_number(people: list[Person], person_index: int, phone_index: int) -> tuple[Person, str]:
    try:
        person = people[person_index]
        return person, person["phones"][phone_index]
    except IndexError as error:
        raise Http404("No such person or number in the contact cards.") from error
