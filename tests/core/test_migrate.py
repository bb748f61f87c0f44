"""`manage.py migrate` refuses a database that another version has created."""

import pytest
from django.core.management import CommandError, call_command
from django.db.migrations.recorder import MigrationRecorder

pytestmark = pytest.mark.django_db


def test_a_database_of_another_version_is_refused_and_left_unchanged() -> None:
    MigrationRecorder.Migration.objects.create(app="conversations", name="0010_unknown")
    with pytest.raises(CommandError, match=r"conversations\.0010_unknown is unknown here\). Nothing was changed"):
        call_command("migrate", verbosity=0)


def test_a_database_of_this_version_is_migrated() -> None:
    call_command("migrate", verbosity=0)
    assert MigrationRecorder.Migration.objects.filter(app="conversations", name="0001_initial").exists()
