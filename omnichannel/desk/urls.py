"""URLs of the desk."""

from django.urls import path

from omnichannel.desk.views import dialogs, preferences, transitions
from omnichannel.desk.views.agent_status import notifications, offers, status
from omnichannel.desk.views.composer import initiate, notes, quick_replies, reply, templates
from omnichannel.desk.views.customer_panel import blocking, contact, merge, panel
from omnichannel.desk.views.inbox import bulk_actions, page, search
from omnichannel.desk.views.thread import attachments, contact_cards, conversation, export, viewers

app_name = "desk"

CONVERSATION = "conversations/<int:pk>/"
MESSAGE = f"{CONVERSATION}messages/<int:message_pk>/"

urlpatterns = [
    path("", page.inbox_page, name="inbox"),
    path("filters/", page.filter_dialog, name="filters"),
    path("search/", search.search_inbox, name="search"),
    path("bulk/", bulk_actions.bulk_action, name="bulk"),
    path("preferences/", preferences.preferences, name="preferences"),
    path("preferences/password/", preferences.change_password, name="password"),
    path("preferences/sessions/", preferences.sessions, name="sessions"),
    path("preferences/sessions/end-others/", preferences.end_other_sessions, name="end_other_sessions"),
    path("preferences/sessions/<int:pk>/end/", preferences.end_session, name="end_session"),
    path("quick-replies/", quick_replies.personal_quick_replies, name="own_quick_replies"),
    path("quick-replies/new/", quick_replies.create_from_composer, name="keep_quick_reply"),
    path("quick-replies/<int:pk>/", quick_replies.edit, name="change_quick_reply"),
    path("quick-replies/<int:pk>/delete/", quick_replies.delete, name="delete_quick_reply"),
    path("preview/", reply.preview_markup, name="preview"),
    path("presence/", status.set_presence, name="presence"),
    path("presence/back/", status.return_from_inactive, name="back"),
    path("offers/", offers.offers, name="offers"),
    path("news/", notifications.notifications, name="news"),
    path("start/", initiate.new_conversation, name="start"),
    path("start/begin/", initiate.create_conversation, name="begin"),
    path("start/sync/", initiate.sync_templates, name="sync_start"),
    path(CONVERSATION, conversation.conversation_page, name="conversation"),
    path(f"{CONVERSATION}pieces/", conversation.updates, name="pieces"),
    path(f"{CONVERSATION}earlier/", conversation.more_messages, name="earlier"),
    path(f"{CONVERSATION}former/", panel.previous_conversations, name="former"),
    path(f"{CONVERSATION}read/", conversation.mark_conversation_read, name="read"),
    path(f"{CONVERSATION}viewers/", viewers.viewers, name="viewers"),
    path(f"{CONVERSATION}typing/", viewers.typing, name="typing"),
    path(f"{CONVERSATION}reply/", reply.reply, name="reply"),
    path(f"{CONVERSATION}templates/", templates.choose_template, name="templates"),
    path(f"{CONVERSATION}templates/send/", templates.send, name="send_template"),
    path(f"{CONVERSATION}templates/sync/", templates.sync_templates, name="sync_templates"),
    path(f"{CONVERSATION}undo/", reply.undo_send, name="undo"),
    path(f"{CONVERSATION}quick-replies/", quick_replies.choices, name="quick_replies"),
    path(f"{MESSAGE}again/", reply.resend, name="again"),
    path(f"{MESSAGE}cards/<int:person>/<int:phone>/", contact_cards.save_contact_card, name="save_card"),
    path(f"{CONVERSATION}accept/", offers.accept, name="accept"),
    path(f"{CONVERSATION}reject/", offers.reject, name="reject"),
    path(f"{CONVERSATION}take/", transitions.take, name="take"),
    path(f"{CONVERSATION}release/", transitions.release, name="release"),
    path(f"{CONVERSATION}leave/", transitions.wait_for_customer, name="leave"),
    path(f"{CONVERSATION}resume/", transitions.resume, name="resume"),
    path(f"{CONVERSATION}end/", transitions.end, name="end"),
    path(f"{CONVERSATION}close/", dialogs.close, name="close"),
    path(f"{CONVERSATION}finish/", dialogs.end_and_close, name="finish"),
    path(f"{CONVERSATION}snooze/", dialogs.snooze, name="snooze"),
    path(f"{CONVERSATION}priority/", dialogs.priority, name="priority"),
    path(f"{CONVERSATION}labels/", dialogs.labels, name="labels"),
    path(f"{CONVERSATION}customer-labels/", dialogs.customer_labels, name="customer_labels"),
    path(f"{CONVERSATION}note/", notes.create_note, name="note"),
    path(f"{CONVERSATION}colleagues/", panel.participants, name="colleagues"),
    path(f"{CONVERSATION}transfer/", dialogs.transfer, name="transfer"),
    path(f"{CONVERSATION}consult/", dialogs.consult, name="consult"),
    path(f"{CONVERSATION}assign/", dialogs.assign, name="assign"),
    path(f"{CONVERSATION}monitor/", transitions.monitor, name="monitor"),
    path(f"{CONVERSATION}join/", transitions.join, name="join"),
    path(f"{CONVERSATION}step-out/", transitions.leave_conversation, name="step_out"),
    path(f"{CONVERSATION}release-to-queue/", transitions.release_to_queue, name="release_to_queue"),
    path(f"{CONVERSATION}about/", panel.customer_details, name="about"),
    path(f"{CONVERSATION}fields/", panel.update_contact_fields, name="fields"),
    path(f"{CONVERSATION}context/", panel.update_context, name="context"),
    path(f"{CONVERSATION}skills/", panel.update_required_skills, name="skills"),
    path(f"{CONVERSATION}notes/", panel.customer_notes, name="pane_notes"),
    path(f"{CONVERSATION}files/", panel.customer_files, name="pane_files"),
    path(f"{CONVERSATION}story/", panel.timeline, name="story"),
    path(f"{CONVERSATION}beside/", panel.conversation_preview, name="beside"),
    path(f"{CONVERSATION}export/", export.export, name="export"),
    path(f"{CONVERSATION}merge/", merge.merge_contact, name="merge"),
    path(f"{CONVERSATION}merges/<int:merge_pk>/undo/", merge.undo_merge, name="undo_merge"),
    path(f"{CONVERSATION}opt-in/", panel.lift_opt_out, name="lift_opt_out"),
    path(f"{CONVERSATION}rename/", contact.rename_contact, name="rename"),
    path(f"{CONVERSATION}language/", contact.set_contact_language, name="language"),
    path(f"{CONVERSATION}block/", blocking.block, name="block"),
    path(f"{CONVERSATION}unblock/", blocking.unblock, name="unblock"),
    path("attachments/<int:pk>/", attachments.serve_attachment, name="attachment"),
    path("attachments/<int:pk>/retry/", attachments.retry_download, name="retry"),
]
