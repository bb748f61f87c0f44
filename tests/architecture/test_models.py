"""Foreign keys point down the layers, and the admin has a page for each model."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.db.models import ForeignKey, Model

# Layers from top to bottom, as in import-linter; a foreign key points to the same layer or a lower one.
LAYERS = [
    {"omnichannel.desk", "omnichannel.demo"},
    {"omnichannel.conversations"},
    {"channels_whatsapp"},
    {"routing"},
    {"omnichannel.live", "omnichannel.jobs", "omnichannel.accounts"},
    {"omnichannel.events"},
]
INDEPENDENT_APPS = {"channels_whatsapp.simulator"}  # The simulator plays Twilio and must not know the desk.
MODELS_WITHOUT_ADMIN = {
    "channels_whatsapp.DeliveryProgress": "internal; the list of deliveries says when they are late",
    "conversations.Message": "read on the conversation's page, by those who may see it",
    "conversations.MessageWords": "the search's own",
    "conversations.ContactWords": "the search's own",
    "conversations.FailedReply": "a notice on the desk, for those who can act",
    "conversations.Attachment": "shown with its message",
    "conversations.ConversationEvent": "shown as the conversation's timeline",
    "conversations.Note": "shown in its conversation",
    "conversations.Mention": "shown with its note",
    "conversations.Offer": "shown as the conversation's timeline",
    "conversations.Participation": "shown in its conversation",
    "conversations.RequiredSkill": "shown in its conversation",
    "conversations.ContactAddress": "shown with the contact",
    "conversations.ContactBusinessId": "shown with the contact",
    "conversations.ContactMerge": "shown with the contact, who can undo it there",
    "conversations.DeskPreferences": "each agent's own, on the desk",
    "conversations.Viewer": "shown in its conversation",
    "routing.OpeningPeriod": "edited on the page of its operating hours",
    "routing.Holiday": "edited on the page of its operating hours",
    "routing.RatingValue": "edited on the page of its rating model",
    "routing.AgentSkill": "edited on the agent's and the skill's page",
    "routing.SkillRuleSkill": "edited on the page of its rule",
    "routing.QueueMembership": "edited on the queue's and the agent's page",
    "events.Event": "read by open pages and other programs, deleted after a month",
    "jobs.JobSchedule": "the worker's own",
    "conversations.AutomatedMessageRequest": "the worker's own, deleted when it is done",
}


def project_models() -> list[type[Model]]:
    names = set.union(*LAYERS) | INDEPENDENT_APPS
    return [model for model in apps.get_models() if apps.get_app_config(model._meta.app_label).name in names]


def app_name(model: type[Model]) -> str:
    return apps.get_app_config(model._meta.app_label).name


def layer_index(model: type[Model]) -> int:
    """Return the index of the model's layer; models of other packages are in the lowest layer."""
    return next((n for n, apps_there in enumerate(LAYERS) if app_name(model) in apps_there), len(LAYERS))


@pytest.mark.parametrize("model", project_models(), ids=lambda model: model._meta.label)
def test_foreign_keys_point_down_only(model: type[Model]) -> None:
    keys = [field for field in model._meta.get_fields() if isinstance(field, ForeignKey)]
    for target in (key.related_model for key in keys):
        assert isinstance(target, type)
        if app_name(model) in INDEPENDENT_APPS or app_name(target) in INDEPENDENT_APPS:
            assert app_name(target) == app_name(model)
        else:
            assert layer_index(target) >= layer_index(model), f"{model._meta.label} points up to {target._meta.label}"


def test_every_model_is_in_the_administration_or_has_a_reason_not_to_be() -> None:
    missing = {
        model._meta.label
        for model in project_models()
        if app_name(model) not in INDEPENDENT_APPS and model not in admin.site._registry and model._meta.managed
    }
    assert missing == set(MODELS_WITHOUT_ADMIN)


def test_models_and_migrations_agree() -> None:
    loader = MigrationLoader(None)
    changes = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps)).changes(loader.graph)
    assert changes == {}


@pytest.mark.parametrize("model", project_models(), ids=lambda model: model._meta.label)
def test_every_model_has_a_docstring_and_str(model: type[Model]) -> None:
    assert model.__doc__
    assert not model.__doc__.startswith(f"{model.__name__}(")
    assert "__str__" in {name for base in model.__mro__[:3] for name in vars(base)}
