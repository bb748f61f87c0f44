import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="JobSchedule",
            fields=[
                ("name", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("next_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Lane",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=40)),
                ("key", models.BigIntegerField()),
                ("due_at", models.DateTimeField()),
                ("lease_until", models.DateTimeField(null=True)),
                ("owner", models.UUIDField(null=True)),
                ("token", models.UUIDField(default=uuid.uuid4)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("given_up_at", models.DateTimeField(null=True)),
                ("error", models.TextField(blank=True, default="")),
            ],
            options={
                "verbose_name": "failed background job",
                "indexes": [
                    models.Index(fields=["due_at"], name="lanes_that_are_due"),
                    models.Index(
                        condition=models.Q(("given_up_at__isnull", False)),
                        fields=["-given_up_at"],
                        name="lanes_given_up",
                    ),
                ],
                "constraints": [models.UniqueConstraint(fields=("kind", "key"), name="one_lane_per_kind_and_key")],
            },
        ),
    ]
