"""Notifications for pages in the background, as JSON."""

from django.http import JsonResponse
from django.views.decorators.http import require_GET

from omnichannel.desk.agent_status.notifications import NotificationCursor, get_notifications_since
from omnichannel.desk.shared.decorators import AgentRequest, agent_required


@require_GET
@agent_required
def notifications(request: AgentRequest) -> JsonResponse:
    """Return the notifications after the cursor in `?since=`, if any, and the next cursor."""
    cursor = NotificationCursor.parse(request.GET.get("since", ""))
    items, next_cursor = get_notifications_since(cursor, request.agent) if cursor else ([], NotificationCursor.latest())
    return JsonResponse(
        {"cursor": str(next_cursor), "notifications": [notification.to_dict() for notification in items]}
    )
