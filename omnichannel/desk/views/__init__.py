"""Views of the desk.

Each view finds, authorises, validates, acts and renders; the rules are in `omnichannel.conversations`.
"""

from omnichannel.desk.views.assets import scripts, styles
from omnichannel.desk.views.sign_in import sign_in, sign_out
from omnichannel.desk.views.thread.attachments import signed_attachment

__all__ = ["signed_attachment", "scripts", "sign_in", "sign_out", "styles"]
