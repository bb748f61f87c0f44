from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("simulator", "0002_name_tasks_plainly")]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="username",
            field=models.CharField(blank=True, default="", max_length=100),
        ),
    ]
