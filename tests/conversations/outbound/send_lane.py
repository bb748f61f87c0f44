"""Run the lane that sends messages."""

import datetime as dt

from omnichannel.conversations.outbound.delivery import deliver_messages
from omnichannel.jobs.lanes import claim_lanes


def run_send_lane() -> dt.datetime | None:
    """Send the messages of the lane that is due and return its next time."""
    [lease] = claim_lanes(["send"], 1)
    due = deliver_messages(lease)
    lease.finish(due)
    return due
