"""The admin pages of accounts, numbers, webhook deliveries and message templates."""

from channels_whatsapp.admin import accounts, deliveries, message_templates, numbers

__all__ = ["accounts", "deliveries", "message_templates", "numbers"]
