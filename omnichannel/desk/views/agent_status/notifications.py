"""What a page tells its agent of while they look elsewhere."""

from django.http import JsonResponse
from django.views.decorators.http import require_GET

from omnichannel.desk.agent_status.notifications import NotificationCursor, get_notifications_since
from omnichannel.desk.shared.decorators import AgentRequest, agent_required


@require_GET
@agent_required
def notifications(request: AgentRequest) -> JsonResponse:
    """What there is to tell since `?since=`, and where to go on from; at first only that."""
    since = NotificationCursor.parse(request.GET.get("since", ""))
    found, place = get_notifications_since(since, request.agent) if since else ([], NotificationCursor.latest())
    return JsonResponse({"place": str(place), "news": [one.to_dict() for one in found]})
