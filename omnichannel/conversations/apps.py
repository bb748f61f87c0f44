from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    name = "omnichannel.conversations"
    verbose_name = "Conversations"
