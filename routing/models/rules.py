"""Rules for the queue, the required skills and the overflow of a conversation.

The fields that conditions can use are in `routing.conditions.fields`.
"""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from routing.models.queues import Queue
from routing.models.skills import Skill
from routing.models.work_streams import WorkStream


class Rule(models.Model):
    """A named condition with a position in the order; an empty condition always holds."""

    work_stream = models.ForeignKey(WorkStream, models.CASCADE, related_name="%(class)ss")
    position = models.PositiveIntegerField(default=0)
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=200, blank=True)
    condition = models.JSONField(default=dict, blank=True)

    class Meta:
        abstract = True
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.name


class RoutingRule(Rule):
    """Sends the conversations that meet its condition to a queue; the first rule that holds decides."""

    queue = models.ForeignKey(Queue, models.PROTECT, related_name="routing_rules")


class SkillRule(Rule):
    """Adds required skills to a conversation; every rule that holds adds its own."""

    skills = models.ManyToManyField(Skill, through="SkillRuleSkill", related_name="+")


class SkillRuleSkill(models.Model):
    """A skill that a rule requires, with the minimum proficiency."""

    rule = models.ForeignKey(SkillRule, models.CASCADE, related_name="skill_requirements")
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="+")
    rating = models.PositiveSmallIntegerField("proficiency", default=1, validators=[MinValueValidator(1)])

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "skill"], name="a_rule_names_a_skill_once")]

    def __str__(self) -> str:
        return f"{self.skill} {self.rating}"


class OverflowCondition(models.TextChoices):
    """The conditions of overflow rules."""

    OUT_OF_HOURS = "out_of_hours", "Out of operation hours"
    WORK_ITEM_LIMIT = "work_item_limit", "Work item limit exceeds"
    WAITING_TIME = "waiting_time", "Waiting time in queue exceeds"


class OverflowAction(models.TextChoices):
    """The actions of overflow rules."""

    ASSIGN_ANYWAY = "assign_anyway", "Assign to queue anyway"
    TRANSFER = "transfer", "Transfer to a different queue"
    END = "end", "End conversation"


class OverflowRule(models.Model):
    """The action for work when a queue is closed, full or slow.

    The first two conditions are checked once, before a conversation enters; waiting time is checked while it waits.
    """

    queue = models.ForeignKey(Queue, models.CASCADE, related_name="overflow_rules")
    position = models.PositiveIntegerField(default=0)
    condition = models.CharField(max_length=20, choices=OverflowCondition)
    limit = models.PositiveIntegerField(
        null=True, blank=True, help_text="Work items (1 to 100) or minutes of waiting (1 to 2880)."
    )
    action = models.CharField(max_length=20, choices=OverflowAction)
    target = models.ForeignKey(Queue, models.PROTECT, related_name="+", null=True, blank=True)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(action=OverflowAction.TRANSFER, target__isnull=False)
                | (~Q(action=OverflowAction.TRANSFER) & Q(target__isnull=True)),
                name="overflow_transfers_name_a_queue",
            ),
            models.CheckConstraint(
                condition=Q(condition=OverflowCondition.OUT_OF_HOURS, limit__isnull=True)
                | Q(condition=OverflowCondition.WORK_ITEM_LIMIT, limit__range=(1, 100))
                | Q(condition=OverflowCondition.WAITING_TIME, limit__range=(1, 2880)),
                name="overflow_limits_fit_their_condition",
            ),
            models.CheckConstraint(
                condition=~Q(condition=OverflowCondition.WAITING_TIME, action=OverflowAction.ASSIGN_ANYWAY),
                name="waiting_overflows_to_somewhere",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_condition_display()}: {self.get_action_display()}"
