"""Messages are found by their words."""

from typing import Any

from django.db import migrations

from omnichannel.conversations.search import index


def make_index(apps: Any, schema_editor: Any) -> None:
    index.ensure_index(schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [("conversations", "0006_typing_shown")]

    operations = [migrations.RunPython(make_index, migrations.RunPython.noop, elidable=False)]
