"""The admin pages of operating hours: weekly periods, time zone and holidays."""

from datetime import time, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from routing.admin.form_fields import date_input, get_time_zone_choices, time_input
from routing.admin.inlines import AccessibleInlineFormSet, AccessibleTabularInline
from routing.admin.settings_admin import RoutingSettingsAdmin
from routing.models import Holiday, OpeningPeriod, OperatingHours

if TYPE_CHECKING:
    HoursModelForm: TypeAlias = forms.ModelForm[OperatingHours]
    PeriodModelForm: TypeAlias = forms.ModelForm[OpeningPeriod]
else:
    HoursModelForm = PeriodModelForm = forms.ModelForm

MIN_PERIOD_LENGTH = timedelta(minutes=5)


def _get_time_since_midnight(time_of_day: time, *, is_end: bool = False) -> timedelta:
    """Return the time of day as a duration; midnight as an end is the end of the day."""
    if is_end and time_of_day == time():
        return timedelta(hours=24)
    return timedelta(hours=time_of_day.hour, minutes=time_of_day.minute, seconds=time_of_day.second)


class OperatingHoursForm(HoursModelForm):
    """Operating hours with a choice of time zones."""

    time_zone = forms.ChoiceField(
        label="Time Zone", choices=get_time_zone_choices, help_text="Daylight saving time is applied automatically."
    )

    class Meta:
        model = OperatingHours
        fields = ("name", "description", "time_zone", "always_open")
        help_texts = {"always_open": "Always open except on holidays."}


class OpeningPeriodForm(PeriodModelForm):
    """A period of a day, of at least five minutes."""

    class Meta:
        model = OpeningPeriod
        fields = ("weekday", "opens", "closes")
        widgets = {"opens": time_input(), "closes": time_input()}

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        opens, closes = cleaned.get("opens"), cleaned.get("closes")
        if opens is None or closes is None:
            return cleaned
        if _get_time_since_midnight(closes, is_end=True) - _get_time_since_midnight(opens) < MIN_PERIOD_LENGTH:
            self.add_error("closes", "The end must be at least five minutes after the start.")
        return cleaned


class OpeningPeriodFormSet(AccessibleInlineFormSet):
    """The week: periods of a day must not overlap, and one is required unless it is always open."""

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        forms_in_order = sorted(
            self.get_remaining_forms(), key=lambda form: (form.cleaned_data["weekday"], form.cleaned_data["opens"])
        )
        for earlier, later in zip(forms_in_order, forms_in_order[1:], strict=False):
            is_same_day = earlier.cleaned_data["weekday"] == later.cleaned_data["weekday"]
            end = _get_time_since_midnight(earlier.cleaned_data["closes"], is_end=True)
            if is_same_day and _get_time_since_midnight(later.cleaned_data["opens"]) < end:
                later.add_error("opens", "This period overlaps the previous one.")
        if not forms_in_order and not self.instance.always_open:
            raise forms.ValidationError("Add working hours or select 24/7.")


class OpeningPeriodInline(AccessibleTabularInline):
    """The opening periods of the week."""

    model = OpeningPeriod
    form = OpeningPeriodForm
    formset = OpeningPeriodFormSet
    verbose_name = "period"
    verbose_name_plural = "Working hours"


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

    form = OperatingHoursForm
    list_display = ("name", "time_zone", "opening_days", "holiday_count")
    search_fields = ("name",)
    search_help_text = "Name"
    fieldsets = (("General information", {"fields": ("name", "description", "time_zone", "always_open")}),)
    inlines = (OpeningPeriodInline, HolidayInline)
    deletion_hint = "Assign other operating hours to the queues and numbers that use these first."

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
