"""Add the words of messages, and drop the index that was made of their bodies; a new one is created afterwards."""

from django.db import migrations, models


def drop_old_index(apps, schema_editor):
    _drop_index(schema_editor, "conversations_messagewords", ("added", "gone", "changed"))


def drop_new_index(apps, schema_editor):
    _drop_index(schema_editor, "conversations_messagesearch", ("added", "deleted", "changed"))


def _drop_index(schema_editor, name, triggers):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX IF EXISTS {name}")
        return
    for trigger in triggers:
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}_{trigger}")
    schema_editor.execute(f"DROP TABLE IF EXISTS {name}")


class Migration(migrations.Migration):
    dependencies = [("conversations", "0007_failed_replies")]

    operations = [
        migrations.RunPython(drop_old_index, migrations.RunPython.noop),
        migrations.AddField(
            model_name="message",
            name="search_text",
            field=models.TextField(editable=False, null=True),
        ),
        # The column cannot be removed while the index uses it.
        migrations.RunPython(migrations.RunPython.noop, drop_new_index),
    ]
