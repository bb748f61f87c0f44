"""Create what every installation starts with: presences, the default queue, a rating model and a work stream."""

from django.db import migrations

PRESENCES = [
    ("Available", "Available", "available", "Ready for work"),
    ("Busy", "Busy", "busy", "Working on conversations"),
    ("Busy - DND", "Do not disturb", "busy_dnd", "Fully busy; no new work"),
    ("Away", "Appear away", "away", "Not at the desk"),
    ("Inactive", "Inactive", "inactive", "Set by the system after a missed notification"),
    ("Offline", "Offline", "offline", "Not signed in"),
]


def create(apps, schema_editor):
    presence = apps.get_model("routing", "Presence")
    for name, text, base, description in PRESENCES:
        presence.objects.get_or_create(
            base_status=base,
            is_built_in=True,
            defaults={"name": name, "text": text, "description": description},
        )
    apps.get_model("routing", "Queue").objects.get_or_create(
        is_default=True, defaults={"name": "Default messaging queue"}
    )
    rating = apps.get_model("routing", "RatingModel")
    if not rating.objects.exists():
        rating.objects.create(name="Ten stars", min_value=1, max_value=10, in_use=True)
    apps.get_model("routing", "WorkStream").objects.get_or_create(
        name="WhatsApp channel work stream", defaults={"channel": "whatsapp"}
    )


class Migration(migrations.Migration):
    dependencies = [("routing", "0001_initial")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
