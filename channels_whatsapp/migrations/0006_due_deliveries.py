from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class AddIndexOnline(AddIndexConcurrently):
    """Build the index without a lock against writers, where the database can."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        else:
            migrations.AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
        else:
            migrations.AddIndex.database_backwards(self, app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    """Index the deliveries that are due: there are few, among millions that are applied."""

    atomic = False
    dependencies = [("channels_whatsapp", "0005_stored_deliveries")]

    operations = [
        AddIndexOnline(
            "webhookdelivery",
            models.Index(
                condition=models.Q(("next_attempt_at__isnull", False)),
                fields=["account", "next_attempt_at", "id"],
                name="due_deliveries_in_order",
            ),
        ),
        migrations.RemoveIndex("webhookdelivery", "failed_deliveries_to_retry"),
    ]
