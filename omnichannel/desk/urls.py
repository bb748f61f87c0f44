"""The desk's addresses."""

from django.urls import path

from omnichannel.desk.views import (
    asking,
    blocking,
    conversation,
    files,
    inbox,
    offers,
    people,
    preferences,
    reply,
    together,
    viewers,
    work,
)

app_name = "desk"

one = "conversations/<int:pk>/"

urlpatterns = [
    path("", inbox.inbox, name="inbox"),
    path("preferences/", preferences.preferences, name="preferences"),
    path("preferences/password/", preferences.password, name="password"),
    path("presence/", people.presence, name="presence"),
    path("presence/back/", offers.back, name="back"),
    path("offers/", offers.offers, name="offers"),
    path(one, conversation.conversation, name="conversation"),
    path(f"{one}pieces/", conversation.pieces, name="pieces"),
    path(f"{one}earlier/", conversation.earlier, name="earlier"),
    path(f"{one}former/", conversation.former, name="former"),
    path(f"{one}read/", conversation.read, name="read"),
    path(f"{one}viewers/", viewers.viewers, name="viewers"),
    path(f"{one}typing/", viewers.typing, name="typing"),
    path(f"{one}reply/", reply.reply, name="reply"),
    path(f"{one}messages/<int:message_pk>/again/", reply.again, name="again"),
    path(f"{one}accept/", offers.accept, name="accept"),
    path(f"{one}reject/", offers.reject, name="reject"),
    path(f"{one}take/", work.take, name="take"),
    path(f"{one}release/", work.release, name="release"),
    path(f"{one}leave/", work.leave, name="leave"),
    path(f"{one}resume/", work.resume, name="resume"),
    path(f"{one}end/", work.end, name="end"),
    path(f"{one}close/", asking.close, name="close"),
    path(f"{one}finish/", asking.finish, name="finish"),
    path(f"{one}snooze/", asking.snooze, name="snooze"),
    path(f"{one}priority/", asking.priority, name="priority"),
    path(f"{one}labels/", asking.labels, name="labels"),
    path(f"{one}customer-labels/", asking.customer_labels, name="customer_labels"),
    path(f"{one}note/", together.note, name="note"),
    path(f"{one}colleagues/", together.colleagues, name="colleagues"),
    path(f"{one}transfer/", together.transfer, name="transfer"),
    path(f"{one}consult/", together.consult, name="consult"),
    path(f"{one}assign/", together.assign, name="assign"),
    path(f"{one}monitor/", together.monitor, name="monitor"),
    path(f"{one}join/", together.join, name="join"),
    path(f"{one}step-out/", together.step_out, name="step_out"),
    path(f"{one}release-to-queue/", together.release_to_queue, name="release_to_queue"),
    path(f"{one}rename/", people.rename, name="rename"),
    path(f"{one}language/", people.language, name="language"),
    path(f"{one}block/", blocking.block, name="block"),
    path(f"{one}unblock/", blocking.unblock, name="unblock"),
    path("attachments/<int:pk>/", files.attachment, name="attachment"),
    path("attachments/<int:pk>/retry/", files.retry, name="retry"),
]
