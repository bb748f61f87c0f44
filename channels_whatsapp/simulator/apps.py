from django.apps import AppConfig


class SimulatorConfig(AppConfig):
    name = "channels_whatsapp.simulator"
    label = "simulator"
    verbose_name = "Twilio simulator"
