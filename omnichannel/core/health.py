"""Health checks: liveness and readiness."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse


def liveness(request: HttpRequest) -> JsonResponse:
    """Answer 200: the process is alive."""
    return JsonResponse({"status": "alive"})


def readiness(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "the database does not respond"}, status=503)
    return JsonResponse({"status": "ready"})
