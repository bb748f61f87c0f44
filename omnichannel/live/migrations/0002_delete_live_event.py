from django.db import migrations


class Migration(migrations.Migration):
    """The events of open pages are in the table of `omnichannel.events`; hints of the last hour are dropped.

    Pages fetch everything anew when they reconnect after the upgrade.
    """

    dependencies = [("live", "0001_initial"), ("events", "0001_initial")]

    operations = [migrations.DeleteModel(name="LiveEvent")]
