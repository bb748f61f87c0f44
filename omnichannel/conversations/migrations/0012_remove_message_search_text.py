"""Remove the words from the messages, and the index over them."""

from django.db import migrations


def drop_old_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS conversations_messagesearch")
        schema_editor.execute("DROP FUNCTION IF EXISTS conversations_search_vector(text)")
        return
    for event in ("added", "deleted", "changed"):
        schema_editor.execute(f"DROP TRIGGER IF EXISTS conversations_messagesearch_{event}")
    schema_editor.execute("DROP TABLE IF EXISTS conversations_messagesearch")


class Migration(migrations.Migration):
    dependencies = [("conversations", "0011_fill_message_words")]

    operations = [
        migrations.RunPython(drop_old_index, migrations.RunPython.noop),
        migrations.RemoveField(model_name="message", name="search_text"),
    ]
