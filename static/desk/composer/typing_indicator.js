// Viewers: who else has the open conversation open or types in it, and reporting the same of this page.
"use strict";

(() => {
  const { byId, csrfToken, parseHtml } = Omnichannel;
  const HEARTBEAT_MS = 20000;
  const TYPING_INTERVAL_MS = 10000; // between reports while somebody types
  const TYPING_END_MS = 6000; // without a key press
  const ANNOUNCE_AGAIN_MS = 60000;
  const TYPING_EXPIRY_MS = 15000; // the server forgets a colleague's typing after this time

  let reported; // the URLs of the conversation that the server knows to be open on this page
  let expiryTimer;
  let typingReportedAt = 0;
  let typingEndTimer;

  function post(url, fields = {}) {
    const body = new URLSearchParams({ csrfmiddlewaretoken: csrfToken(), ...fields });
    return Omnichannel.fetch(url, { method: "POST", body, keepalive: true });
  }

  // -- Viewing ------------------------------------------------------------------------------------------------------

  function merge(html) {
    const fresh = parseHtml(html).getElementById("viewers");
    const old = byId("viewers");
    if (!fresh || !old) return;
    if (old.innerHTML !== fresh.innerHTML) old.innerHTML = fresh.innerHTML;
    announceTyping(byId("typing-indicator")?.textContent.trim());
    clearTimeout(expiryTimer);
    if (byId("typing-indicator")) expiryTimer = setTimeout(Omnichannel.refreshViewers, TYPING_EXPIRY_MS);
  }

  let lastAnnounced = {};

  function announceTyping(text) {
    const isRepeated = lastAnnounced.text === text && Date.now() - lastAnnounced.at < ANNOUNCE_AGAIN_MS;
    if (!text || isRepeated) return;
    lastAnnounced = { text, at: Date.now() };
    Omnichannel.announce(text);
  }

  async function request(send) {
    const workspace = Omnichannel.workspace();
    if (!workspace || !csrfToken()) return;
    try {
      const response = await send(workspace.dataset.viewersUrl);
      if (response.ok && workspace === Omnichannel.workspace()) merge(await response.text());
    } catch {
      // Without a connection the status line of the stream is shown.
    }
  }

  Omnichannel.refreshViewers = Omnichannel.oneAtATime(() => request(Omnichannel.fetch));
  const reportViewing = () => document.hidden || request(post);

  function reportLeaving() {
    if (!reported) return;
    clearTimeout(typingEndTimer);
    typingReportedAt = 0;
    const fields = { csrfmiddlewaretoken: reported.token, closed: 1 };
    navigator.sendBeacon(reported.viewersUrl, new URLSearchParams(fields));
    reported = null;
  }

  // Report that another conversation was opened, or that the open one was closed.
  function reportOpenConversation() {
    const { viewersUrl, typingUrl } = Omnichannel.workspace()?.dataset ?? {};
    if (viewersUrl === reported?.viewersUrl) return;
    reportLeaving();
    if (!viewersUrl) return;
    reported = { viewersUrl, typingUrl, token: csrfToken() };
    reportViewing();
  }

  document.addEventListener("DOMContentLoaded", () => {
    reportOpenConversation();
    setInterval(reportViewing, HEARTBEAT_MS);
  });
  document.addEventListener("htmx:afterSettle", reportOpenConversation);
  document.addEventListener("visibilitychange", reportViewing);
  window.addEventListener("pagehide", reportLeaving);
  window.addEventListener("pageshow", (event) => event.persisted && reportOpenConversation());

  // -- Typing -------------------------------------------------------------------------------------------------------

  function reportTypingEnd() {
    clearTimeout(typingEndTimer);
    if (!typingReportedAt || !reported) return;
    typingReportedAt = 0;
    post(reported.typingUrl, { stopped: 1 }).catch(() => {});
  }

  document.addEventListener("input", ({ target }) => {
    if (!reported || !target.matches("#reply-text, #note-text")) return;
    if (!target.value.trim()) return reportTypingEnd();
    clearTimeout(typingEndTimer);
    typingEndTimer = setTimeout(reportTypingEnd, TYPING_END_MS);
    if (Date.now() - typingReportedAt < TYPING_INTERVAL_MS) return;
    typingReportedAt = Date.now();
    post(reported.typingUrl, target.id === "reply-text" ? { reply: 1 } : {}).catch(() => {});
  });

  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    if (detail.elt.matches("form.composer")) reportTypingEnd();
  });
})();
