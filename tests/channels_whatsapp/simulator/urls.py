"""The simulator alone, with nobody else's clock to move."""

from django.urls import include, path

from channels_whatsapp.simulator.urls import simulator_urls

days_passed_for: list[str] = []

urlpatterns = [path("simulator/", include((simulator_urls(days_passed_for.append), "simulator")))]
