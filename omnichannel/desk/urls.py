"""URLs of the desk."""

from django.urls import path

from omnichannel.desk.views import dialogs, preferences, transitions
from omnichannel.desk.views.agent_status import failed_replies, notifications, offers, status
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
    path("bulk/", bulk_actions.bulk_action, name="bulk_action"),
    path("preferences/", preferences.preferences, name="preferences"),
    path("preferences/password/", preferences.change_password, name="password"),
    path("preferences/sessions/", preferences.sessions, name="sessions"),
    path("preferences/sessions/end-others/", preferences.end_other_sessions, name="end_other_sessions"),
    path("preferences/sessions/<int:pk>/end/", preferences.end_session, name="end_session"),
    path("quick-replies/", quick_replies.personal_quick_replies, name="personal_quick_replies"),
    path("quick-replies/new/", quick_replies.create_from_composer, name="create_quick_reply"),
    path("quick-replies/<int:pk>/", quick_replies.edit, name="edit_quick_reply"),
    path("quick-replies/<int:pk>/delete/", quick_replies.delete, name="delete_quick_reply"),
    path("preview-markup/", reply.preview_markup, name="preview_markup"),
    path("presence/", status.set_presence, name="presence"),
    path("presence/return/", status.return_from_inactive, name="return_from_inactive"),
    path("offers/", offers.offers, name="offers"),
    path("failed-replies/<int:pk>/", failed_replies.show_failed_reply, name="show_failed_reply"),
    path("failed-replies/<int:pk>/dismiss/", failed_replies.dismiss_failed_reply, name="dismiss_failed_reply"),
    path("notifications/", notifications.notifications, name="notifications"),
    path("conversations/new/", initiate.new_conversation, name="new_conversation"),
    path("conversations/create/", initiate.create_conversation, name="create_conversation"),
    path("conversations/new/sync-templates/", initiate.sync_templates, name="sync_new_conversation_templates"),
    path(CONVERSATION, conversation.conversation_page, name="conversation"),
    path(f"{CONVERSATION}updates/", conversation.updates, name="updates"),
    path(f"{CONVERSATION}messages/", conversation.more_messages, name="messages"),
    path(f"{CONVERSATION}previous-conversations/", panel.previous_conversations, name="previous_conversations"),
    path(f"{CONVERSATION}mark-read/", conversation.mark_conversation_read, name="mark_read"),
    path(f"{CONVERSATION}viewers/", viewers.viewers, name="viewers"),
    path(f"{CONVERSATION}typing/", viewers.typing, name="typing"),
    path(f"{CONVERSATION}reply/", reply.reply, name="reply"),
    path(f"{CONVERSATION}templates/", templates.choose_template, name="templates"),
    path(f"{CONVERSATION}templates/send/", templates.send, name="send_template"),
    path(f"{CONVERSATION}templates/sync/", templates.sync_templates, name="sync_templates"),
    path(f"{CONVERSATION}undo-send/", reply.undo_send, name="undo_send"),
    path(f"{CONVERSATION}quick-replies/", quick_replies.choices, name="quick_replies"),
    path(f"{MESSAGE}resend/", reply.resend, name="resend"),
    path(
        f"{MESSAGE}contact-cards/<int:person>/<int:phone>/", contact_cards.save_contact_card, name="save_contact_card"
    ),
    path(f"{CONVERSATION}accept/", offers.accept, name="accept"),
    path(f"{CONVERSATION}reject/", offers.reject, name="reject"),
    path(f"{CONVERSATION}take/", transitions.take, name="take"),
    path(f"{CONVERSATION}release/", transitions.release, name="release"),
    path(f"{CONVERSATION}wait-for-customer/", transitions.wait_for_customer, name="wait_for_customer"),
    path(f"{CONVERSATION}resume/", transitions.resume, name="resume"),
    path(f"{CONVERSATION}end/", transitions.end, name="end"),
    *(path(f"{CONVERSATION}{name.replace('_', '-')}/", view, name=name) for name, view in dialogs.DIALOG_VIEWS.items()),
    path(f"{CONVERSATION}note/", notes.create_note, name="create_note"),
    path(f"{CONVERSATION}mention-choices/", notes.mention_choices, name="mention_choices"),
    path(f"{CONVERSATION}participants/", panel.participants, name="participants"),
    path(f"{CONVERSATION}monitor/", transitions.monitor, name="monitor"),
    path(f"{CONVERSATION}join/", transitions.join, name="join"),
    path(f"{CONVERSATION}leave-conversation/", transitions.leave_conversation, name="leave_conversation"),
    path(f"{CONVERSATION}release-to-queue/", transitions.release_to_queue, name="release_to_queue"),
    path(f"{CONVERSATION}customer-details/", panel.customer_details, name="customer_details"),
    path(f"{CONVERSATION}contact-fields/", panel.update_contact_fields, name="contact_fields"),
    path(f"{CONVERSATION}context/", panel.update_context, name="context"),
    path(f"{CONVERSATION}required-skills/", panel.update_required_skills, name="required_skills"),
    path(f"{CONVERSATION}customer-notes/", panel.customer_notes, name="customer_notes"),
    path(f"{CONVERSATION}customer-files/", panel.customer_files, name="customer_files"),
    path(f"{CONVERSATION}timeline/", panel.timeline, name="timeline"),
    path(f"{CONVERSATION}preview/", panel.conversation_preview, name="conversation_preview"),
    path(f"{CONVERSATION}export/", export.export, name="export"),
    path(f"{CONVERSATION}merge/", merge.merge_contact, name="merge"),
    path(f"{CONVERSATION}merges/<int:merge_pk>/undo/", merge.undo_merge, name="undo_merge"),
    path(f"{CONVERSATION}lift-opt-out/", panel.lift_opt_out, name="lift_opt_out"),
    path(f"{CONVERSATION}rename/", contact.rename_contact, name="rename"),
    path(f"{CONVERSATION}language/", contact.set_contact_language, name="language"),
    path(f"{CONVERSATION}block/", blocking.block, name="block"),
    path(f"{CONVERSATION}unblock/", blocking.unblock, name="unblock"),
    path("attachments/<int:pk>/", attachments.serve_attachment, name="attachment"),
    path("attachments/<int:pk>/retry/", attachments.retry_download, name="retry_download"),
]
