"""The admin of skills, skill types and rating models."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from routing.models import Agent, AgentSkill, RatingModel, Skill, SkillRule, SkillRuleSkill, SkillType
from tests import builders
from tests.admin_client import (
    UserClient,
    admin_url,
    create_signed_in_client,
    inline_form_data,
    message_texts,
    visible_text,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def german_skill() -> Skill:
    return Skill.objects.create(name="German", type=SkillType.objects.create(name="Language"))


def active_rating_model() -> RatingModel:
    return RatingModel.objects.get(in_use=True)


def rating_model_form(*values: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {"name": "Five stars", "min_value": "1", "max_value": "5", **inline_form_data("values", *values), **changed}


def agent_skills_form(agent: Agent, *skills: dict[str, Any]) -> dict[str, Any]:
    form = {"capacity": "100", "presence": agent.presence_id, **inline_form_data("memberships")}
    return {**form, **inline_form_data("agent_skills", *skills)}


# -- Skills


def test_an_agent_gets_a_skill_on_either_page(admin_client: UserClient, german_skill: Skill) -> None:
    dana, kim = builders.create_agent("Dana"), builders.create_agent("Kim")
    admin_client.post(
        admin_url("routing_agent", "change", dana.pk),
        agent_skills_form(dana, {"skill": german_skill.pk, "rating": "7"}),
    )
    form = {"name": "German", "type": german_skill.type_id, "description": ""}
    agent_skill = AgentSkill.objects.get()
    stored_row = {"id": agent_skill.pk, "skill": german_skill.pk, "agent": dana.pk, "rating": "8"}
    admin_client.post(
        admin_url("routing_skill", "change", german_skill.pk),
        {**form, **inline_form_data("agent_skills", stored_row, {"agent": kim.pk, "rating": "3"})},
    )
    assert set(AgentSkill.objects.values_list("agent__user__first_name", "rating")) == {("Dana", 8), ("Kim", 3)}


@pytest.mark.parametrize("rating", ["0", "11", ""])
def test_a_proficiency_is_on_the_scale_in_use(admin_client: UserClient, german_skill: Skill, rating: str) -> None:
    dana = builders.create_agent("Dana")
    row = {"skill": german_skill.pk, "rating": rating}
    response = admin_client.post(admin_url("routing_agent", "change", dana.pk), agent_skills_form(dana, row))
    error_text = "has values from 1 to 10" if rating else "This field is required."
    assert error_text in visible_text(response)
    assert not AgentSkill.objects.exists()


def test_the_names_of_the_scales_values_are_offered(admin_client: UserClient, german_skill: Skill) -> None:
    active_rating_model().values.create(value=10, name="Mother tongue")
    dana = builders.create_agent("Dana")
    assert "10 – Mother tongue" in visible_text(admin_client.get(admin_url("routing_agent", "change", dana.pk)))


def test_a_long_scale_is_typed(admin_client: UserClient, german_skill: Skill) -> None:
    RatingModel.objects.filter(in_use=True).update(max_value=100)
    dana = builders.create_agent("Dana")
    admin_client.post(
        admin_url("routing_agent", "change", dana.pk),
        agent_skills_form(dana, {"skill": german_skill.pk, "rating": "99"}),
    )
    assert AgentSkill.objects.get().rating == 99
    response = admin_client.post(
        admin_url("routing_agent", "change", dana.pk),
        agent_skills_form(dana, {"skill": german_skill.pk, "rating": "101"}),
    )
    assert "less than or equal to 100" in visible_text(response)


def test_skill_used_by_a_rule_cannot_be_deleted(admin_client: UserClient, german_skill: Skill) -> None:
    rule = SkillRule.objects.create(work_stream=builders.update_work_stream(), name="German speakers")
    SkillRuleSkill.objects.create(rule=rule, skill=german_skill)
    shown = visible_text(admin_client.get(admin_url("routing_skill", "delete", german_skill.pk)))
    assert "because it is in use: 1 skill attachment rule." in shown
    assert "Remove it from the skill attachment rules first" in shown


def test_a_page_with_many_agents_asks_for_the_scale_once(admin_client: UserClient, german_skill: Skill) -> None:
    for name in ("Dana", "Kim", "Omar"):
        AgentSkill.objects.create(agent=builders.create_agent(name), skill=german_skill, rating=5)
    with CaptureQueriesContext(connection) as queries:
        admin_client.get(admin_url("routing_skill", "change", german_skill.pk))
    assert sum("routing_ratingmodel" in query["sql"] for query in queries) == 1


def test_skill_type_in_use_cannot_be_deleted(admin_client: UserClient, german_skill: Skill) -> None:
    assert "1 skill." in visible_text(admin_client.get(admin_url("routing_skilltype", "delete", german_skill.type_id)))
    admin_client.post(admin_url("routing_skilltype", "delete", german_skill.type_id), {"post": "yes"})
    assert SkillType.objects.filter(pk=german_skill.type_id).exists()


# -- Rating models


def test_switching_one_on_switches_the_other_off(admin_client: UserClient) -> None:
    before = active_rating_model()
    admin_client.post(
        admin_url("routing_ratingmodel", "add"), rating_model_form({"value": "5", "name": "Best"}, in_use="on")
    )
    assert (active_rating_model().name, active_rating_model().values.get().name) == ("Five stars", "Best")
    before.refresh_from_db()
    assert not before.in_use


def test_one_is_always_in_use(admin_client: UserClient) -> None:
    url = admin_url("routing_ratingmodel", "change", active_rating_model().pk)
    response = admin_client.post(url, rating_model_form())
    assert "One rating model must be in use" in response.context["adminform"].form.errors["in_use"][0]
    assert (
        admin_client.post(
            admin_url("routing_ratingmodel", "delete", active_rating_model().pk), {"post": "yes"}
        ).status_code
        == 403
    )
    assert active_rating_model()


def test_a_scale_ends_above_its_start(admin_client: UserClient) -> None:
    response = admin_client.post(admin_url("routing_ratingmodel", "add"), rating_model_form(min_value="5"))
    assert response.context["adminform"].form.errors == {"max_value": ["Must be greater than the min rating value."]}


def test_a_name_for_a_value_off_the_scale_is_refused(admin_client: UserClient) -> None:
    response = admin_client.post(
        admin_url("routing_ratingmodel", "add"), rating_model_form({"value": "6", "name": "Too good"})
    )
    assert "The scale goes from 1 to 5." in visible_text(response)


def test_proficiencies_off_the_new_scale_are_pointed_out(admin_client: UserClient, german_skill: Skill) -> None:
    AgentSkill.objects.create(agent=builders.create_agent("Dana"), skill=german_skill, rating=9)
    response = admin_client.post(admin_url("routing_ratingmodel", "add"), rating_model_form(in_use="on"), follow=True)
    assert "1 agent skill is outside 1 to 5. Update the proficiency." in message_texts(response)


# -- Permissions


def test_supervisor_views_skills_but_cannot_change_them(german_skill: Skill) -> None:
    sam, dana = create_signed_in_client("Supervisor", "Sam"), builders.create_agent("Dana")
    assert sam.get(admin_url("routing_skill", "change", german_skill.pk)).status_code == 200
    assert sam.post(admin_url("routing_skill", "delete", german_skill.pk), {"post": "yes"}).status_code == 403
    sam.post(
        admin_url("routing_agent", "change", dana.pk),
        agent_skills_form(dana, {"skill": german_skill.pk, "rating": "7"}),
    )
    assert not AgentSkill.objects.exists()
    assert sam.get(admin_url("routing_ratingmodel", "changelist")).status_code == 403


@pytest.mark.parametrize("role", ["Agent", ""])
def test_agents_and_users_without_role_are_refused(role: str, german_skill: Skill) -> None:
    client = create_signed_in_client(role)
    assert client.post(admin_url("routing_skill", "delete", german_skill.pk), {"post": "yes"}).status_code == 302
    assert client.get(admin_url("routing_ratingmodel", "changelist")).status_code == 302
    assert Skill.objects.exists()
