"""The three roles as groups with their permissions; see the table in README.md."""

from typing import Any

from django.apps import AppConfig, apps
from django.db.models import Q
from django.db.models.signals import post_migrate

ADMINISTRATOR, SUPERVISOR, AGENT = "Administrator", "Supervisor", "Agent"

WORK_PERMISSIONS = ["conversations.work_on_conversations"]
VIEW_PEOPLE_AND_QUEUES_PERMISSIONS = [
    "accounts.view_user",
    "routing.view_agent",
    "routing.view_contactfield",
    "routing.view_presence",
    "routing.view_queue",
    "routing.view_queuemembership",
    "routing.view_workstream",
]
VIEW_ROUTING_PERMISSIONS = [
    "routing.view_agentskill",
    "routing.view_contextvariable",
    "routing.view_holiday",
    "routing.view_openingperiod",
    "routing.view_operatinghours",
    "routing.view_overflowrule",
    "routing.view_routingrule",
    "routing.view_skill",
    "routing.view_skillrule",
    "routing.view_skillruleskill",
]
VIEW_QUICK_REPLY_PERMISSIONS = ["conversations.view_quickreply", "conversations.view_quickreplytag"]
MANAGE_QUICK_REPLY_PERMISSIONS = [
    f"conversations.{verb}_{model}" for model in ("quickreply", "quickreplytag") for verb in ("add", "change", "delete")
]

VIEW_LABEL_PERMISSIONS = ["conversations.view_label", "conversations.view_dispositioncode"]
MANAGE_LABEL_PERMISSIONS = [
    *VIEW_LABEL_PERMISSIONS,
    "conversations.add_label",
    "conversations.change_label",
    "conversations.delete_label",
]

PERMISSIONS_BY_ROLE: dict[str, list[str]] = {
    AGENT: [
        *WORK_PERMISSIONS,
        *VIEW_PEOPLE_AND_QUEUES_PERMISSIONS,
        *VIEW_LABEL_PERMISSIONS,
        *VIEW_QUICK_REPLY_PERMISSIONS,
    ],
    SUPERVISOR: [
        *WORK_PERMISSIONS,
        *VIEW_PEOPLE_AND_QUEUES_PERMISSIONS,
        *VIEW_ROUTING_PERMISSIONS,
        *MANAGE_LABEL_PERMISSIONS,
        *VIEW_QUICK_REPLY_PERMISSIONS,
        *MANAGE_QUICK_REPLY_PERMISSIONS,
        "conversations.see_all_conversations",
        "conversations.view_contact",
        "conversations.view_conversation",
        "routing.change_agent",
        "routing.add_queuemembership",
        "routing.change_queuemembership",
        "routing.delete_queuemembership",
    ],
    ADMINISTRATOR: [
        *WORK_PERMISSIONS,
        *VIEW_QUICK_REPLY_PERMISSIONS,
        *MANAGE_QUICK_REPLY_PERMISSIONS,
        "conversations.see_all_conversations",
        "conversations.view_contact",
        "conversations.view_conversation",
        *(
            f"{model.partition('.')[0]}.{verb}_{model.partition('.')[2]}"
            for model in (
                "accounts.user",
                "auth.group",
                "routing.agent",
                "routing.agentskill",
                "routing.contactfield",
                "routing.contextvariable",
                "routing.holiday",
                "routing.openingperiod",
                "routing.operatinghours",
                "routing.overflowrule",
                "routing.presence",
                "routing.queue",
                "routing.queuemembership",
                "routing.ratingmodel",
                "routing.ratingvalue",
                "routing.routingrule",
                "routing.skill",
                "routing.skillrule",
                "routing.skillruleskill",
                "routing.skilltype",
                "routing.workstream",
                "channels_whatsapp.whatsappaccount",
                "channels_whatsapp.whatsappnumber",
                "conversations.automatedmessage",
                "conversations.dispositioncode",
                "conversations.label",
                "conversations.optoutword",
            )
            for verb in ("view", "add", "change", "delete")
        ),
        "accounts.view_usersession",
        "accounts.delete_usersession",
        "channels_whatsapp.view_messagetemplate",
        "channels_whatsapp.view_webhookdelivery",
        "channels_whatsapp.change_webhookdelivery",
        "jobs.view_lane",
        "jobs.change_lane",
    ],
}


def sync_role_permissions(**kwargs: Any) -> None:
    """Create the groups and set exactly the permissions above. Runs after every `migrate`.

    Raises:
        LookupError: a role names a permission that does not exist.
    """
    group_model, permission_model = apps.get_model("auth.Group"), apps.get_model("auth.Permission")
    for role, names in PERMISSIONS_BY_ROLE.items():
        is_granted = Q()
        for name in names:
            app, _, codename = name.partition(".")
            is_granted |= Q(content_type__app_label=app, codename=codename)
        group, _ = group_model.objects.get_or_create(name=role)
        permissions = permission_model.objects.filter(is_granted)
        if permissions.count() != len(set(names)):
            missing = set(names) - {f"{p.content_type.app_label}.{p.codename}" for p in permissions}
            raise LookupError(f"The role {role} names permissions that do not exist: {sorted(missing)}")
        group.permissions.set(permissions)


class RolesConfig(AppConfig):
    """Reset the permissions of the roles after every `migrate`."""

    name = "omnichannel"
    label = "composition"
    verbose_name = "Omnichannel"

    def ready(self) -> None:
        # The signal is sent for apps with models only. `conversations` is the last of them: every permission exists.
        post_migrate.connect(sync_role_permissions, sender=apps.get_app_config("conversations"))
