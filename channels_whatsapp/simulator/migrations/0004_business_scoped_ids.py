"""Add business-scoped ids for each account and for linked portfolios, and pictures of ads."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("simulator", "0003_customer_username")]

    operations = [
        migrations.AddField(
            model_name="account",
            name="linked_portfolios",
            field=models.CharField(blank=True, default="", max_length=100),
        ),
        migrations.AddField(
            model_name="media",
            name="is_from_ad",
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name="BusinessScopedId",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scope", models.CharField(max_length=120)),
                ("value", models.CharField(max_length=140, unique=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="business_scoped_ids",
                        to="simulator.customer",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("customer", "scope"), name="one_id_per_customer_and_scope")
                ],
            },
        ),
    ]
