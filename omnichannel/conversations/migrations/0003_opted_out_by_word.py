from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0002_mentions")]

    operations = [
        migrations.AddField(
            model_name="contact",
            name="opted_out_by_word",
            field=models.BooleanField(default=False),
        ),
    ]
