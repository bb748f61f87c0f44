"""URLs of the simulator alone, without the desk's pages."""

from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.urls import include, path

from channels_whatsapp.simulator.urls import get_simulator_urls

skipped_day_addresses: list[str] = []

urlpatterns = [path("simulator/", include((get_simulator_urls(skipped_day_addresses.append), "simulator")))]


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return a plain page: the desk's own page needs the desk."""
    return HttpResponseNotFound("There is no such page.")
