"""The admin pages of operating hours: weekly periods, time zone and holidays."""

from datetime import date
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.forms.formsets import DELETION_FIELD_NAME
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from omnichannel.jobs.lanes import enqueue
from routing.admin.form_fields import TimeOfDayField, date_input, get_time_zone_choices
from routing.admin.inlines import AccessibleInlineFormSet, AccessibleTabularInline
from routing.admin.operating_hours.holiday_import import CountryForm, build_preview, select_holidays
from routing.admin.operating_hours.summary import build_summary
from routing.admin.operating_hours.week_grid import (
    Day,
    Period,
    build_days,
    copy_day,
    find_overlap,
    format_open_time,
    get_copied_weekday,
)
from routing.admin.settings_admin import RoutingSettingsAdmin
from routing.assignment.assign_waiting import ASSIGN_LANE
from routing.holiday_calendar import add_holidays
from routing.models import Holiday, OpeningPeriod, OperatingHours, Weekday

if TYPE_CHECKING:
    HoursModelForm: TypeAlias = forms.ModelForm[OperatingHours]
    PeriodModelForm: TypeAlias = forms.ModelForm[OpeningPeriod]
else:
    HoursModelForm = PeriodModelForm = forms.ModelForm

MIN_PERIOD_MINUTES = 5
IMPORT_URL_NAME = "routing_operatinghours_holidays"


class OperatingHoursForm(HoursModelForm):
    """Operating hours with a choice of time zones."""

    time_zone = forms.ChoiceField(
        label="Time Zone",
        choices=get_time_zone_choices,
        initial="UTC",
        help_text="Daylight saving time is applied automatically.",
    )

    class Meta:
        model = OperatingHours
        fields = ("name", "description", "time_zone", "always_open")
        help_texts = {"always_open": "Always open except on holidays."}


class OpeningPeriodForm(PeriodModelForm):
    """A period of at least five minutes; a form without times stands for no period."""

    opens = TimeOfDayField(label="Opens")
    closes = TimeOfDayField(label="Closes", is_end=True)

    class Meta:
        model = OpeningPeriod
        fields = ("weekday", "opens", "closes")
        widgets = {"weekday": forms.HiddenInput}

    def has_changed(self) -> bool:
        return super().has_changed() and (not self.instance._state.adding or not self.is_empty)

    @property
    def is_empty(self) -> bool:
        """Return whether neither a start nor an end is given."""
        return not any(self[name].value() for name in ("opens", "closes"))

    @property
    def weekday(self) -> int:
        """The weekday of the row; Monday if the request names none."""
        value = str(self["weekday"].value())
        return int(value) if value in {str(day) for day in Weekday.values} else Weekday.MONDAY.value

    @property
    def period(self) -> Period | None:
        """The period as it is typed; None while start or end is missing or invalid."""
        times = []
        for name in ("opens", "closes"):
            try:
                times.append(self.fields[name].clean(self[name].value()))
            except forms.ValidationError:
                return None
        return Period(self.weekday, *times)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("opens") is None or cleaned.get("closes") is None:
            return cleaned
        if Period(self.weekday, cleaned["opens"], cleaned["closes"]).length < MIN_PERIOD_MINUTES:
            self.add_error("closes", "The end must be at least five minutes after the start.")
        return cleaned


