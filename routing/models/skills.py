"""Skills, the agents' proficiency in them, and the rating scale."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from routing.models.agents import Agent


class RatingModel(models.Model):
    """A scale of proficiency; exactly one is in use."""

    name = models.CharField(max_length=100, unique=True)
    min_value = models.PositiveSmallIntegerField("min rating value", default=1, validators=[MinValueValidator(1)])
    max_value = models.PositiveSmallIntegerField("max rating value", default=10)
    in_use = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(min_value__lt=F("max_value")), name="rating_models_end_above_their_start"
            ),
            models.UniqueConstraint(fields=["in_use"], condition=Q(in_use=True), name="one_rating_model_in_use"),
        ]

    def __str__(self) -> str:
        return self.name


class RatingValue(models.Model):
    """The name of a value on the scale, shown where proficiency is set."""

    model = models.ForeignKey(RatingModel, models.CASCADE, related_name="values")
    value = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100)

    class Meta:
        ordering = ["value"]
        constraints = [models.UniqueConstraint(fields=["model", "value"], name="one_name_per_rating_value")]

    def __str__(self) -> str:
        return f"{self.value} {self.name}"


class SkillType(models.Model):
    """A type of skills, such as languages or products."""

    name = models.CharField(max_length=100, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Skill(models.Model):
    """An ability of agents that a conversation may require."""

    name = models.CharField(max_length=100, unique=True)
    type = models.ForeignKey(SkillType, models.PROTECT, related_name="skills")
    description = models.CharField(max_length=200, blank=True)
    agents = models.ManyToManyField(Agent, through="AgentSkill", related_name="skills")

    class Meta:
        ordering = ["type__name", "name"]

    def __str__(self) -> str:
        return self.name


class AgentSkill(models.Model):
    """An agent's proficiency in a skill, on the scale in use."""

    agent = models.ForeignKey(Agent, models.CASCADE, related_name="agent_skills")
    skill = models.ForeignKey(Skill, models.CASCADE, related_name="agent_skills")
    rating = models.PositiveSmallIntegerField("proficiency")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agent", "skill"], name="an_agent_has_a_skill_once")]

    def __str__(self) -> str:
        return f"{self.agent}: {self.skill} {self.rating}"
