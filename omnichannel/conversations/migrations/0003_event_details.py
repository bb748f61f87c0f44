from django.db import migrations

import omnichannel.core.localized_text


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0002_plain_names"),
    ]

    operations = [
        migrations.AddField(
            model_name="conversationevent",
            name="details",
            field=omnichannel.core.localized_text.LocalizedTextField(null=True),
        ),
    ]
