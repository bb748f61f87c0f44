"""Rename the keys of the findings in stored validation reports."""

from django.db import migrations

FINDING_KEYS = {"what": "result", "todo": "advice"}


def rename_keys(apps, schema_editor):
    WhatsAppAccount = apps.get_model("channels_whatsapp", "WhatsAppAccount")
    for account in WhatsAppAccount.objects.exclude(validation_report=[]).only("validation_report"):
        account.validation_report = [
            {FINDING_KEYS.get(key, key): value for key, value in finding.items()}
            for finding in account.validation_report
        ]
        account.save(update_fields=["validation_report"])


class Migration(migrations.Migration):
    dependencies = [("channels_whatsapp", "0001_initial")]

    operations = [migrations.RunPython(rename_keys, migrations.RunPython.noop)]
