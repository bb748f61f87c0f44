"""What a page tells its agent of while they look elsewhere."""

from django.http import JsonResponse
from django.views.decorators.http import require_GET

from omnichannel.desk.agent_status.notifications import Place, news_since
from omnichannel.desk.shared.decorators import AgentRequest, agent_page


@require_GET
@agent_page
def news(request: AgentRequest) -> JsonResponse:
    """What there is to tell since `?since=`, and where to go on from; at first only that."""
    since = Place.read(request.GET.get("since", ""))
    found, place = news_since(since, request.agent) if since else ([], Place.now())
    return JsonResponse({"place": str(place), "news": [one.as_json() for one in found]})
