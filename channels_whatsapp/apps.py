from django.apps import AppConfig


class WhatsAppConfig(AppConfig):
    name = "channels_whatsapp"
    verbose_name = "Channels"
