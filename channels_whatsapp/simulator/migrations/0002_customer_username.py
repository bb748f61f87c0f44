from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("simulator", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="username",
            field=models.CharField(blank=True, default="", max_length=100),
        ),
    ]
