"""The administration pages of accounts, numbers, webhook deliveries and message templates."""

from channels_whatsapp.admin import accounts, message_templates

__all__ = ["accounts", "message_templates"]
