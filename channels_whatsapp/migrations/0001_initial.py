import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import channels_whatsapp.encrypted_fields
import channels_whatsapp.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("routing", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="WhatsAppAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, verbose_name="Name")),
                (
                    "account_sid",
                    models.CharField(
                        error_messages={"unique": "Another WhatsApp channel already uses this Account SID."},
                        max_length=34,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\AAC[0-9a-fA-F]{32}\\Z",
                                "An Account SID is AC followed by 32 hexadecimal characters. Copy it from the Twilio Console.",
                            )
                        ],
                        verbose_name="Account SID",
                    ),
                ),
                ("auth_token", channels_whatsapp.encrypted_fields.EncryptedTextField(verbose_name="Auth Token")),
                ("auth_token_set_at", models.DateTimeField(editable=False, null=True)),
                (
                    "secondary_auth_token",
                    channels_whatsapp.encrypted_fields.EncryptedTextField(
                        blank=True, default="", verbose_name="Secondary Auth Token"
                    ),
                ),
                (
                    "messaging_service_sid",
                    models.CharField(
                        blank=True,
                        default="",
                        max_length=34,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\AMG[0-9a-fA-F]{32}\\Z",
                                "A Messaging Service SID is MG followed by 32 hexadecimal characters.",
                            )
                        ],
                        verbose_name="Messaging Service SID",
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        default=channels_whatsapp.models.generate_webhook_key,
                        editable=False,
                        max_length=64,
                        unique=True,
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("validated_at", models.DateTimeField(editable=False, null=True)),
                ("validation_report", models.JSONField(default=list, editable=False)),
                ("credentials_rejected_at", models.DateTimeField(editable=False, null=True)),
                ("templates_synced_at", models.DateTimeField(editable=False, null=True)),
                ("template_sync_error", models.CharField(blank=True, default="", editable=False, max_length=300)),
            ],
            options={
                "verbose_name": "WhatsApp",
                "verbose_name_plural": "WhatsApp",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="WhatsAppNumber",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, verbose_name="Name")),
                (
                    "number",
                    channels_whatsapp.models.PhoneNumberField(
                        error_messages={"unique": "This number already exists."},
                        help_text="Include the country code, for example +1 415 523 8886.",
                        max_length=40,
                        unique=True,
                        verbose_name="WhatsApp Number",
                    ),
                ),
                (
                    "customers_may_attach",
                    models.BooleanField(default=True, verbose_name="customers can send file attachments"),
                ),
                (
                    "agents_may_attach",
                    models.BooleanField(default=True, verbose_name="agents can send file attachments"),
                ),
                (
                    "shows_typing_indicator",
                    models.BooleanField(
                        default=True,
                        help_text="Showing this also marks the customer's message as read.",
                        verbose_name="show customers when agents type",
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="numbers",
                        to="channels_whatsapp.whatsappaccount",
                        verbose_name="WhatsApp Account",
                    ),
                ),
                (
                    "operating_hours",
                    models.ForeignKey(
                        blank=True,
                        help_text="Outside these hours, customers get an out-of-hours message. Leave empty for always open.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="whatsapp_numbers",
                        to="routing.operatinghours",
                    ),
                ),
                (
                    "work_stream",
                    models.ForeignKey(
                        limit_choices_to={"channel": "whatsapp"},
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="whatsapp_numbers",
                        to="routing.workstream",
                        verbose_name="Work stream",
                    ),
                ),
            ],
            options={
                "verbose_name": "WhatsApp Number",
                "verbose_name_plural": "WhatsApp phone numbers",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("inbound", "Inbound message"), ("status", "Status callback")], max_length=10
                    ),
                ),
                ("fingerprint", models.CharField(max_length=200, unique=True)),
                ("payload", models.JSONField()),
                ("public_id", models.UUIDField(null=True)),
                ("received_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                (
                    "state",
                    models.CharField(
                        choices=[("applied", "Applied"), ("failed", "Failed"), ("ignored", "Ignored")],
                        default="applied",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=1)),
                ("next_attempt_at", models.DateTimeField(null=True)),
                ("error", models.TextField(blank=True, default="")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="channels_whatsapp.whatsappaccount",
                    ),
                ),
            ],
            options={
                "verbose_name": "Webhook delivery",
                "verbose_name_plural": "Webhook deliveries",
                "ordering": ["-received_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "failed")),
                        fields=["next_attempt_at"],
                        name="failed_deliveries_to_retry",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MessageTemplate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("content_sid", models.CharField(max_length=34, verbose_name="Content SID")),
                ("name", models.CharField(max_length=500)),
                ("language", models.CharField(max_length=20)),
                ("content_type", models.CharField(max_length=60)),
                ("content", models.JSONField(default=dict)),
                ("text", models.TextField(blank=True, default="")),
                ("variables", models.JSONField(default=dict)),
                ("category", models.CharField(blank=True, default="", max_length=30)),
                (
                    "approval",
                    models.CharField(
                        choices=[
                            ("unsubmitted", "Not submitted"),
                            ("received", "Received"),
                            ("pending", "Pending"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                            ("paused", "Paused"),
                            ("disabled", "Disabled"),
                        ],
                        default="unsubmitted",
                        max_length=30,
                    ),
                ),
                ("rejection_reason", models.TextField(blank=True, default="")),
                ("synced_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("removed_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="templates",
                        to="channels_whatsapp.whatsappaccount",
                    ),
                ),
            ],
            options={
                "verbose_name": "message template",
                "ordering": ["name", "language", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "content_sid"), name="one_template_per_account_and_content_sid"
                    )
                ],
            },
        ),
    ]
