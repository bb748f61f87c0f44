from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0003_event_details"),
    ]

    operations = [
        migrations.AlterField(
            model_name="automatedmessage",
            name="text",
            field=models.TextField(max_length=1000),
        ),
    ]
