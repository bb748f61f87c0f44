"""Copy the words of messages into their own table, in batches; after an interruption it goes on where it stopped.

`ensure_index` adds the words of messages that had none, and those of the contacts.
"""

from django.db import migrations

BATCH_SIZE = 20_000  # ids of a statement, which commits them
# A word begins with the number of its block of ids and a colon.
BLOCK = {"postgresql": "to_hex(id >> 15) || ':'", "sqlite": "printf('%%x:', id >> 15)"}
VECTOR = {"postgresql": "array_to_tsvector(string_to_array({words}, ' '))", "sqlite": "{words}"}


def fill_words(apps, schema_editor):
    connection = schema_editor.connection
    block = BLOCK[connection.vendor]
    words = f"CASE search_text WHEN '' THEN '' ELSE {block} || replace(search_text, ' ', ' ' || {block}) END"
    insert = (
        "INSERT INTO conversations_messagewords (message_id, words)"  # noqa: S608 (no value in it)
        f" SELECT id, {VECTOR[connection.vendor].format(words=words)} FROM conversations_message"
        " WHERE id >= %s AND id < %s AND search_text IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM conversations_messagewords WHERE message_id = conversations_message.id)"
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM conversations_message")
        first, last = cursor.fetchone()
        for start in range(first or 0, (last or -1) + 1, BATCH_SIZE):
            cursor.execute(insert, [start, start + BATCH_SIZE])


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("conversations", "0010_search_words")]

    operations = [migrations.RunPython(fill_words, migrations.RunPython.noop)]
