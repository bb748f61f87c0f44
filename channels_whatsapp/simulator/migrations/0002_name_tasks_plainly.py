"""Rename the related name and the index of scheduled tasks, and keys of templates' parts stored with messages."""

import django.db.models.deletion
from django.db import migrations, models

PART_NAMES = {"opens": "list_button", "place": "location"}


def rename_parts(apps, schema_editor):
    Message = apps.get_model("simulator", "Message")
    for message in Message.objects.exclude(content=None).only("extra").iterator():
        parts = message.extra.get("template") or {}
        if PART_NAMES.keys() & parts.keys():
            message.extra["template"] = {PART_NAMES.get(name, name): value for name, value in parts.items()}
            message.save(update_fields=["extra"])


class Migration(migrations.Migration):
    dependencies = [("simulator", "0001_initial")]

    operations = [
        migrations.RenameIndex(
            model_name="scheduledtask", old_name="simulator_errands_to_run", new_name="simulator_tasks_to_run"
        ),
        migrations.AlterField(
            model_name="scheduledtask",
            name="message",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="tasks", to="simulator.message"
            ),
        ),
        migrations.RunPython(rename_parts, migrations.RunPython.noop),
    ]
