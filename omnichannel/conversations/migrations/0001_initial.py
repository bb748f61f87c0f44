import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import omnichannel.conversations.models.messages
import omnichannel.core.localized_text


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("channels_whatsapp", "0001_initial"),
        ("routing", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Contact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(blank=True, default="", help_text="Set by an agent.", max_length=200)),
                ("profile_name", models.CharField(blank=True, default="", max_length=200)),
                ("address", models.CharField(max_length=140)),
                ("identity", models.CharField(max_length=140, unique=True)),
                ("external_user_id", models.CharField(blank=True, default="", max_length=140)),
                ("language", models.CharField(blank=True, default="", max_length=10)),
                ("opted_out_at", models.DateTimeField(blank=True, null=True)),
                ("opted_out_by_word", models.BooleanField(default=False)),
                ("blocked_at", models.DateTimeField(blank=True, null=True)),
                ("fields", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "ordering": ["name", "profile_name", "pk"],
            },
        ),
        migrations.CreateModel(
            name="DispositionCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60, unique=True)),
                ("description", models.CharField(blank=True, max_length=200)),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Label",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40, unique=True)),
                (
                    "colour",
                    models.CharField(
                        choices=[
                            ("grey", "Grey"),
                            ("red", "Red"),
                            ("amber", "Amber"),
                            ("green", "Green"),
                            ("teal", "Teal"),
                            ("blue", "Blue"),
                            ("purple", "Purple"),
                            ("pink", "Pink"),
                        ],
                        default="grey",
                        max_length=10,
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="OptOutWord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("word", models.CharField(max_length=40, unique=True)),
                (
                    "meaning",
                    models.CharField(
                        choices=[("stop", "Opts out"), ("start", "Opts in again")], default="stop", max_length=10
                    ),
                ),
            ],
            options={
                "verbose_name": "opt-out word",
                "ordering": ["meaning", "word"],
            },
        ),
        migrations.CreateModel(
            name="QuickReplyTag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40, unique=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="ContactAddress",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.CharField(max_length=140)),
                ("identity", models.CharField(max_length=140, unique=True)),
                (
                    "contact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="addresses",
                        to="conversations.contact",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="ContactMerge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source_snapshot", models.JSONField()),
                ("source_conversation_ids", models.JSONField(default=list)),
                ("target_before", models.JSONField(default=dict)),
                ("target_after", models.JSONField(default=dict)),
                ("merged_conversations", models.JSONField(default=list)),
                ("merged_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("undone_at", models.DateTimeField(null=True)),
                (
                    "merged_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="merges", to="conversations.contact"
                    ),
                ),
            ],
            options={
                "ordering": ["-merged_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Conversation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("active", "Active"),
                            ("waiting", "Waiting"),
                            ("wrap_up", "Wrap-up"),
                            ("closed", "Closed"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("state_since", models.DateTimeField(default=django.utils.timezone.now)),
                ("queued_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("offer_expires_at", models.DateTimeField(blank=True, null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("last_inbound_at", models.DateTimeField(null=True)),
                ("window_closes_at", models.DateTimeField(null=True)),
                ("typing_indicator_sent_at", models.DateTimeField(editable=False, null=True)),
                ("unread_count", models.PositiveIntegerField(default=0)),
                ("last_activity_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "priority",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "Urgent"), (2, "High"), (3, "Normal"), (4, "Low")], default=3
                    ),
                ),
                ("context", models.JSONField(blank=True, default=dict)),
                ("snoozed_at", models.DateTimeField(null=True)),
                ("snoozed_until", models.DateTimeField(null=True)),
                ("routed_at", models.DateTimeField(null=True)),
                ("is_placed_by_hand", models.BooleanField(default=False)),
                ("released_at", models.DateTimeField(null=True)),
                ("is_released_by_disconnect", models.BooleanField(default=False)),
                ("overflowed_at", models.DateTimeField(null=True)),
                ("no_agent_reported_at", models.DateTimeField(null=True)),
                ("assignment_fault_reported_at", models.DateTimeField(null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="%(class)ss",
                        to="routing.agent",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="conversations",
                        to="conversations.contact",
                    ),
                ),
                (
                    "number",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="conversations",
                        to="channels_whatsapp.whatsappnumber",
                    ),
                ),
                (
                    "offered_to",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="offered_%(class)ss",
                        to="routing.agent",
                    ),
                ),
                (
                    "queue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="%(class)ss", to="routing.queue"
                    ),
                ),
                (
                    "released_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="routing.agent"
                    ),
                ),
                (
                    "started_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "work_stream",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="%(class)ss", to="routing.workstream"
                    ),
                ),
                (
                    "dispositions",
                    models.ManyToManyField(
                        blank=True, related_name="conversations", to="conversations.dispositioncode"
                    ),
                ),
                ("labels", models.ManyToManyField(blank=True, related_name="conversations", to="conversations.label")),
            ],
            options={
                "ordering": ["-last_activity_at", "-pk"],
                "permissions": [
                    ("work_on_conversations", "Can take, answer, end and close conversations"),
                    ("see_all_conversations", "Can see every conversation"),
                ],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="DeskPreferences",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("enter_sends", models.BooleanField(default=True, verbose_name="Enter sends the message")),
                (
                    "can_undo_sending",
                    models.BooleanField(default=False, verbose_name="wait three seconds before sending, to undo it"),
                ),
                ("plays_sounds", models.BooleanField(default=True, verbose_name="play a soft sound")),
                (
                    "shows_notifications",
                    models.BooleanField(
                        default=False, verbose_name="show a notification when the page is in the background"
                    ),
                ),
                ("uses_shortcuts", models.BooleanField(default=True, verbose_name="single keys are shortcuts")),
                (
                    "agent",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="preferences", to="routing.agent"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "desk preferences",
            },
        ),
        migrations.AddField(
            model_name="contact",
            name="labels",
            field=models.ManyToManyField(blank=True, related_name="contacts", to="conversations.label"),
        ),
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
            ],
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "direction",
                    models.CharField(choices=[("inbound", "Inbound"), ("outbound", "Outbound")], max_length=10),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("text", "Text"),
                            ("media", "Media"),
                            ("location", "Location"),
                            ("contacts", "Contact card"),
                            ("button", "Button reply"),
                            ("list", "List reply"),
                            ("template", "Template"),
                            ("unsupported", "Unsupported message"),
                        ],
                        default="text",
                        max_length=12,
                    ),
                ),
                ("body", models.TextField(blank=True, default="")),
                ("content", models.JSONField(default=dict)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("received", "Received"),
                            ("queued", "Queued"),
                            ("sending", "Sending"),
                            ("sent", "Sent"),
                            ("delivered", "Delivered"),
                            ("read", "Read"),
                            ("failed", "Failed"),
                            ("undelivered", "Undelivered"),
                        ],
                        max_length=12,
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("twilio_sid", models.CharField(blank=True, default="", max_length=34)),
                ("error_code", models.PositiveIntegerField(null=True)),
                ("error_message", models.TextField(blank=True, default="")),
                ("payload", models.JSONField(default=dict)),
                (
                    "automated_trigger",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("greeting", "Greeting message"),
                            ("out_of_hours", "Out of operating hour message to customer"),
                            ("holiday", "Holiday message to customer"),
                            ("agent_assigned", "Agent assigned to a conversation"),
                            ("position", "Customer's position in queue"),
                            ("ended", "Agent ended conversation"),
                            ("overflow", "End conversation due to overflow"),
                            ("opted_out", "Customer opted out"),
                            ("opted_in", "Customer opted in again"),
                        ],
                        default="",
                        max_length=20,
                    ),
                ),
                ("queue_position", models.PositiveIntegerField(null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("send_token", models.UUIDField(null=True)),
                ("sending_since", models.DateTimeField(null=True)),
                ("sent_to", models.CharField(blank=True, default="", max_length=140)),
                ("send_attempts", models.PositiveIntegerField(default=0)),
                ("not_before", models.DateTimeField(null=True)),
                ("check_status_at", models.DateTimeField(null=True)),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="conversations.conversation",
                    ),
                ),
                (
                    "quoted",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="conversations.message",
                    ),
                ),
            ],
            options={
                "ordering": ["created_at", "pk"],
            },
        ),
        migrations.AddField(
            model_name="conversation",
            name="last_message",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="conversations.message"
            ),
        ),
        migrations.CreateModel(
            name="Attachment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("source_url", models.URLField(blank=True, default="", max_length=500)),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                ("declared_type", models.CharField(blank=True, default="", max_length=120)),
                ("content_type", models.CharField(blank=True, default="", max_length=120)),
                ("size", models.PositiveBigIntegerField(default=0)),
                (
                    "file",
                    models.FileField(
                        blank=True, max_length=200, upload_to=omnichannel.conversations.models.messages.attachment_path
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("pending", "Downloading"), ("stored", "Stored"), ("failed", "Not available")],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("error", models.CharField(blank=True, default="", max_length=300)),
                (
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attachments",
                        to="conversations.message",
                    ),
                ),
            ],
            options={
                "ordering": ["message", "position"],
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField(max_length=4000)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="notes", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notes",
                        to="conversations.conversation",
                    ),
                ),
                (
                    "mentions",
                    models.ManyToManyField(
                        blank=True, related_name="mentioned_in", through="conversations.Mention", to="routing.agent"
                    ),
                ),
            ],
            options={
                "ordering": ["created_at", "pk"],
            },
        ),
        migrations.AddField(
            model_name="mention",
            name="note",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="conversations.note"
            ),
        ),
        migrations.CreateModel(
            name="Offer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("offered_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("pending", "Offered"),
                            ("accepted", "Accepted"),
                            ("rejected", "Rejected"),
                            ("timed_out", "Timed out"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="offers", to="routing.agent"
                    ),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="offers",
                        to="conversations.conversation",
                    ),
                ),
            ],
            options={
                "ordering": ["offered_at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Participation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(choices=[("consult", "Consulted"), ("monitor", "Monitoring")], max_length=10),
                ),
                ("joined_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("left_at", models.DateTimeField(null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="participations", to="routing.agent"
                    ),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="participations",
                        to="conversations.conversation",
                    ),
                ),
                (
                    "invited_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="routing.agent"
                    ),
                ),
            ],
            options={
                "ordering": ["joined_at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="QuickReply",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=100)),
                ("locale", models.CharField(default="en", help_text="For example en, de, pt-BR.", max_length=10)),
                ("message", models.TextField(max_length=1600)),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="quick_replies",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "work_streams",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Leave empty for all work streams.",
                        related_name="quick_replies",
                        to="routing.workstream",
                    ),
                ),
                (
                    "tags",
                    models.ManyToManyField(blank=True, related_name="quick_replies", to="conversations.quickreplytag"),
                ),
            ],
            options={
                "verbose_name": "quick reply",
                "verbose_name_plural": "quick replies",
                "ordering": ["title", "locale"],
            },
        ),
        migrations.CreateModel(
            name="RequiredSkill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rating", models.PositiveSmallIntegerField(default=1)),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="required_skills",
                        to="conversations.conversation",
                    ),
                ),
                (
                    "skill",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="routing.skill"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Viewer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seen_at", models.DateTimeField()),
                ("typing_at", models.DateTimeField(null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="routing.agent"
                    ),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="viewers",
                        to="conversations.conversation",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AutomatedMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("greeting", "Greeting message"),
                            ("out_of_hours", "Out of operating hour message to customer"),
                            ("holiday", "Holiday message to customer"),
                            ("agent_assigned", "Agent assigned to a conversation"),
                            ("position", "Customer's position in queue"),
                            ("ended", "Agent ended conversation"),
                            ("overflow", "End conversation due to overflow"),
                            ("opted_out", "Customer opted out"),
                            ("opted_in", "Customer opted in again"),
                        ],
                        max_length=20,
                        verbose_name="message trigger",
                    ),
                ),
                (
                    "language",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="For example de or pt-BR. Leave empty for any language.",
                        max_length=10,
                        verbose_name="language code",
                    ),
                ),
                (
                    "text",
                    models.TextField(
                        help_text="Placeholders: {AgentName}, {QueueName}, {CustomerName}, {Position}, {OpensAt}.",
                        max_length=1000,
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "work_stream",
                    models.ForeignKey(
                        blank=True,
                        help_text="Leave empty for all work streams without their own message.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="automated_messages",
                        to="routing.workstream",
                    ),
                ),
            ],
            options={
                "ordering": ["trigger", "language"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("trigger", "work_stream", "language"), name="one_automated_message_of_a_work_stream"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("work_stream", None)),
                        fields=("trigger", "language"),
                        name="one_automated_message_for_all_work_streams",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AutomatedMessageRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("greeting", "Greeting message"),
                            ("out_of_hours", "Out of operating hour message to customer"),
                            ("holiday", "Holiday message to customer"),
                            ("agent_assigned", "Agent assigned to a conversation"),
                            ("position", "Customer's position in queue"),
                            ("ended", "Agent ended conversation"),
                            ("overflow", "End conversation due to overflow"),
                            ("opted_out", "Customer opted out"),
                            ("opted_in", "Customer opted in again"),
                        ],
                        max_length=20,
                    ),
                ),
                ("requested_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="automated_message_requests",
                        to="conversations.conversation",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("conversation", "trigger"), name="one_automated_message_request_per_trigger"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ConversationEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("created", "Created"),
                            ("started", "Started by an agent"),
                            ("routed", "Routed"),
                            ("queued", "Queued"),
                            ("needs", "Skills added by rules"),
                            ("skills_changed", "Skills changed"),
                            ("overflow_transfer", "Moved by overflow"),
                            ("overflow", "Ended by overflow"),
                            ("offered", "Offered"),
                            ("rejected", "Offer rejected"),
                            ("timed_out", "Offer timed out"),
                            ("withdrawn", "Offer withdrawn"),
                            ("nobody", "No agent available"),
                            ("assignment_fault", "Assignment failed"),
                            ("open", "Open"),
                            ("active", "Active"),
                            ("waiting", "Waiting"),
                            ("wrap_up", "Wrap-up"),
                            ("closed", "Closed"),
                            ("consult", "Colleague consulted"),
                            ("joined_in", "Supervisor joined"),
                            ("left", "Colleague left"),
                            ("priority", "Priority changed"),
                            ("labelled", "Labels changed"),
                            ("snoozed", "Snoozed"),
                            ("snooze_ended", "Snooze ended"),
                            ("context", "Context changed"),
                            ("contact_field", "Contact field changed"),
                            ("blocked", "Customer blocked"),
                            ("unblocked", "Customer unblocked"),
                            ("opted_out", "Customer opted out"),
                            ("opted_in", "Customer opted in"),
                            ("opt_out_lifted", "Opt-out lifted"),
                            ("merged", "Contacts merged"),
                            ("parted", "Contacts unmerged"),
                            ("joined", "Conversations merged"),
                        ],
                        max_length=40,
                    ),
                ),
                ("text", omnichannel.core.localized_text.LocalizedTextField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="conversations.conversation",
                    ),
                ),
            ],
            options={
                "ordering": ["created_at", "pk"],
                "indexes": [models.Index(fields=["conversation", "created_at"], name="timeline_in_order")],
            },
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.UniqueConstraint(
                condition=models.Q(("external_user_id", ""), _negated=True),
                fields=("external_user_id",),
                name="one_contact_per_external_user_id",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["conversation", "created_at", "id"], name="messages_in_order"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["conversation", "updated_at"], name="messages_by_updated_at"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("automated_trigger", ""), _negated=True),
                fields=["conversation", "automated_trigger"],
                name="automated_messages_by_trigger",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("status__in", ("queued", "sending"))),
                fields=["conversation", "id"],
                name="messages_to_send",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("check_status_at__isnull", False)),
                fields=["check_status_at"],
                name="messages_by_check_status_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.UniqueConstraint(
                condition=models.Q(("twilio_sid", ""), _negated=True),
                fields=("twilio_sid",),
                name="one_message_per_sid",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("direction", "inbound"), ("status", "received")),
                    models.Q(("direction", "outbound"), models.Q(("status", "received"), _negated=True)),
                    _connector="OR",
                ),
                name="only_customers_messages_are_received",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["agent", "state", "-last_activity_at"], name="inbox_of_an_agent"),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["queue", "state", "-last_activity_at"], name="inbox_of_a_queue"),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["state", "state_since"], name="conversations_by_time_in_state"),
        ),
        migrations.AddConstraint(
            model_name="conversation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ("active", "wrap_up")), _negated=True),
                    ("agent__isnull", False),
                    _connector="OR",
                ),
                name="active_and_wrap_up_conversations_have_an_agent",
            ),
        ),
        migrations.AddConstraint(
            model_name="conversation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "open"), _negated=True), ("agent__isnull", True), _connector="OR"
                ),
                name="open_conversations_have_no_agent",
            ),
        ),
        migrations.AddConstraint(
            model_name="conversation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("offer_expires_at__isnull", True), ("offered_to__isnull", True)),
                    models.Q(("offer_expires_at__isnull", False), ("offered_to__isnull", False), ("state", "open")),
                    _connector="OR",
                ),
                name="only_open_conversations_are_offered",
            ),
        ),
        migrations.AddConstraint(
            model_name="conversation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at", None)),
                fields=("contact", "number"),
                name="one_open_conversation_per_contact_and_number",
            ),
        ),
        migrations.AddConstraint(
            model_name="conversation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at__isnull", False), ("state", "closed")),
                    models.Q(models.Q(("state", "closed"), _negated=True), ("closed_at__isnull", True)),
                    _connector="OR",
                ),
                name="closed_conversations_have_closed_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="conversation",
            constraint=models.CheckConstraint(
                condition=models.Q(("snoozed_at__isnull", False), ("snoozed_until__isnull", True), _connector="OR"),
                name="snoozed_until_requires_snoozed_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="attachment",
            constraint=models.UniqueConstraint(fields=("message", "position"), name="one_attachment_per_position"),
        ),
        migrations.AddIndex(
            model_name="note",
            index=models.Index(fields=["conversation", "created_at"], name="notes_in_order"),
        ),
        migrations.AddIndex(
            model_name="mention",
            index=models.Index(
                condition=models.Q(("seen_at", None)), fields=["agent", "note"], name="unseen_mentions_by_agent"
            ),
        ),
        migrations.AddConstraint(
            model_name="mention",
            constraint=models.UniqueConstraint(fields=("note", "agent"), name="a_note_mentions_an_agent_once"),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.UniqueConstraint(
                condition=models.Q(("outcome", "pending")),
                fields=("conversation",),
                name="one_pending_offer_per_conversation",
            ),
        ),
        migrations.AddConstraint(
            model_name="participation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("left_at", None)),
                fields=("conversation", "agent"),
                name="one_current_participation_per_agent",
            ),
        ),
        migrations.AddConstraint(
            model_name="quickreply",
            constraint=models.UniqueConstraint(
                fields=("owner", "title", "locale"), name="one_personal_quick_reply_of_a_title"
            ),
        ),
        migrations.AddConstraint(
            model_name="quickreply",
            constraint=models.UniqueConstraint(
                condition=models.Q(("owner", None)),
                fields=("title", "locale"),
                name="one_quick_reply_of_a_title_for_all",
            ),
        ),
        migrations.AddConstraint(
            model_name="requiredskill",
            constraint=models.UniqueConstraint(fields=("conversation", "skill"), name="a_skill_is_required_once"),
        ),
        migrations.AddConstraint(
            model_name="viewer",
            constraint=models.UniqueConstraint(fields=("conversation", "agent"), name="one_viewer_row_per_agent"),
        ),
    ]
