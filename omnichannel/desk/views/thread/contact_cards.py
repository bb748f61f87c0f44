"""People in a message's contact cards."""

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
    """Save this person of the card as a contact, with this one of their numbers."""
    message = access.get_message_or_404(request.user, message_pk)
    if message.conversation_id != pk:
        raise Http404("No such message in this conversation.")
    one, number = _find_person_and_number(message.content.get("contacts", []), person, phone)
    try:
        kept, problem = save_contact(one["name"], number), ""
    except InvalidPhoneNumberError as why:
        kept, problem = None, str(why)
    if not request.htmx and not problem:
        return redirect(f"{resolve_url('desk:conversation', pk=pk)}?message={message_pk}")
    context = {"kept": kept, "name": one["name"], "problem": problem}
    template = "desk/thread/_contact_saved.html" if request.htmx else "desk/thread/contact_card.html"
    return render(request, template, context, status=422 if problem else 200)


def _find_person_and_number(people: list[Person], person: int, phone: int) -> tuple[Person, str]:
    try:
        return people[person], people[person]["phones"][phone]
    except IndexError as error:
        raise Http404("Nobody of that place is in the card.") from error
