"""Give contacts a username and a table of business-scoped ids, one for each account.

So far a contact had a single id, whichever account it was for, and any text was taken for one. The id of a contact
belongs to the account of the conversation in which the customer wrote last. An id in another form than the documented
one is dropped, because it may stand for many customers.

Numbers of Benin and Ivory Coast get the identity of their present spelling. Where two contacts have the two spellings,
both stay, and an agent can merge them.
"""

import re
from itertools import islice

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models
from django.db.models import F, OuterRef, Subquery

BATCH_SIZE = 1000
PREFIX = "whatsapp:"
ID_PATTERN = re.compile(r"\A[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}\Z")
ID_ADDRESS_REGEX = r"^whatsapp:[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$"
CHANGED_SPELLINGS = (
    (re.compile(r"\Awhatsapp:\+229(\d{8})\Z"), r"whatsapp:+22901\g<1>"),
    (re.compile(r"\Awhatsapp:\+225((?:0[1-3]|[457][0-3])\d{6})\Z"), r"whatsapp:+22501\g<1>"),
    (re.compile(r"\Awhatsapp:\+225([04-9][4-6]\d{6})\Z"), r"whatsapp:+22505\g<1>"),
    (re.compile(r"\Awhatsapp:\+225((?:[04-8][7-9]|9[78])\d{6})\Z"), r"whatsapp:+22507\g<1>"),
)


def parse_id(text):
    bare = text.removeprefix(PREFIX)
    return bare if ID_PATTERN.match(bare) else ""


def respell(identity):
    for pattern, replacement in CHANGED_SPELLINGS:
        identity = pattern.sub(replacement, identity)
    return identity


def move_ids(apps, schema_editor):
    move_ids_of_contacts(apps)
    move_ids_of_merged_contacts(apps)
    apps.get_model("conversations", "Contact").objects.filter(address__regex=ID_ADDRESS_REGEX).update(identity=None)
    for name in ("Contact", "ContactAddress"):
        update_spellings(apps.get_model("conversations", name))
    convert_snapshots(apps)


def account_of_latest_conversation(apps, contact):
    conversations = apps.get_model("conversations", "Conversation").objects.filter(contact=OuterRef(contact))
    latest = conversations.order_by(F("last_inbound_at").desc(nulls_last=True), "-pk")
    return Subquery(latest.values("number__account")[:1])


def get_only_account(apps):
    accounts = list(apps.get_model("channels_whatsapp", "WhatsAppAccount").objects.values_list("pk", flat=True)[:2])
    return accounts[0] if len(accounts) == 1 else None


def create_ids(apps, rows):
    """Create ids from rows of contact, account (None: not known) and id ("": malformed)."""
    business_id, only_account = apps.get_model("conversations", "ContactBusinessId"), get_only_account(apps)
    new_ids = (
        business_id(contact_id=contact, account_id=account or only_account, business_scoped_id=own_id)
        for contact, account, own_id in rows
        if own_id and (account or only_account)
    )
    while batch := list(islice(new_ids, BATCH_SIZE)):
        business_id.objects.bulk_create(batch, ignore_conflicts=True)


def move_ids_of_contacts(apps):
    contacts = apps.get_model("conversations", "Contact").objects.order_by("pk")
    with_account = contacts.exclude(external_user_id="").annotate(account=account_of_latest_conversation(apps, "pk"))
    rows = with_account.values_list("pk", "account", "external_user_id").iterator(chunk_size=BATCH_SIZE)
    create_ids(apps, ((contact, account, parse_id(own_id)) for contact, account, own_id in rows))


def move_ids_of_merged_contacts(apps):
    """Move the ids among the additional addresses of contacts."""
    addresses = apps.get_model("conversations", "ContactAddress").objects.filter(address__regex=ID_ADDRESS_REGEX)
    rows = addresses.annotate(account=account_of_latest_conversation(apps, "contact")).order_by("pk")
    create_ids(
        apps,
        [(row.contact_id, row.account, parse_id(row.address)) for row in rows.iterator(chunk_size=BATCH_SIZE)],
    )
    addresses.delete()


def update_spellings(model):
    """Store the identities of numbers of which WhatsApp reports two spellings."""
    numbers = model.objects.filter(identity__regex=r"^whatsapp:\+(229|225)[0-9]{8}$").order_by("pk")
    for pk, old_identity in list(numbers.values_list("pk", "identity")):
        identity = respell(old_identity)
        if identity != old_identity and not model.objects.filter(identity=identity).exists():
            model.objects.filter(pk=pk).update(identity=identity)


def convert_snapshots(apps):
    """Convert what is stored of merged contacts, so that merges can still be undone."""
    merges = apps.get_model("conversations", "ContactMerge").objects.order_by("pk")
    for merge in merges.iterator(chunk_size=BATCH_SIZE):
        for snapshot in (merge.source_snapshot, merge.target_before, merge.target_after):
            convert_snapshot(apps, snapshot)
        merge.save(update_fields=["source_snapshot", "target_before", "target_after"])


def convert_snapshot(apps, snapshot):
    fields = snapshot.get("fields")
    if fields is None or "external_user_id" not in fields:
        return
    own_id = parse_id(fields.pop("external_user_id"))
    fields["username"] = ""
    fields["identity"] = None if parse_id(fields["address"]) else respell(fields["identity"])
    snapshot["addresses"] = [
        [address, respell(identity)] for address, identity in snapshot["addresses"] if not parse_id(address)
    ]
    known = apps.get_model("conversations", "ContactBusinessId").objects.filter(business_scoped_id=own_id).first()
    account = known.account_id if known else get_only_account(apps)
    snapshot["business_scoped_ids"] = [[account, own_id, ""]] if own_id and account else []


def restore_ids(apps, schema_editor):
    """Store the latest id of each contact in the contact again."""
    contact_model = apps.get_model("conversations", "Contact")
    for own_id in apps.get_model("conversations", "ContactBusinessId").objects.order_by("pk").iterator():
        address = PREFIX + own_id.business_scoped_id
        if not contact_model.objects.filter(external_user_id=address).exists():
            contact_model.objects.filter(pk=own_id.contact_id).update(external_user_id=address)
    contact_model.objects.filter(identity=None).update(identity=F("address"))


class Migration(migrations.Migration):
    dependencies = [("channels_whatsapp", "0001_initial"), ("conversations", "0004_automated_message_text")]

    operations = [
        migrations.AddField(
            model_name="contact",
            name="username",
            field=models.CharField(blank=True, default="", max_length=100),
        ),
        migrations.AlterField(
            model_name="contact",
            name="identity",
            field=models.CharField(blank=True, max_length=140, null=True, unique=True),
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
                    ("number_lost", "Number given to another person"),
                    ("number_taken_over", "Number taken over from another customer"),
                ],
                max_length=40,
            ),
        ),
        migrations.CreateModel(
            name="ContactBusinessId",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("business_scoped_id", models.CharField(max_length=140)),
                ("parent_business_scoped_id", models.CharField(blank=True, default="", max_length=140)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="channels_whatsapp.whatsappaccount",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="business_scoped_ids",
                        to="conversations.contact",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "business_scoped_id"),
                        name="one_contact_per_account_and_business_scoped_id",
                    )
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("parent_business_scoped_id", ""), _negated=True),
                        fields=["parent_business_scoped_id"],
                        name="contacts_by_parent_id",
                    )
                ],
            },
        ),
        migrations.RunPython(move_ids, restore_ids),
        migrations.RemoveConstraint(model_name="contact", name="one_contact_per_external_user_id"),
        migrations.RemoveField(model_name="contact", name="external_user_id"),
    ]
