from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def enable_undo_send(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Enable undo send for all agents: it was off by default, and a wrong message can't be recalled."""
    preferences = apps.get_model("conversations", "DeskPreferences").objects
    preferences.using(schema_editor.connection.alias).update(can_undo_sending=True)


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0005_contact_business_scoped_ids"),
    ]

    operations = [
        migrations.AlterField(
            model_name="deskpreferences",
            name="can_undo_sending",
            field=models.BooleanField(default=True, verbose_name="wait three seconds before sending, to undo it"),
        ),
        migrations.RunPython(enable_undo_send, migrations.RunPython.noop),
    ]
