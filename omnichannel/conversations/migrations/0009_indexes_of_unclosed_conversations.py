"""Index what lists and jobs search for: conversations that are not closed, and the newest closed ones.

Indexes that nothing searches by are dropped, above all those with columns that each message or callback changes.
PostgreSQL creates and drops them without locking the tables; the migration can be interrupted and run again.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models, transaction

NEW_INDEXES = (
    (
        "conversation",
        models.Index(condition=models.Q(("closed_at", None)), fields=["agent", "state"], name="unclosed_by_agent"),
    ),
    (
        "conversation",
        models.Index(condition=models.Q(("closed_at", None)), fields=["queue", "state"], name="unclosed_by_queue"),
    ),
    (
        "conversation",
        models.Index(
            condition=models.Q(("closed_at", None)), fields=["state", "state_since"], name="unclosed_by_state"
        ),
    ),
    (
        "conversation",
        models.Index(
            condition=models.Q(("offered_to__isnull", False)), fields=["offered_to"], name="conversations_offered"
        ),
    ),
    (
        "conversation",
        models.Index(
            condition=models.Q(("closed_at__isnull", False)),
            fields=["queue", "-closed_at", "-id"],
            name="closed_by_queue",
        ),
    ),
    (
        "conversation",
        models.Index(
            condition=models.Q(("closed_at__isnull", False)),
            fields=["agent", "-closed_at", "-id"],
            name="closed_by_agent",
        ),
    ),
    (
        "conversation",
        models.Index(condition=models.Q(("state", "closed")), fields=["-closed_at", "-id"], name="closed_by_time"),
    ),
    (
        "conversationevent",
        models.Index(condition=models.Q(("actor__isnull", False)), fields=["actor"], name="timeline_by_actor"),
    ),
    (
        "message",
        models.Index(
            condition=models.Q(("direction", "outbound"), ("twilio_sid", "")),
            fields=["conversation", "id"],
            name="messages_without_sid",
        ),
    ),
    (
        "message",
        models.Index(condition=models.Q(("author__isnull", False)), fields=["author"], name="messages_by_author"),
    ),
    (
        "message",
        models.Index(condition=models.Q(("quoted__isnull", False)), fields=["quoted"], name="messages_by_quoted"),
    ),
    (
        "participation",
        models.Index(condition=models.Q(("left_at", None)), fields=["agent"], name="current_participations"),
    ),
)
OLD_INDEXES = (
    ("conversation", models.Index(fields=["agent", "state", "-last_activity_at"], name="inbox_of_an_agent")),
    ("conversation", models.Index(fields=["queue", "state", "-last_activity_at"], name="inbox_of_a_queue")),
    ("conversation", models.Index(fields=["state", "state_since"], name="conversations_by_time_in_state")),
    ("message", models.Index(fields=["conversation", "updated_at"], name="messages_by_updated_at")),
    (
        "message",
        models.Index(
            condition=models.Q(status__in=("queued", "sending")), fields=["conversation", "id"], name="messages_to_send"
        ),
    ),
)
# Foreign keys whose own index is dropped.
FOREIGN_KEYS = (
    ("attachment", "message"),
    ("conversation", "agent"),
    ("conversation", "last_message"),
    ("conversation", "offered_to"),
    ("conversation", "queue"),
    ("conversation", "released_by"),
    ("conversation", "started_by"),
    ("conversation", "work_stream"),
    ("conversationevent", "actor"),
    ("conversationevent", "conversation"),
    ("mention", "note"),
    ("message", "author"),
    ("message", "conversation"),
    ("message", "quoted"),
    ("note", "conversation"),
    ("requiredskill", "conversation"),
    ("viewer", "conversation"),
)
# Unique columns whose index for LIKE is dropped; PostgreSQL alone has it.
UNIQUE_TEXTS = (("contact", "identity"), ("contactaddress", "identity"))
UNCHECKED_LAST_MESSAGE = models.ForeignKey(
    db_constraint=False,
    db_index=False,
    null=True,
    on_delete=django.db.models.deletion.DO_NOTHING,
    related_name="+",
    to="conversations.message",
)
# Space on each page, in percent, for the next versions of its rows: needed to leave the indexes alone.
FILL_FACTORS = {"conversation": 85, "message": 85}


def change_indexes(apps, schema_editor):
    for model, index in NEW_INDEXES:
        create_index(schema_editor, get_model(apps, model), index)
    for _, index in OLD_INDEXES:
        drop_index(schema_editor, index.name)
    kept = {index.name for _, index in NEW_INDEXES}
    for model, field in FOREIGN_KEYS:
        for name in find_indexes(schema_editor, get_model(apps, model), field):
            if name not in kept:
                drop_index(schema_editor, name)
    if is_postgresql(schema_editor):
        change_postgresql(apps, schema_editor)


def change_postgresql(apps, schema_editor):
    drop_constraint_of_last_message(apps, schema_editor)
    for model, field in UNIQUE_TEXTS:
        for name in find_indexes(schema_editor, get_model(apps, model), field):
            if name.endswith("_like"):
                drop_index(schema_editor, name)
    for model, percent in FILL_FACTORS.items():
        table = get_model(apps, model)._meta.db_table
        schema_editor.execute(f"ALTER TABLE {table} SET (fillfactor = {percent})")


def restore_indexes(apps, schema_editor):
    for model, index in OLD_INDEXES:
        create_index(schema_editor, get_model(apps, model), index)
    for model, name in FOREIGN_KEYS:
        field = get_model(apps, model)._meta.get_field(name)
        create_index(schema_editor, get_model(apps, model), index_of_foreign_key(schema_editor, field))
    for _, index in NEW_INDEXES:
        drop_index(schema_editor, index.name)
    if is_postgresql(schema_editor):
        restore_postgresql(apps, schema_editor)


def restore_postgresql(apps, schema_editor):
    field = get_model(apps, "conversation")._meta.get_field("last_message")
    schema_editor.execute(schema_editor._create_fk_sql(field.model, field, "_fk_%(to_table)s_%(to_column)s"))
    for model, name in UNIQUE_TEXTS:
        field = get_model(apps, model)._meta.get_field(name)
        if not any(name.endswith("_like") for name in find_indexes(schema_editor, field.model, name)):
            schema_editor.execute(schema_editor._create_like_index_sql(field.model, field))
    for model in FILL_FACTORS:
        schema_editor.execute(f"ALTER TABLE {get_model(apps, model)._meta.db_table} RESET (fillfactor)")


def is_postgresql(schema_editor):
    return schema_editor.connection.vendor == "postgresql"


def get_model(apps, name):
    return apps.get_model("conversations", name)


def index_of_foreign_key(schema_editor, field):
    name = schema_editor._create_index_name(field.model._meta.db_table, [field.column])
    return models.Index(fields=[field.name], name=name)


def create_index(schema_editor, model, index):
    if is_valid(schema_editor, index.name):
        return
    drop_index(schema_editor, index.name)  # the rest of an attempt that was interrupted
    options = {"concurrently": True} if is_postgresql(schema_editor) else {}
    schema_editor.execute(index.create_sql(model, schema_editor, **options), params=None)


def drop_index(schema_editor, name):
    concurrently = "CONCURRENTLY " if is_postgresql(schema_editor) else ""
    schema_editor.execute(f"DROP INDEX {concurrently}IF EXISTS {schema_editor.quote_name(name)}")


def is_valid(schema_editor, name):
    with schema_editor.connection.cursor() as cursor:
        if is_postgresql(schema_editor):
            cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name])
        else:
            cursor.execute("SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = %s", [name])
        return cursor.fetchone() not in (None, (False,))


def find_indexes(schema_editor, model, name):
    """Return the names of the indexes of this column alone that belong to no constraint."""
    column = model._meta.get_field(name).column
    with schema_editor.connection.cursor() as cursor:
        constraints = schema_editor.connection.introspection.get_constraints(cursor, model._meta.db_table)
    return [
        name
        for name, found in constraints.items()
        if found["columns"] == [column] and found["index"] and not found["unique"] and not found["primary_key"]
    ]


def drop_constraint_of_last_message(apps, schema_editor):
    model = get_model(apps, "conversation")
    with schema_editor.connection.cursor() as cursor:
        constraints = schema_editor.connection.introspection.get_constraints(cursor, model._meta.db_table)
    for name, found in constraints.items():
        if found["columns"] == ["last_message_id"] and found["foreign_key"]:
            schema_editor.execute(
                f"ALTER TABLE {model._meta.db_table} DROP CONSTRAINT {schema_editor.quote_name(name)}"
            )


class AlterFieldOnSqlite(migrations.AlterField):
    """Change a field in the way of SQLite, which makes the table anew; do nothing on PostgreSQL."""

    def database_forwards(self, *args, **kwargs):
        self.alter(super().database_forwards, *args, **kwargs)

    def database_backwards(self, *args, **kwargs):
        self.alter(super().database_backwards, *args, **kwargs)

    def alter(self, function, app_label, schema_editor, from_state, to_state):
        if not is_postgresql(schema_editor):
            with transaction.atomic(schema_editor.connection.alias):
                function(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("conversations", "0008_message_search_text"),
        ("routing", "0004_overnight_periods"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                AlterFieldOnSqlite("conversation", "last_message", UNCHECKED_LAST_MESSAGE),
                migrations.RunPython(change_indexes, restore_indexes),
            ],
            state_operations=[
                *(migrations.RemoveIndex(model_name=model, name=index.name) for model, index in OLD_INDEXES),
                migrations.AlterField(
                    model_name="attachment",
                    name="message",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attachments",
                        to="conversations.message",
                    ),
                ),
                migrations.AlterField(
                    model_name="conversation",
                    name="agent",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="%(class)ss",
                        to="routing.agent",
                    ),
                ),
                migrations.AlterField("conversation", "last_message", UNCHECKED_LAST_MESSAGE),
                migrations.AlterField(
                    model_name="conversation",
                    name="offered_to",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="offered_%(class)ss",
                        to="routing.agent",
                    ),
                ),
                migrations.AlterField(
                    model_name="conversation",
                    name="queue",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="%(class)ss",
                        to="routing.queue",
                    ),
                ),
                migrations.AlterField(
                    model_name="conversation",
                    name="released_by",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="routing.agent",
                    ),
                ),
                migrations.AlterField(
                    model_name="conversation",
                    name="started_by",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AlterField(
                    model_name="conversation",
                    name="work_stream",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="%(class)ss",
                        to="routing.workstream",
                    ),
                ),
                migrations.AlterField(
                    model_name="conversationevent",
                    name="actor",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AlterField(
                    model_name="conversationevent",
                    name="conversation",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="conversations.conversation",
                    ),
                ),
                migrations.AlterField(
                    model_name="mention",
                    name="note",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="conversations.note",
                    ),
                ),
                migrations.AlterField(
                    model_name="message",
                    name="author",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AlterField(
                    model_name="message",
                    name="conversation",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="conversations.conversation",
                    ),
                ),
                migrations.AlterField(
                    model_name="message",
                    name="quoted",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="conversations.message",
                    ),
                ),
                migrations.AlterField(
                    model_name="note",
                    name="conversation",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notes",
                        to="conversations.conversation",
                    ),
                ),
                migrations.AlterField(
                    model_name="requiredskill",
                    name="conversation",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="required_skills",
                        to="conversations.conversation",
                    ),
                ),
                migrations.AlterField(
                    model_name="viewer",
                    name="conversation",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="viewers",
                        to="conversations.conversation",
                    ),
                ),
                *(migrations.AddIndex(model_name=model, index=index) for model, index in NEW_INDEXES),
            ],
        )
    ]
