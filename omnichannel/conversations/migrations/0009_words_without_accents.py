"""Messages are found with or without the accents of their words."""

from typing import Any

from django.db import migrations

from omnichannel.conversations.search import index


def make_index_anew(apps: Any, schema_editor: Any) -> None:
    index.drop_index(schema_editor.connection.alias)
    index.ensure_index(schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [("conversations", "0008_merging_by_hand")]

    operations = [migrations.RunPython(make_index_anew, migrations.RunPython.noop, elidable=False)]
