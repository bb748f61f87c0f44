// Announcements for screen readers: all in one live region, in batches, so that a burst of events stays understandable.
"use strict";

(() => {
  const { byId } = Omnichannel;
  const INTERVAL_MS = 2000;
  const MAX_LENGTH = 140;
  const MAX_BATCH = 3;
  let queue = [];
  let timer = null;
  let lastAnnouncedAt = 0;

  Omnichannel.announce = (text) => {
    if (!queue.includes(text)) queue.push(text);
    if (timer === null) timer = setTimeout(flush, Math.max(50, lastAnnouncedAt + INTERVAL_MS - Date.now()));
  };

  function flush() {
    timer = null;
    lastAnnouncedAt = Date.now();
    const skipped = queue.length - MAX_BATCH;
    const batch = queue.slice(-MAX_BATCH);
    if (skipped > 0) batch.push(interpolate(ngettext("and %s more", "and %s more", skipped), [skipped]));
    queue = [];
    const region = byId("announce");
    if (region) region.textContent = batch.join(". ");
  }

  Omnichannel.announceMessages = (messages) => {
    const { name } = Omnichannel.workspace().dataset;
    for (const li of messages) {
      const body = li.querySelector(".body, .card-text strong, .message-marker");
      const text = body ? body.textContent.trim().slice(0, MAX_LENGTH) : gettext("sent a file");
      Omnichannel.announce(`${name}: ${text}`);
    }
  };
})();
