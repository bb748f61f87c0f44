"""The models of work distribution: agents, queues, work streams, rules, skills and operating hours."""

from routing.models.agents import Agent, BasePresence, Presence
from routing.models.hours import Holiday, OpeningPeriod, OperatingHours, Weekday
from routing.models.queues import AssignmentMethod, Queue, QueueMembership
from routing.models.routable import CAPACITY_STATES, Routable, RoutableQuerySet, State
from routing.models.rules import (
    OverflowAction,
    OverflowCondition,
    OverflowRule,
    RoutingRule,
    SkillRule,
    SkillRuleSkill,
)
from routing.models.skills import AgentSkill, RatingModel, RatingValue, Skill, SkillType
from routing.models.variables import ContactField, ContextVariable, VariableType
from routing.models.work_streams import Channel, DistributionMode, SkillMatching, WorkStream

__all__ = [
    "CAPACITY_STATES",
    "Agent",
    "AgentSkill",
    "AssignmentMethod",
    "BasePresence",
    "Channel",
    "ContactField",
    "ContextVariable",
    "DistributionMode",
    "Holiday",
    "OpeningPeriod",
    "OperatingHours",
    "OverflowAction",
    "OverflowCondition",
    "OverflowRule",
    "Presence",
    "Queue",
    "QueueMembership",
    "RatingModel",
    "RatingValue",
    "Routable",
    "RoutableQuerySet",
    "RoutingRule",
    "Skill",
    "SkillMatching",
    "SkillRule",
    "SkillRuleSkill",
    "SkillType",
    "State",
    "VariableType",
    "Weekday",
    "WorkStream",
]
