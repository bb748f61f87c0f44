import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import channels_whatsapp.simulator.models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "sid",
                    models.CharField(
                        default=channels_whatsapp.simulator.models.new_account_sid, max_length=34, unique=True
                    ),
                ),
                ("auth_token", models.CharField(default=channels_whatsapp.simulator.models.new_secret, max_length=64)),
                ("secondary_auth_token", models.CharField(blank=True, default="", max_length=64)),
                ("friendly_name", models.CharField(max_length=100)),
                ("status", models.CharField(default="active", max_length=20)),
                ("type", models.CharField(default="Full", max_length=10)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="Customer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(blank=True, default="", max_length=100)),
                ("address", models.CharField(max_length=140, unique=True)),
                ("external_user_id", models.CharField(blank=True, default="", max_length=140)),
                ("reads_immediately", models.BooleanField(default=True)),
                ("sends_read_receipts", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="Content",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "sid",
                    models.CharField(
                        default=channels_whatsapp.simulator.models.new_content_sid, max_length=34, unique=True
                    ),
                ),
                ("friendly_name", models.CharField(max_length=100)),
                ("language", models.CharField(default="en", max_length=20)),
                ("variables", models.JSONField(default=dict)),
                ("types", models.JSONField(default=dict)),
                ("category", models.CharField(default="UTILITY", max_length=30)),
                ("approval", models.CharField(default="approved", max_length=30)),
                ("rejection_reason", models.CharField(blank=True, default="", max_length=300)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="contents", to="simulator.account"
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sid", models.CharField(max_length=34, unique=True)),
                (
                    "direction",
                    models.CharField(choices=[("inbound", "Inbound"), ("outbound-api", "Outbound")], max_length=20),
                ),
                ("from_address", models.CharField(max_length=140)),
                ("to_address", models.CharField(max_length=140)),
                ("body", models.TextField(blank=True, default="")),
                ("status", models.CharField(max_length=20)),
                ("error_code", models.PositiveIntegerField(null=True)),
                ("error_message", models.CharField(blank=True, default="", max_length=300)),
                ("num_media", models.PositiveIntegerField(default=0)),
                ("messaging_service_sid", models.CharField(blank=True, default="", max_length=34)),
                ("status_callback", models.CharField(blank=True, default="", max_length=500)),
                ("buttons", models.JSONField(default=list)),
                ("extra", models.JSONField(default=dict)),
                ("is_read_by_business", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("sent_at", models.DateTimeField(null=True)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="messages", to="simulator.account"
                    ),
                ),
                (
                    "content",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="simulator.content",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="messages", to="simulator.customer"
                    ),
                ),
                (
                    "quoted",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="simulator.message",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="Media",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "sid",
                    models.CharField(
                        default=channels_whatsapp.simulator.models.new_media_sid, max_length=34, unique=True
                    ),
                ),
                ("key", models.CharField(default=channels_whatsapp.simulator.models.new_secret, max_length=64)),
                ("content_type", models.CharField(max_length=120)),
                ("filename", models.CharField(blank=True, default="", max_length=200)),
                ("file", models.FileField(upload_to=channels_whatsapp.simulator.models.get_media_path)),
                ("available_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="media", to="simulator.message"
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="Sender",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "sid",
                    models.CharField(
                        default=channels_whatsapp.simulator.models.new_sender_sid, max_length=34, unique=True
                    ),
                ),
                (
                    "phone_sid",
                    models.CharField(
                        default=channels_whatsapp.simulator.models.new_number_sid, max_length=34, unique=True
                    ),
                ),
                ("number", models.CharField(max_length=40)),
                ("name", models.CharField(max_length=100)),
                ("status", models.CharField(default="ONLINE", max_length=30)),
                ("callback_url", models.CharField(blank=True, default="", max_length=500)),
                ("status_callback_url", models.CharField(blank=True, default="", max_length=500)),
                ("messaging_service_sid", models.CharField(blank=True, default="", max_length=34)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="senders", to="simulator.account"
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.AddField(
            model_name="message",
            name="sender",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="messages", to="simulator.sender"
            ),
        ),
        migrations.CreateModel(
            name="Chat",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("last_inbound_at", models.DateTimeField(null=True)),
                ("typing_until", models.DateTimeField(null=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="chats", to="simulator.customer"
                    ),
                ),
                (
                    "sender",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="chats", to="simulator.sender"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Fault",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("slow", "Slow: responds after 3 seconds"),
                            ("hang", "Timeout: accepts, then does not respond for 20 seconds"),
                            ("too_many", "429: too many requests"),
                            ("error_before", "500 before accepting"),
                            ("error_after", "500 after accepting"),
                            ("wrong_token", "401: token rejected"),
                            ("opted_out", "Opted out (21610)"),
                            ("not_on_whatsapp", "Not on WhatsApp (63024)"),
                            ("not_joined", "Has not joined the sandbox (63015)"),
                            ("lost_callbacks", "Status callbacks are lost"),
                            ("twice", "Webhooks are sent twice"),
                            ("out_of_order", "Status callbacks arrive out of order"),
                            ("media_late", "Media returns 404 at first"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="faults",
                        to="simulator.customer",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "customer"), name="one_switch_per_fault_and_customer"),
                    models.UniqueConstraint(
                        condition=models.Q(("customer", None)), fields=("kind",), name="one_switch_per_fault_for_all"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScheduledTask",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("inbound", "Inbound webhook"),
                            ("status", "Status callback"),
                            ("fetch", "Fetch outbound media"),
                        ],
                        max_length=10,
                    ),
                ),
                ("due_at", models.DateTimeField()),
                ("status", models.CharField(blank=True, default="", max_length=20)),
                ("error_code", models.PositiveIntegerField(null=True)),
                ("url", models.CharField(blank=True, default="", max_length=500)),
                ("params", models.JSONField(default=dict)),
                ("token", models.UUIDField(default=uuid.uuid4)),
                (
                    "state",
                    models.CharField(
                        choices=[("due", "Due"), ("running", "Running"), ("done", "Done")], default="due", max_length=10
                    ),
                ),
                ("owner", models.UUIDField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("http_status", models.PositiveIntegerField(null=True)),
                ("error", models.CharField(blank=True, default="", max_length=500)),
                (
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="errands", to="simulator.message"
                    ),
                ),
            ],
            options={
                "ordering": ["due_at", "pk"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "done"), _negated=True),
                        fields=["due_at"],
                        name="simulator_errands_to_run",
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="sender",
            constraint=models.UniqueConstraint(fields=("account", "number"), name="one_sender_per_account_and_number"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["account", "to_address"], name="simulator_messages_by_to"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["customer", "sender"], name="simulator_messages_of_a_chat"),
        ),
        migrations.AddConstraint(
            model_name="chat",
            constraint=models.UniqueConstraint(fields=("customer", "sender"), name="one_chat_per_customer_and_sender"),
        ),
    ]
