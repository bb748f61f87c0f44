import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0001_initial"), ("routing", "0001_initial")]

    operations = [
        migrations.RemoveField("note", "mentions"),
        migrations.CreateModel(
            name="Mention",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seen_at", models.DateTimeField(null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="mentions", to="routing.agent"
                    ),
                ),
                (
                    "note",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="conversations.note"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("note", "agent"), name="a_note_mentions_an_agent_once")
                ],
                "indexes": [
                    models.Index(
                        fields=["agent", "note"], condition=models.Q(seen_at=None), name="mentions_not_seen_yet"
                    )
                ],
            },
        ),
        migrations.AddField(
            "note",
            "mentions",
            models.ManyToManyField(
                blank=True, related_name="mentioned_in", through="conversations.Mention", to="routing.agent"
            ),
        ),
    ]
