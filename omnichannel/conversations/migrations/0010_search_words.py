"""Create the tables for the words of messages and contacts; `ensure_index` creates their indexes when they are filled."""

import django.db.models.deletion
from django.db import migrations, models

import omnichannel.core.word_index

INDEXES = ("conversations_messagewords_index", "conversations_contactwords_index")


def drop_indexes(apps, schema_editor):
    """Drop SQLite's full-text tables; everything else goes with the tables that it belongs to."""
    if schema_editor.connection.vendor == "sqlite":
        for name in INDEXES:
            for event in ("added", "deleted", "changed"):
                schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}_{event}")
            schema_editor.execute(f"DROP TABLE IF EXISTS {name}")


def create_words_model(name: str, subject: str) -> migrations.CreateModel:
    key = models.OneToOneField(
        on_delete=django.db.models.deletion.CASCADE,
        primary_key=True,
        related_name="+",
        serialize=False,
        to=f"conversations.{subject}",
    )
    return migrations.CreateModel(
        name=name, fields=[(subject, key), ("words", omnichannel.core.word_index.WordsField())]
    )


class Migration(migrations.Migration):
    dependencies = [("conversations", "0009_indexes_of_unclosed_conversations")]

    operations = [
        create_words_model("MessageWords", "message"),
        create_words_model("ContactWords", "contact"),
        migrations.RunPython(migrations.RunPython.noop, drop_indexes),
    ]
