"""Context variables and contact fields, which rules can use besides the message itself."""

from django.core.validators import RegexValidator
from django.db import models

from routing.models.work_streams import WorkStream

NAME_VALIDATOR = RegexValidator(
    r"^[a-z][a-z0-9_]*$", "Lowercase letters, digits and underscores, starting with a letter."
)


class VariableType(models.TextChoices):
    """The types of variables."""

    TEXT = "text", "Text"
    NUMBER = "number", "Number"


class Variable(models.Model):
    """A named variable with a value for each conversation or contact."""

    display_name = models.CharField(max_length=60)
    name = models.CharField(max_length=60, validators=[NAME_VALIDATOR])
    type = models.CharField(max_length=10, choices=VariableType, default=VariableType.TEXT)

    class Meta:
        abstract = True
        ordering = ["display_name", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(type__in=VariableType.values), name="a_%(class)s_is_a_text_or_a_number"
            )
        ]

    def __str__(self) -> str:
        return self.display_name


class ContextVariable(Variable):
    """A variable of each conversation of a work stream, for its rules and for the agent."""

    work_stream = models.ForeignKey(WorkStream, models.CASCADE, related_name="context_variables")
    found_after = models.CharField(
        max_length=60,
        blank=True,
        default="",
        help_text=(
            "The value is read from the customer's first message: everything after this text, up to the end of the "
            "line."
        ),
    )

    class Meta(Variable.Meta):
        abstract = False
        constraints = [
            *Variable.Meta.constraints,
            models.UniqueConstraint(fields=["work_stream", "name"], name="one_context_variable_of_a_name_in_a_stream"),
        ]


class ContactField(Variable):
    """A field of each contact besides name and language, for rules and for the agent."""

    class Meta(Variable.Meta):
        abstract = False
        constraints = [
            *Variable.Meta.constraints,
            models.UniqueConstraint(fields=["name"], name="one_contact_field_of_a_name"),
        ]
