"""Words of several rows in one value, the same on every database."""

from typing import Any

from django.db.models import Aggregate, TextField

SEPARATOR = "\x1f"  # nobody writes this


class StringAgg(Aggregate):
    """The expression's values, one after the other, with BETWEEN between them; None where there are none."""

    function = "GROUP_CONCAT"
    name = "Joined"
    template = f"%(function)s(%(expressions)s, '{SEPARATOR}')"
    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, function="STRING_AGG", **extra)
