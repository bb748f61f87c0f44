from typing import Any

from django.db import migrations, models


def mark_deliveries(apps: Any, schema_editor: Any) -> None:
    deliveries = apps.get_model("channels_whatsapp", "WebhookDelivery").objects
    deliveries.filter(state="failed", next_attempt_at=None).update(needs_attention=True)
    deliveries.filter(state="ignored", error__contains=" has no number +").update(needs_attention=True)


class Migration(migrations.Migration):
    """Mark deliveries that failed for good, and those to numbers that are not set up."""

    dependencies = [("channels_whatsapp", "0003_auth_token_format")]

    operations = [
        migrations.AddField("webhookdelivery", "needs_attention", models.BooleanField(default=False)),
        migrations.RunPython(mark_deliveries, migrations.RunPython.noop),
        migrations.AddIndex(
            "webhookdelivery",
            models.Index(
                fields=["received_at"],
                condition=models.Q(needs_attention=True),
                name="deliveries_needing_attention",
            ),
        ),
    ]
