from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0002_initial_data"),
    ]

    operations = [
        migrations.AlterField(
            model_name="presence",
            name="base_status",
            field=models.CharField(
                choices=[
                    ("available", "Available"),
                    ("busy", "Busy"),
                    ("busy_dnd", "Do not disturb"),
                    ("away", "Appear away"),
                    ("inactive", "Inactive"),
                    ("offline", "Offline"),
                ],
                max_length=20,
            ),
        ),
    ]
