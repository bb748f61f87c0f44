"""Database functions that work on both SQLite and PostgreSQL."""

from typing import Any

from django.db.models import Aggregate, IntegerField, Subquery, TextField

SEPARATOR = "\x1f"  # the unit separator does not occur in text


class StringAgg(Aggregate):
    """Join the values of all rows with SEPARATOR; None when there are no rows."""

    function = "GROUP_CONCAT"
    name = "Joined"
    template = f"%(function)s(%(expressions)s, '{SEPARATOR}')"
    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, function="STRING_AGG", **extra)


class SubqueryCount(Subquery):
    """Count the rows of a query; slice it to count no more rows than that."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted_rows)"
    output_field = IntegerField()
