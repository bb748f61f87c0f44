from django.db import migrations
from django.db.models import F
from django.db.models.functions import JSONObject

import omnichannel.core.localized_text


def keep(apps, schema_editor):
    """What is written already stays in its words, which are English."""
    events = apps.get_model("conversations", "ConversationEvent").objects.using(schema_editor.connection.alias)
    events.update(said=JSONObject(words=F("text"), values=JSONObject()))


class Migration(migrations.Migration):
    dependencies = [("conversations", "0009_words_without_accents")]

    operations = [
        migrations.AddField(
            "conversationevent",
            "said",
            omnichannel.core.localized_text.LocalizedTextField(default=dict),
            preserve_default=False,
        ),
        migrations.RunPython(keep, migrations.RunPython.noop, elidable=True),
        migrations.RemoveField("conversationevent", "text"),
    ]
