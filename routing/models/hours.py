"""Operating hours of numbers and queues."""

from django.db import models


class OperatingHours(models.Model):
    """Opening times in a time zone, with holidays as exceptions."""

    name = models.CharField(max_length=100, unique=True)
    description = models.CharField(max_length=200, blank=True)
    always_open = models.BooleanField("24/7", default=False)
    time_zone = models.CharField(max_length=64, default="UTC")

    class Meta:
        ordering = ["name"]
        verbose_name = "operating hours"
        verbose_name_plural = "operating hours"

    def __str__(self) -> str:
        return self.name


class Weekday(models.IntegerChoices):
    """Days of the week, numbered like `datetime.weekday`."""

    MONDAY = 0, "Monday"
    TUESDAY = 1, "Tuesday"
    WEDNESDAY = 2, "Wednesday"
    THURSDAY = 3, "Thursday"
    FRIDAY = 4, "Friday"
    SATURDAY = 5, "Saturday"
    SUNDAY = 6, "Sunday"


class OpeningPeriod(models.Model):
    """An opening period that begins on a day of the week.

    An end at or before the start is on the next day: 21:00-02:00 ends at night, 18:00-00:00 at midnight.
    """

    hours = models.ForeignKey(OperatingHours, models.CASCADE, related_name="periods")
    weekday = models.PositiveSmallIntegerField(choices=Weekday)
    opens = models.TimeField("start time")
    closes = models.TimeField("end time")

    class Meta:
        ordering = ["weekday", "opens"]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M}-{self.closes:%H:%M}"


class Holiday(models.Model):
    """A day that is closed all day; a period that begins on it does not take place."""

    hours = models.ForeignKey(OperatingHours, models.CASCADE, related_name="holidays")
    date = models.DateField()
    name = models.CharField(max_length=100)

    class Meta:
        ordering = ["date"]
        constraints = [models.UniqueConstraint(fields=["hours", "date"], name="one_holiday_per_date")]

    def __str__(self) -> str:
        return f"{self.name} ({self.date})"
