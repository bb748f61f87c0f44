from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0003_base_presence_labels"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="openingperiod", name="opening_periods_end_after_they_start"),
    ]
