import datetime

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import routing.models.work_streams


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="OperatingHours",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                ("description", models.CharField(blank=True, max_length=200)),
                ("always_open", models.BooleanField(default=False, verbose_name="24/7")),
                ("time_zone", models.CharField(default="UTC", max_length=64)),
            ],
            options={
                "verbose_name": "operating hours",
                "verbose_name_plural": "operating hours",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="SkillRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0)),
                ("name", models.CharField(max_length=100)),
                ("description", models.CharField(blank=True, max_length=200)),
                ("condition", models.JSONField(blank=True, default=dict)),
            ],
            options={
                "ordering": ["position", "pk"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="SkillType",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Agent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "capacity",
                    models.PositiveIntegerField(
                        default=100,
                        help_text="Units of work this agent can handle at a time. The work stream sets how many a conversation takes.",
                        validators=[django.core.validators.MaxValueValidator(10000)],
                    ),
                ),
                ("is_presence_manual", models.BooleanField(default=False, editable=False)),
                ("last_assigned_at", models.DateTimeField(editable=False, null=True)),
                ("last_seen_at", models.DateTimeField(editable=False, null=True)),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="agent", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["user__first_name", "user__last_name", "user__username"],
            },
        ),
        migrations.CreateModel(
            name="AgentSkill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rating", models.PositiveSmallIntegerField(verbose_name="proficiency")),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="agent_skills", to="routing.agent"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ContactField",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("display_name", models.CharField(max_length=60)),
                (
                    "name",
                    models.CharField(
                        max_length=60,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z][a-z0-9_]*$",
                                "Lowercase letters, digits and underscores, starting with a letter.",
                            )
                        ],
                    ),
                ),
                (
                    "type",
                    models.CharField(choices=[("text", "Text"), ("number", "Number")], default="text", max_length=10),
                ),
            ],
            options={
                "ordering": ["display_name", "pk"],
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("type__in", ["text", "number"])),
                        name="a_contactfield_is_a_text_or_a_number",
                    ),
                    models.UniqueConstraint(fields=("name",), name="one_contact_field_of_a_name"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Presence",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                ("text", models.CharField(max_length=100, verbose_name="presence text")),
                (
                    "base_status",
                    models.CharField(
                        choices=[
                            ("available", "Available"),
                            ("busy", "Busy"),
                            ("busy_dnd", "Busy - DND"),
                            ("away", "Away"),
                            ("inactive", "Inactive"),
                            ("offline", "Offline"),
                        ],
                        max_length=20,
                    ),
                ),
                ("description", models.CharField(blank=True, max_length=200)),
                ("is_built_in", models.BooleanField(default=False, editable=False)),
            ],
            options={
                "ordering": ["pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_built_in", True)),
                        fields=("base_status",),
                        name="one_built_in_presence_per_base_status",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="agent",
            name="default_presence",
            field=models.ForeignKey(
                blank=True,
                help_text="Set when the agent signs in. Leave empty for Available.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="routing.presence",
            ),
        ),
        migrations.AddField(
            model_name="agent",
            name="presence",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="agents", to="routing.presence"
            ),
        ),
        migrations.CreateModel(
            name="Queue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "priority",
                    models.PositiveIntegerField(
                        default=100,
                        help_text="Queues with lower numbers are assigned first.",
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                ("is_default", models.BooleanField(default=False, editable=False)),
                (
                    "assignment_method",
                    models.CharField(
                        choices=[("highest_capacity", "Highest capacity"), ("round_robin", "Round robin")],
                        default="highest_capacity",
                        max_length=20,
                    ),
                ),
                (
                    "closing_windows_first",
                    models.BooleanField(
                        default=False,
                        help_text="Conversations whose 24-hour window ends first come before those that have waited longer.",
                        verbose_name="windows ending first",
                    ),
                ),
                (
                    "operating_hours",
                    models.ForeignKey(
                        blank=True,
                        help_text="Leave empty for always open.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="queues",
                        to="routing.operatinghours",
                    ),
                ),
            ],
            options={
                "ordering": ["priority", "name"],
            },
        ),
        migrations.CreateModel(
            name="QueueMembership",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="memberships", to="routing.agent"
                    ),
                ),
                (
                    "queue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="memberships", to="routing.queue"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="queue",
            name="members",
            field=models.ManyToManyField(related_name="queues", through="routing.QueueMembership", to="routing.agent"),
        ),
        migrations.CreateModel(
            name="RatingModel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "min_value",
                    models.PositiveSmallIntegerField(
                        default=1,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="min rating value",
                    ),
                ),
                ("max_value", models.PositiveSmallIntegerField(default=10, verbose_name="max rating value")),
                ("in_use", models.BooleanField(default=False)),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("min_value__lt", models.F("max_value"))),
                        name="rating_models_end_above_their_start",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("in_use", True)), fields=("in_use",), name="one_rating_model_in_use"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RatingValue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("value", models.PositiveSmallIntegerField()),
                ("name", models.CharField(max_length=100)),
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="values", to="routing.ratingmodel"
                    ),
                ),
            ],
            options={
                "ordering": ["value"],
            },
        ),
        migrations.CreateModel(
            name="Skill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                ("description", models.CharField(blank=True, max_length=200)),
                (
                    "agents",
                    models.ManyToManyField(related_name="skills", through="routing.AgentSkill", to="routing.agent"),
                ),
                (
                    "type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="skills", to="routing.skilltype"
                    ),
                ),
            ],
            options={
                "ordering": ["type__name", "name"],
            },
        ),
        migrations.AddField(
            model_name="agentskill",
            name="skill",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="agent_skills", to="routing.skill"
            ),
        ),
        migrations.CreateModel(
            name="SkillRuleSkill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "rating",
                    models.PositiveSmallIntegerField(
                        default=1, validators=[django.core.validators.MinValueValidator(1)], verbose_name="proficiency"
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="skill_requirements",
                        to="routing.skillrule",
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
        migrations.AddField(
            model_name="skillrule",
            name="skills",
            field=models.ManyToManyField(related_name="+", through="routing.SkillRuleSkill", to="routing.skill"),
        ),
        migrations.CreateModel(
            name="WorkStream",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "channel",
                    models.CharField(
                        choices=[("whatsapp", "WhatsApp")],
                        default="whatsapp",
                        help_text="Can't be changed after the first save.",
                        max_length=20,
                    ),
                ),
                (
                    "capacity",
                    models.PositiveIntegerField(
                        default=30,
                        help_text="Units of agent capacity that a conversation uses while active or in wrap-up.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(10000),
                        ],
                    ),
                ),
                (
                    "auto_close_after",
                    models.DurationField(
                        default=datetime.timedelta(days=1),
                        help_text="Conversations waiting for the customer are closed after this time. Days and HH:MM:SS.",
                        validators=[django.core.validators.MinValueValidator(datetime.timedelta(seconds=60))],
                        verbose_name="auto-close after inactivity",
                    ),
                ),
                (
                    "distribution_mode",
                    models.CharField(
                        choices=[("push", "Push"), ("pick", "Pick")],
                        default="push",
                        help_text="Push offers work to agents; with pick, agents take it. Can't be changed after the first save.",
                        max_length=10,
                        verbose_name="work distribution mode",
                    ),
                ),
                (
                    "allow_selecting",
                    models.BooleanField(
                        default=True,
                        help_text="Agents can also take work themselves, regardless of capacity and presence.",
                        verbose_name="enable selecting from push-based work streams",
                    ),
                ),
                (
                    "offer_seconds",
                    models.PositiveIntegerField(
                        default=120,
                        help_text="Seconds an agent has to accept an offer.",
                        validators=[
                            django.core.validators.MinValueValidator(10),
                            django.core.validators.MaxValueValidator(3600),
                        ],
                        verbose_name="time to accept",
                    ),
                ),
                (
                    "inactive_after_missed_offer",
                    models.BooleanField(
                        default=False, verbose_name="change agent status to inactive after a missed notification"
                    ),
                ),
                (
                    "wrap_up_seconds",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Seconds that wrap-up uses the agent's capacity. Leave empty for the whole wrap-up; 0 for never.",
                        null=True,
                        verbose_name="block capacity for wrap-up",
                    ),
                ),
                (
                    "skill_matching",
                    models.CharField(
                        choices=[("none", "None"), ("exact", "Exact match"), ("closest", "Closest match")],
                        default="none",
                        max_length=10,
                        verbose_name="default skill matching algorithm",
                    ),
                ),
                (
                    "allowed_presences",
                    models.JSONField(
                        default=routing.models.work_streams.get_default_allowed_presences,
                        help_text="Only agents with one of these presences get work.",
                        validators=[routing.models.work_streams.validate_base_presences],
                    ),
                ),
                (
                    "keep_same_agent",
                    models.BooleanField(
                        default=True,
                        help_text="When a waiting customer writes again, the conversation goes back to the agent who had it.",
                        verbose_name="keep same agent for entire conversation",
                    ),
                ),
                (
                    "return_after_disconnect",
                    models.DurationField(
                        blank=True,
                        default=datetime.timedelta(seconds=900),
                        help_text="Agents who are offline for this long lose their active conversations. Leave empty for never.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(datetime.timedelta(seconds=60))],
                        verbose_name="return to queue after the agent disconnects",
                    ),
                ),
                (
                    "disposition_required",
                    models.BooleanField(
                        default=False,
                        help_text="Conversations can only be closed with a disposition code.",
                        verbose_name="disposition code required",
                    ),
                ),
                (
                    "fallback_queue",
                    models.ForeignKey(
                        blank=True,
                        help_text="Queue for conversations that match no routing rule. Leave empty for the default queue.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fallback_of",
                        to="routing.queue",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.AddField(
            model_name="skillrule",
            name="work_stream",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="%(class)ss", to="routing.workstream"
            ),
        ),
        migrations.CreateModel(
            name="RoutingRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0)),
                ("name", models.CharField(max_length=100)),
                ("description", models.CharField(blank=True, max_length=200)),
                ("condition", models.JSONField(blank=True, default=dict)),
                (
                    "queue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="routing_rules", to="routing.queue"
                    ),
                ),
                (
                    "work_stream",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="%(class)ss", to="routing.workstream"
                    ),
                ),
            ],
            options={
                "ordering": ["position", "pk"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ContextVariable",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("display_name", models.CharField(max_length=60)),
                (
                    "name",
                    models.CharField(
                        max_length=60,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z][a-z0-9_]*$",
                                "Lowercase letters, digits and underscores, starting with a letter.",
                            )
                        ],
                    ),
                ),
                (
                    "type",
                    models.CharField(choices=[("text", "Text"), ("number", "Number")], default="text", max_length=10),
                ),
                (
                    "found_after",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="The value is read from the customer's first message: everything after this text, up to the end of the line.",
                        max_length=60,
                    ),
                ),
                (
                    "work_stream",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="context_variables",
                        to="routing.workstream",
                    ),
                ),
            ],
            options={
                "ordering": ["display_name", "pk"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="OpeningPeriod",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "weekday",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, "Monday"),
                            (1, "Tuesday"),
                            (2, "Wednesday"),
                            (3, "Thursday"),
                            (4, "Friday"),
                            (5, "Saturday"),
                            (6, "Sunday"),
                        ]
                    ),
                ),
                ("opens", models.TimeField(verbose_name="start time")),
                ("closes", models.TimeField(verbose_name="end time")),
                (
                    "hours",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="periods", to="routing.operatinghours"
                    ),
                ),
            ],
            options={
                "ordering": ["weekday", "opens"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("closes__gt", models.F("opens")), ("closes", "00:00"), _connector="OR"),
                        name="opening_periods_end_after_they_start",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Holiday",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("date", models.DateField()),
                ("name", models.CharField(max_length=100)),
                (
                    "hours",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="holidays",
                        to="routing.operatinghours",
                    ),
                ),
            ],
            options={
                "ordering": ["date"],
                "constraints": [models.UniqueConstraint(fields=("hours", "date"), name="one_holiday_per_date")],
            },
        ),
        migrations.CreateModel(
            name="OverflowRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=0)),
                (
                    "condition",
                    models.CharField(
                        choices=[
                            ("out_of_hours", "Out of operation hours"),
                            ("work_item_limit", "Work item limit exceeds"),
                            ("waiting_time", "Waiting time in queue exceeds"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "limit",
                    models.PositiveIntegerField(
                        blank=True, help_text="Work items (1 to 100) or minutes of waiting (1 to 2880).", null=True
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("assign_anyway", "Assign to queue anyway"),
                            ("transfer", "Transfer to a different queue"),
                            ("end", "End conversation"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "queue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="overflow_rules", to="routing.queue"
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="routing.queue",
                    ),
                ),
            ],
            options={
                "ordering": ["position", "pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("action", "transfer"), ("target__isnull", False)),
                            models.Q(models.Q(("action", "transfer"), _negated=True), ("target__isnull", True)),
                            _connector="OR",
                        ),
                        name="overflow_transfers_name_a_queue",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("condition", "out_of_hours"), ("limit__isnull", True)),
                            models.Q(("condition", "work_item_limit"), ("limit__range", (1, 100))),
                            models.Q(("condition", "waiting_time"), ("limit__range", (1, 2880))),
                            _connector="OR",
                        ),
                        name="overflow_limits_fit_their_condition",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("action", "assign_anyway"), ("condition", "waiting_time"), _negated=True),
                        name="waiting_overflows_to_somewhere",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="queuemembership",
            constraint=models.UniqueConstraint(fields=("queue", "agent"), name="an_agent_is_in_a_queue_once"),
        ),
        migrations.AddConstraint(
            model_name="queue",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_default", True)), fields=("is_default",), name="one_default_queue"
            ),
        ),
        migrations.AddConstraint(
            model_name="queue",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_default", False),
                    models.Q(("name", "Default messaging queue"), ("priority", 100)),
                    _connector="OR",
                ),
                name="the_default_queue_keeps_its_name_and_priority",
                violation_error_message="The default queue keeps its name and its priority.",
            ),
        ),
        migrations.AddConstraint(
            model_name="ratingvalue",
            constraint=models.UniqueConstraint(fields=("model", "value"), name="one_name_per_rating_value"),
        ),
        migrations.AddConstraint(
            model_name="agentskill",
            constraint=models.UniqueConstraint(fields=("agent", "skill"), name="an_agent_has_a_skill_once"),
        ),
        migrations.AddConstraint(
            model_name="skillruleskill",
            constraint=models.UniqueConstraint(fields=("rule", "skill"), name="a_rule_names_a_skill_once"),
        ),
        migrations.AddConstraint(
            model_name="workstream",
            constraint=models.CheckConstraint(
                condition=models.Q(("capacity__range", (1, 10000))), name="work_streams_take_some_of_an_agents_capacity"
            ),
        ),
        migrations.AddConstraint(
            model_name="workstream",
            constraint=models.CheckConstraint(
                condition=models.Q(("offer_seconds__gte", 1)), name="agents_have_time_to_accept"
            ),
        ),
        migrations.AddConstraint(
            model_name="workstream",
            constraint=models.CheckConstraint(
                condition=models.Q(("auto_close_after__gt", datetime.timedelta(0))),
                name="waiting_customers_have_time_to_answer",
            ),
        ),
        migrations.AddConstraint(
            model_name="workstream",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("return_after_disconnect", None),
                    ("return_after_disconnect__gt", datetime.timedelta(0)),
                    _connector="OR",
                ),
                name="disconnected_agents_have_time_to_come_back",
            ),
        ),
        migrations.AddConstraint(
            model_name="workstream",
            constraint=models.CheckConstraint(
                condition=models.Q(("distribution_mode__in", ["push", "pick"])), name="work_is_pushed_or_picked"
            ),
        ),
        migrations.AddConstraint(
            model_name="workstream",
            constraint=models.CheckConstraint(
                condition=models.Q(("skill_matching__in", ["none", "exact", "closest"])),
                name="skills_match_in_known_ways",
            ),
        ),
        migrations.AddConstraint(
            model_name="contextvariable",
            constraint=models.CheckConstraint(
                condition=models.Q(("type__in", ["text", "number"])), name="a_contextvariable_is_a_text_or_a_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="contextvariable",
            constraint=models.UniqueConstraint(
                fields=("work_stream", "name"), name="one_context_variable_of_a_name_in_a_stream"
            ),
        ),
    ]
