from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def delete_retry_lane(apps: Any, schema_editor: Any) -> None:
    apps.get_model("jobs", "Lane").objects.filter(kind="retry").delete()
    apps.get_model("jobs", "JobSchedule").objects.filter(name="retry failed webhook deliveries").delete()


class Migration(migrations.Migration):
    """Deliveries are stored first and applied afterwards; the lane that retried failed ones is gone."""

    dependencies = [("channels_whatsapp", "0004_deliveries_needing_attention"), ("jobs", "0001_initial")]

    operations = [
        migrations.AlterField(
            "webhookdelivery",
            "state",
            models.CharField(
                choices=[
                    ("stored", "Stored"),
                    ("applied", "Applied"),
                    ("failed", "Failed"),
                    ("ignored", "Ignored"),
                ],
                default="stored",
                max_length=10,
            ),
        ),
        migrations.AlterField("webhookdelivery", "attempts", models.PositiveIntegerField(default=0)),
        migrations.CreateModel(
            name="DeliveryProgress",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="delivery_progress",
                        serialize=False,
                        to="channels_whatsapp.whatsappaccount",
                    ),
                ),
                ("progress_at", models.DateTimeField()),
            ],
        ),
        migrations.RunPython(delete_retry_lane, migrations.RunPython.noop),
    ]