class OpeningPeriodFormSet(AccessibleInlineFormSet):
    """The week: periods must not overlap, and one is required unless it is always open."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        weekday = Weekday(form.weekday).label if index is not None else ""
        for name in ("opens", "closes"):
            form.fields[name].widget.attrs["aria-label"] = f"{weekday}, {name}"

    @property
    def copied_day(self) -> str:
        """The name of the day that a Copy button copied; empty if the form was saved instead."""
        weekday = get_copied_weekday(self.data) if self.is_bound else None
        return "" if weekday is None else str(Weekday(weekday).label)

    def is_valid(self) -> bool:
        """Return whether the week can be saved; a copied day is shown first and not saved yet."""
        return not self.copied_day and super().is_valid()

    def _should_delete_form(self, form: Any) -> bool:
        return bool(form.is_empty or form.cleaned_data.get(DELETION_FIELD_NAME))

    def get_remaining_forms(self) -> list[Any]:
        return [form for form in super().get_remaining_forms() if not form.is_empty]

    def clean(self) -> None:
        super().clean()
        if any(form.errors for form in self.forms if not self._should_delete_form(form)):
            return
        remaining = self.get_remaining_forms()
        if overlap := find_overlap([form.period for form in remaining]):
            position, text = overlap
            remaining[position].add_error("opens", text)
        if not remaining and not self.instance.always_open:
            raise forms.ValidationError("Add opening hours to a day, or select 24/7.")

    @property
    def days(self) -> list[Day]:
        """The rows of the grid."""
        return build_days(self.forms, self.get_periods(), attrgetter("weekday"))

    def get_periods(self) -> list[Period]:
        """Return the periods that can be drawn."""
        periods = (form.period for form in self.forms if not self._is_marked_for_deletion(form))
        return [period for period in periods if period]

    def _is_marked_for_deletion(self, form: Any) -> bool:
        return bool(form.is_bound and form.data.get(form.add_prefix(DELETION_FIELD_NAME)))

    @property
    def open_time(self) -> str:
        """The time that is open in a week."""
        return format_open_time(self.get_periods())


class OpeningPeriodInline(AccessibleTabularInline):
    """The opening periods of the week, with an empty row for each day."""

    model = OpeningPeriod
    form = OpeningPeriodForm
    formset = OpeningPeriodFormSet
    template = "admin/routing/week_grid.html"
    verbose_name = "period"
    verbose_name_plural = "Week"
    extra = 7


class HolidayInline(AccessibleTabularInline):
    """The days on which it is closed."""

    model = Holiday
    fields = ("date", "name")
    verbose_name_plural = "Holidays"

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "date":
            kwargs["widget"] = date_input()
        return super().formfield_for_dbfield(db_field, request, **kwargs)


@admin.register(OperatingHours)
class OperatingHoursAdmin(RoutingSettingsAdmin):
    """Operating hours with their periods and holidays."""

    empty_hint = "Queues and numbers are always open until you assign operating hours to them."
    form = OperatingHoursForm
    list_display = ("name", "time_zone", "opening_days", "holiday_count")
    search_fields = ("name",)
    search_help_text = "Name"
    fieldsets = (("General information", {"fields": ("name", "description", "time_zone", "always_open")}),)
    inlines = (OpeningPeriodInline, HolidayInline)
    change_form_template = "admin/routing/operating_hours.html"
    deletion_hint = "Assign other operating hours to the queues and numbers that use these first."

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return the browser's time zone for new operating hours."""
        name = timezone.get_current_timezone_name()
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        return ({"time_zone": name} if name in dict(get_time_zone_choices()) else {}) | initial

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.import_holidays_view)
        return [path("<path:object_id>/holidays/", view, name=IMPORT_URL_NAME), *super().get_urls()]

    def has_import_permission(self, request: HttpRequest, hours: OperatingHours) -> bool:
        """Return whether the user may add public holidays."""
        may_add = request.user.has_perm("routing.add_holiday")
        return may_add and self.has_change_permission(request, hours)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        hours = self.get_object(request, unquote(object_id))
        context: dict[str, Any] = {}
        if hours:
            context["summary"] = build_summary(hours, self.admin_site, timezone.now())
        if hours and self.has_import_permission(request, hours):
            context["import_url"] = reverse(f"admin:{IMPORT_URL_NAME}", args=[hours.pk])
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def import_holidays_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Choose a calendar, show its public holidays (GET) and add the selected ones (POST)."""
        hours = self.get_object(request, unquote(object_id))
        if hours is None:
            raise Http404
        if not self.has_import_permission(request, hours):
            raise PermissionDenied
        form = CountryForm(request.GET or None)
        names = form.get_holidays() if form.is_valid() else None
        if request.method == "POST" and names is not None:
            return self._import_holidays(request, hours, select_holidays(names, request.POST.getlist("date")))
        context = {
            **self.admin_site.each_context(request),
            "title": "Add public holidays",
            "hours": hours,
            "page_url": self.get_change_url(hours),
            "form": form,
            "rows": None if names is None else build_preview(hours, names),
        }
        return TemplateResponse(request, "admin/routing/holiday_import.html", context)

    def _import_holidays(self, request: HttpRequest, hours: OperatingHours, names: dict[date, str]) -> HttpResponse:
        count = add_holidays(hours, names)
        if count:
            self.log_change(request, hours, f"Added {count} public holidays.")
            enqueue(ASSIGN_LANE, 0)
        text = f"{count} holiday{'' if count == 1 else 's'} added." if count else "No holidays added."
        self.message_user(request, text, messages.SUCCESS if count else messages.WARNING)
        return HttpResponseRedirect(self.get_change_url(hours))

    def get_formset_kwargs(self, request: HttpRequest, obj: Any, inline: Any, prefix: str) -> dict[str, Any]:
        kwargs = super().get_formset_kwargs(request, obj, inline, prefix)
        if isinstance(inline, OpeningPeriodInline):
            kwargs["initial"] = [{"weekday": weekday} for weekday in Weekday.values]
            weekday = get_copied_weekday(request.POST)
            if weekday is not None and "data" in kwargs:
                copy_day(kwargs["data"], prefix, weekday)
        return kwargs

    def get_queryset(self, request: HttpRequest) -> QuerySet[OperatingHours]:
        hours: QuerySet[OperatingHours] = (
            super()
            .get_queryset(request)
            .annotate(days_off=Count("holidays", distinct=True), open_days=Count("periods__weekday", distinct=True))
        )
        return hours

    @admin.display(description="Open")
    def opening_days(self, hours: Any) -> str:
        if hours.always_open:
            return "24/7"
        return "1 day a week" if hours.open_days == 1 else f"{hours.open_days} days a week"

    @admin.display(description="Holidays", ordering="days_off")
    def holiday_count(self, hours: Any) -> int:
        return int(hours.days_off)
