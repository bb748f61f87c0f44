import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """Replies that failed when nobody had their conversation open any more."""

    dependencies = [
        ("conversations", "0006_undo_send_by_default"),
        ("routing", "0003_base_presence_labels"),
    ]

    operations = [
        migrations.CreateModel(
            name="FailedReply",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("seen_at", models.DateTimeField(null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="routing.agent",
                    ),
                ),
                (
                    "message",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="failed_reply",
                        to="conversations.message",
                    ),
                ),
            ],
            options={"ordering": ["pk"]},
        ),
        migrations.AddIndex(
            model_name="failedreply",
            index=models.Index(
                condition=models.Q(("seen_at", None)), fields=["agent", "id"], name="unseen_failed_replies"
            ),
        ),
    ]
