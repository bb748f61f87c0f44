"""Send a customer an approved template: also after the 24 hours, and as the first word."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext as _

from channels_whatsapp.message_templates import content as templates
from channels_whatsapp.models import MessageTemplate
from channels_whatsapp.service_window import is_window_open
from omnichannel.accounts.models import User
from omnichannel.conversations.access import agent_for_user, can_reply
from omnichannel.conversations.models import Conversation, Message, MessageKind
from omnichannel.conversations.outbound.compose import (
    NOT_ASSIGNED_ERROR,
    ReplyError,
    find_previous_submission,
    get_resend_public_id,
    get_send_error,
    lock_for_sending,
    queue_message,
    resend_reply,
)

TEMPLATE_KEY = "template"  # in a message's content


class TemplateSendError(ReplyError):
    """The template was not queued. `errors` are the reasons by variable, "" for what concerns no variable alone."""

    def __init__(self, code: str, message: str, *, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(code, message, field=TEMPLATE_KEY)
        self.errors = dict(errors or {"": message})


def send_template(
    conversation: Conversation,
    template: MessageTemplate,
    variables: Mapping[str, str],
    *,
    author: User,
    public_id: uuid.UUID | None = None,
) -> Message:
    """Queue a template for the customer, its variables filled in; the 24 hours do not matter to it.

    `public_id` is the form's own id: the same form sent twice queues one message. Raises ReplyRefused, with the reasons
    by variable where it is those, and then nothing is stored.
    """
    values = validate_variables(template, variables)
    with transaction.atomic():
        locked = lock_for_sending(conversation.pk)
        if (queued_before := find_previous_submission(public_id, locked)) is not None:
            return queued_before
        if not can_reply(agent_for_user(author), locked):
            raise ReplyError("not_yours", gettext(NOT_ASSIGNED_ERROR))
        if (refusal := get_send_error(locked, is_template=True)) is not None:
            raise refusal
        return queue_template(locked, template, values, author=author, public_id=public_id)


def validate_variables(template: MessageTemplate, variables: Mapping[str, str]) -> dict[str, str]:
    """The values of the template's own variables as they are sent; raises TemplateRefused for what WhatsApp refuses."""
    given = templates.clean_variables(variables)
    values = {
        name: given.get(name, "") for name in templates.get_variable_names(template.content_type, template.content)
    }
    if errors := templates.get_variable_errors(template, values):
        raise TemplateSendError("variables", next(iter(errors.values())), errors=errors)
    return values


def queue_template(
    locked: Conversation,
    template: MessageTemplate,
    values: dict[str, str],
    *,
    author: User,
    public_id: uuid.UUID | None = None,
) -> Message:
    """Queue it in the transaction that has `locked_to_send` its conversation; the state of the template is checked."""
    if template.account_id != locked.number.account_id:
        raise TemplateSendError("wrong_account", _("This template belongs to another WhatsApp channel."))
    if reason := templates.get_not_sendable_reason(template, window_is_open=_is_window_open(locked)):
        raise TemplateSendError("not_approved", _("This template can't be sent. %(reason)s") % {"reason": reason})
    parts = templates.render_template_parts(template, values)
    content = {
        "sid": template.content_sid,
        "name": template.name,
        "language": template.language,
        "type": template.content_type,
        "variables": values,
        **templates.build_message_content(parts),
    }
    return queue_message(
        locked,
        body=parts.body,
        author=author,
        public_id=public_id,
        content={TEMPLATE_KEY: content},
        kind=MessageKind.TEMPLATE,
    )


def _is_window_open(conversation: Conversation) -> bool:
    return is_window_open(conversation.window_closes_at, at=timezone.now())


# -- When it goes out -----------------------------------------------------------------------------------------------


def get_template_send_error(message: Message) -> ReplyError | None:
    """Why a queued template can't go out any more: what has changed at WhatsApp since; None when it can."""
    conversation, kept = message.conversation, message.content.get(TEMPLATE_KEY, {})
    there = MessageTemplate.objects.filter(account=conversation.number.account_id, content_sid=kept.get("sid", ""))
    template = there.first()
    if template is None:
        return TemplateSendError("gone", _("Twilio does not have it any more."))
    reason = templates.get_not_sendable_reason(template, window_is_open=_is_window_open(conversation))
    return (
        TemplateSendError("not_approved", _("This template can't be sent. %(reason)s") % {"reason": reason})
        if reason
        else None
    )


def get_twilio_parameters(message: Message) -> dict[str, str]:
    """What Twilio is told in place of body and file: the template and its variables."""
    kept: dict[str, Any] = message.content.get(TEMPLATE_KEY, {})
    values = kept.get("variables") or {}
    return {
        "content_sid": kept.get("sid", ""),
        "content_variables": json.dumps(values, ensure_ascii=False) if values else "",
    }


def resend_message(failed: Message, *, author: User) -> Message:
    """Queue again what was not delivered, a template as the template it was; raises ReplyRefused as both do."""
    if failed.kind != MessageKind.TEMPLATE:
        return resend_reply(failed, author=author)
    failed.refresh_from_db(fields=["status"])
    if not failed.has_failed:
        raise ReplyError("not_failed", gettext("Only a message that was not delivered can be sent again."))
    kept, again = failed.content.get(TEMPLATE_KEY, {}), get_resend_public_id(failed)
    if Message.objects.filter(public_id=again).exists():
        raise ReplyError("sent_again", gettext("This message has been sent again already."))
    account = failed.conversation.number.account_id
    template = MessageTemplate.objects.filter(account=account, content_sid=kept.get("sid", "")).first()
    if template is None:
        raise TemplateSendError("gone", _("Twilio does not have it any more."))
    values = kept.get("variables") or {}
    return send_template(failed.conversation, template, values, author=author, public_id=again)
