"""Add the words of messages, and drop the index that was made of their bodies; a new one is created afterwards."""

from django.db import migrations

import omnichannel.conversations.models.messages


def drop_old_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS conversations_messagewords")
        return
    for trigger in ("added", "gone", "changed"):
        schema_editor.execute(f"DROP TRIGGER IF EXISTS conversations_messagewords_{trigger}")
    schema_editor.execute("DROP TABLE IF EXISTS conversations_messagewords")


class Migration(migrations.Migration):
    dependencies = [("conversations", "0004_automated_message_text")]

    operations = [
        migrations.RunPython(drop_old_index, migrations.RunPython.noop),
        migrations.AddField(
            model_name="message",
            name="search_text",
            field=omnichannel.conversations.models.messages.SearchTextField(editable=False, null=True),
        ),
    ]
