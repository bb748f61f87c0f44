"""The desk's addresses."""

from django.urls import path

from omnichannel.desk.views import conversation, files, inbox, people, reply, work

app_name = "desk"

one = "conversations/<int:pk>/"

urlpatterns = [
    path("", inbox.inbox, name="inbox"),
    path("presence/", people.presence, name="presence"),
    path(one, conversation.conversation, name="conversation"),
    path(f"{one}pieces/", conversation.pieces, name="pieces"),
    path(f"{one}earlier/", conversation.earlier, name="earlier"),
    path(f"{one}former/", conversation.former, name="former"),
    path(f"{one}read/", conversation.read, name="read"),
    path(f"{one}reply/", reply.reply, name="reply"),
    path(f"{one}messages/<int:message_pk>/again/", reply.again, name="again"),
    path(f"{one}take/", work.take, name="take"),
    path(f"{one}release/", work.release, name="release"),
    path(f"{one}leave/", work.leave, name="leave"),
    path(f"{one}resume/", work.resume, name="resume"),
    path(f"{one}end/", work.end, name="end"),
    path(f"{one}close/", work.close, name="close"),
    path(f"{one}rename/", people.rename, name="rename"),
    path("attachments/<int:pk>/", files.attachment, name="attachment"),
    path("attachments/<int:pk>/retry/", files.retry, name="retry"),
]
