"""Send approved templates, also outside the 24-hour window and as the first message."""

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
    ReplyErrorCode,
    find_previous_submission,
    get_resend_public_id,
    get_send_error,
    lock_for_sending,
    queue_message,
    resend_reply,
)

TEMPLATE_KEY = "template"  # key in a message's content


class TemplateSendError(ReplyError):
    """The template was not queued.

    Attributes:
        errors: reasons by variable name; "" for reasons that concern no single variable.
    """

    def __init__(self, code: ReplyErrorCode, message: str, *, errors: Mapping[str, str] | None = None) -> None:
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
    """Queue a template with its variables filled in; the 24-hour window does not apply.

    Args:
        conversation: the conversation to send in.
        template: an approved template.
        variables: values by variable name.
        author: the agent's user.
        public_id: id of the form; submitting the same form twice queues one message.

    Raises:
        ReplyError: the template is refused, and nothing is stored.
        TemplateSendError: the refusal concerns the template or its variables.
    """
    values = validate_variables(template, variables)
    with transaction.atomic():
        locked = lock_for_sending(conversation.pk)
        if (previous := find_previous_submission(public_id, locked)) is not None:
            return previous
        if not can_reply(agent_for_user(author), locked):
            raise ReplyError(ReplyErrorCode.NOT_ASSIGNED, gettext(NOT_ASSIGNED_ERROR))
        if (refusal := get_send_error(locked, is_template=True)) is not None:
            raise refusal
        return queue_template(locked, template, values, author=author, public_id=public_id)


def validate_variables(template: MessageTemplate, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the values of the template's variables as they are sent.

    Raises:
        TemplateSendError: WhatsApp would refuse a value.
    """
    cleaned = templates.clean_variables(variables)
    values = {
        name: cleaned.get(name, "") for name in templates.get_variable_names(template.content_type, template.content)
    }
    if errors := templates.get_variable_errors(template, values):
        raise TemplateSendError(ReplyErrorCode.INVALID_VARIABLES, next(iter(errors.values())), errors=errors)
    return values


def queue_template(
    locked: Conversation,
    template: MessageTemplate,
    values: dict[str, str],
    *,
    author: User,
    public_id: uuid.UUID | None = None,
) -> Message:
    """Queue a template, in the transaction in which `lock_for_sending` locked the conversation.

    Raises:
        TemplateSendError: the template belongs to another account or can't be sent now.
    """
    if template.account_id != locked.number.account_id:
        raise TemplateSendError(
            ReplyErrorCode.TEMPLATE_OF_OTHER_ACCOUNT, _("This template belongs to another WhatsApp channel.")
        )
    if reason := _get_not_sendable_reason(template, locked):
        raise TemplateSendError(
            ReplyErrorCode.TEMPLATE_NOT_SENDABLE, _("This template can't be sent. %(reason)s") % {"reason": reason}
        )
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


def _get_not_sendable_reason(template: MessageTemplate, conversation: Conversation) -> str:
    window_is_open = is_window_open(conversation.window_closes_at, at=timezone.now())
    recipient = conversation.contact.address
    return templates.get_not_sendable_reason(template, window_is_open=window_is_open, recipient=recipient)


# -- Delivery -------------------------------------------------------------------------------------------------------


def get_template_send_error(message: Message) -> ReplyError | None:
    """Return why a queued template can no longer be sent, after changes at WhatsApp; None when it can."""
    conversation, content = message.conversation, message.content.get(TEMPLATE_KEY, {})
    account = conversation.number.account_id
    template = MessageTemplate.objects.filter(account=account, content_sid=content.get("sid", "")).first()
    if template is None:
        return TemplateSendError(ReplyErrorCode.TEMPLATE_REMOVED, _("It was removed from Twilio."))
    reason = _get_not_sendable_reason(template, conversation)
    return (
        TemplateSendError(
            ReplyErrorCode.TEMPLATE_NOT_SENDABLE, _("This template can't be sent. %(reason)s") % {"reason": reason}
        )
        if reason
        else None
    )


def get_twilio_parameters(message: Message) -> dict[str, str]:
    """Return the API parameters that replace body and file: the template and its variables."""
    content: dict[str, Any] = message.content.get(TEMPLATE_KEY, {})
    values = content.get("variables") or {}
    return {
        "content_sid": content.get("sid", ""),
        "content_variables": json.dumps(values, ensure_ascii=False) if values else "",
    }


def resend_message(failed: Message, *, author: User) -> Message:
    """Queue a copy of a message that was not delivered, a template as a template.

    Raises:
        ReplyError: as `resend_reply` or `send_template`.
    """
    if failed.kind != MessageKind.TEMPLATE:
        return resend_reply(failed, author=author)
    failed.refresh_from_db(fields=["status"])
    if not failed.has_failed:
        raise ReplyError(ReplyErrorCode.NOT_FAILED, gettext("Only undelivered messages can be sent again."))
    content, public_id = failed.content.get(TEMPLATE_KEY, {}), get_resend_public_id(failed)
    if Message.objects.filter(public_id=public_id).exists():
        raise ReplyError(ReplyErrorCode.ALREADY_RESENT, gettext("This message has already been sent again."))
    account = failed.conversation.number.account_id
    template = MessageTemplate.objects.filter(account=account, content_sid=content.get("sid", "")).first()
    if template is None:
        raise TemplateSendError(ReplyErrorCode.TEMPLATE_REMOVED, _("It was removed from Twilio."))
    values = content.get("variables") or {}
    return send_template(failed.conversation, template, values, author=author, public_id=public_id)
