"""The base of the work distribution pages: every change triggers a new assignment run."""

from typing import Any

from django.db.models import Model
from django.http import HttpRequest

from omnichannel.core.admin.pages import ProductModelAdmin
from omnichannel.jobs.lanes import enqueue
from routing.assignment.assign_waiting import ASSIGN_LANE


class RoutingSettingsAdmin(ProductModelAdmin):
    """A page whose settings affect assignment: changes apply at once, to waiting work too."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        enqueue(ASSIGN_LANE, 0)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        super().delete_model(request, obj)
        enqueue(ASSIGN_LANE, 0)
