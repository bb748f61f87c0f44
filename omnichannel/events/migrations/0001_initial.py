from django.db import migrations, models

import omnichannel.events.models

# Open pages resume from the ids of the table that this one replaces, so its ids go on from there.
CONTINUE_IDS = {
    "postgresql": (
        "SELECT setval(pg_get_serial_sequence('events_event', 'id'), last_value, is_called) FROM {old_sequence}"
    ),
    "sqlite": (
        "INSERT INTO sqlite_sequence (name, seq)"
        " SELECT 'events_event', seq FROM sqlite_sequence WHERE name = 'live_liveevent'"
    ),
}


def continue_ids(apps, schema_editor):
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        statement = CONTINUE_IDS[connection.vendor]
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_get_serial_sequence('live_liveevent', 'id')")
            statement = statement.format(old_sequence=cursor.fetchone()[0])
        cursor.execute(statement)


class Migration(migrations.Migration):
    initial = True

    dependencies = [("live", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "transaction_id",
                    models.BigIntegerField(db_default=omnichannel.events.models.CurrentTransactionId()),
                ),
                ("kind", models.CharField(max_length=40)),
                ("subject_id", models.BigIntegerField()),
                ("part_id", models.BigIntegerField(null=True)),
                ("topics", models.JSONField(default=list)),
                ("data", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("transaction_id__gt", 0)),
                        fields=["transaction_id"],
                        name="events_by_transaction",
                    ),
                    models.Index(fields=["created_at"], name="events_by_age"),
                ],
            },
        ),
        migrations.RunPython(continue_ids, migrations.RunPython.noop),
    ]
