"""Rename a field, a color, an event kind, and keys of sent templates and merged conversations in stored JSON."""

from django.db import migrations, models

PART_NAMES = {"place": "location", "opens_list": "list_button", "entries": "list_items"}
EVENT_KINDS = (
    ("labelled", "labeled"),
    ("needs", "skills_added"),
    ("nobody", "no_agent"),
    ("merged", "contacts_merged"),
    ("parted", "contacts_unmerged"),
    ("joined", "conversations_joined"),
    ("joined_in", "joined"),  # last: another kind was called "joined"
)
MERGE_KEYS = {"kept": "target_pk", "gone": "source"}


def rename_template_parts(apps, schema_editor):
    Message = apps.get_model("conversations", "Message")
    for message in Message.objects.filter(kind="template").only("content").iterator():
        template = message.content.get("template") or {}
        if PART_NAMES.keys() & template.keys() or any(
            PART_NAMES.keys() & card.keys() for card in template.get("cards", [])
        ):
            cards = [_rename(card, PART_NAMES) for card in template.get("cards", [])]
            message.content["template"] = _rename(template, PART_NAMES) | ({"cards": cards} if cards else {})
            message.save(update_fields=["content"])


def rename_merge_keys(apps, schema_editor):
    ContactMerge = apps.get_model("conversations", "ContactMerge")
    for merge in ContactMerge.objects.exclude(merged_conversations=[]).only("merged_conversations").iterator():
        merge.merged_conversations = [_rename(record, MERGE_KEYS) for record in merge.merged_conversations]
        merge.save(update_fields=["merged_conversations"])


def respell_values(apps, schema_editor):
    apps.get_model("conversations", "Label").objects.filter(color="grey").update(color="gray")
    events = apps.get_model("conversations", "ConversationEvent").objects
    for old_kind, kind in EVENT_KINDS:
        events.filter(kind=old_kind).update(kind=kind)


def _rename(values, names):
    return {names.get(key, key): value for key, value in values.items()}


class Migration(migrations.Migration):
    dependencies = [("conversations", "0001_initial")]

    operations = [
        migrations.RenameField(model_name="label", old_name="colour", new_name="color"),
        migrations.AlterField(
            model_name="label",
            name="color",
            field=models.CharField(
                choices=[
                    ("gray", "Gray"),
                    ("red", "Red"),
                    ("amber", "Amber"),
                    ("green", "Green"),
                    ("teal", "Teal"),
                    ("blue", "Blue"),
                    ("purple", "Purple"),
                    ("pink", "Pink"),
                ],
                default="gray",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="conversationevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("created", "Created"),
                    ("started", "Started by an agent"),
                    ("routed", "Routed"),
                    ("queued", "Queued"),
                    ("skills_added", "Skills added by rules"),
                    ("skills_changed", "Skills changed"),
                    ("overflow_transfer", "Moved by overflow"),
                    ("overflow", "Ended by overflow"),
                    ("offered", "Offered"),
                    ("rejected", "Offer rejected"),
                    ("timed_out", "Offer timed out"),
                    ("withdrawn", "Offer withdrawn"),
                    ("no_agent", "No agent available"),
                    ("assignment_fault", "Assignment failed"),
                    ("open", "Open"),
                    ("active", "Active"),
                    ("waiting", "Waiting"),
                    ("wrap_up", "Wrap-up"),
                    ("closed", "Closed"),
                    ("consult", "Colleague consulted"),
                    ("joined", "Supervisor joined"),
                    ("left", "Colleague left"),
                    ("priority", "Priority changed"),
                    ("labeled", "Labels changed"),
                    ("snoozed", "Snoozed"),
                    ("snooze_ended", "Snooze ended"),
                    ("context", "Context changed"),
                    ("contact_field", "Contact field changed"),
                    ("blocked", "Customer blocked"),
                    ("unblocked", "Customer unblocked"),
                    ("opted_out", "Customer opted out"),
                    ("opted_in", "Customer opted in"),
                    ("opt_out_lifted", "Opt-out lifted"),
                    ("contacts_merged", "Contacts merged"),
                    ("contacts_unmerged", "Contacts unmerged"),
                    ("conversations_joined", "Conversations merged"),
                ],
                max_length=40,
            ),
        ),
        migrations.RunPython(respell_values, migrations.RunPython.noop),
        migrations.RunPython(rename_template_parts, migrations.RunPython.noop),
        migrations.RunPython(rename_merge_keys, migrations.RunPython.noop),
    ]
