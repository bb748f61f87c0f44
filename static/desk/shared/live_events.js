// Live events: the server reports what changed, without content, and the page fetches it. All tabs share one stream.
"use strict";

(() => {
  const { byId } = Omnichannel;
  const POLL_MS = 30000; // refresh at least this often, in case an event got lost
  const STATUS_DELAY_MS = 2500; // shorter interruptions are not shown
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("desk-live") : null;

  const timers = {};

  // Call once after the delay, however often this is called until then.
  function debounce(name, callback, delay) {
    timers[name] ??= setTimeout(() => {
      delete timers[name];
      callback?.(); // the administration has neither a list nor a conversation
    }, delay);
  }

  const EVERYTHING = 0;
  const changedMessages = new Set(); // ids of changed messages of the open conversation, or EVERYTHING

  function scheduleRefresh(messageId) {
    changedMessages.add(messageId);
    debounce("conversation", refreshChanged, 20);
  }

  function refreshChanged() {
    const [messageId, ...others] = changedMessages;
    changedMessages.clear();
    Omnichannel.refreshConversation?.(others.length ? EVERYTHING : messageId);
  }

  function refreshEverything() {
    debounce("agent-status", Omnichannel.refreshAgentStatus, 20);
    debounce("list", Omnichannel.refreshList, 50);
    scheduleRefresh(EVERYTHING);
    debounce("notifications", Omnichannel.refreshNotifications, 500);
  }

  function handleEvent(event) {
    // Presence, capacity and offers belong to the agent, not to a conversation.
    if (event.kind === "presence") return debounce("agent-status", Omnichannel.refreshAgentStatus, 50);
    const isOpen = String(event.id) === Omnichannel.conversationId?.();
    if (["viewing", "typing"].includes(event.kind)) {
      return isOpen && debounce("viewers", Omnichannel.refreshViewers, 20);
    }
    const delay = document.hidden ? 1000 : 250;
    if (event.kind === "read") {
      return debounce(`read ${event.id}`, () => Omnichannel.refreshUnreadMarks?.(event.id), delay);
    }
    debounce("list", Omnichannel.refreshList, delay);
    if (["message", "note"].includes(event.kind)) debounce("notifications", Omnichannel.refreshNotifications, 500);
    if (isOpen) scheduleRefresh((event.kind === "message" && event.part) || EVERYTHING);
    if (isOpen && event.kind !== "message") debounce("customer", Omnichannel.refreshCustomerPanel, 400);
  }

  // -- The stream ---------------------------------------------------------------------------------------------------

  let isConnected = true;
  let statusTimer;

  function showStatus(connected) {
    if (connected === isConnected) return;
    isConnected = connected;
    clearTimeout(statusTimer);
    const status = byId("connection-status");
    if (!status) return;
    if (connected) status.hidden = true;
    else {
      statusTimer = setTimeout(() => {
        status.hidden = false;
      }, STATUS_DELAY_MS);
    }
  }

  function broadcast(message) {
    channel?.postMessage(message);
    handleMessage(message);
  }

  function handleMessage({ hint, state, signsOut }) {
    if (hint) handleEvent(hint);
    if (state === "up") refreshEverything();
    if (state) showStatus(state === "up");
    // After signing out in another tab, this request leads to the sign-in page.
    if (signsOut) for (const delay of [500, 2500]) setTimeout(Omnichannel.refreshAgentStatus, delay);
  }

  const FRESH_MS = 20000;
  let reconnectDelay = 1000;

  // A page that was just rendered asks for the events since then, instead of fetching everything again.
  function sinceRendered() {
    const at = performance.now() < FRESH_MS ? document.body.dataset.renderedAt : "";
    delete document.body.dataset.renderedAt;
    return at ? `?since=${at}` : "";
  }

  function connect() {
    Omnichannel.isLeader = true;
    const since = sinceRendered();
    let isComplete = Boolean(since);
    const stream = new EventSource(`/live/${since}`);
    stream.addEventListener("open", () => {
      reconnectDelay = 1000;
      if (!isComplete) return broadcast({ state: "up" });
      isComplete = false;
      channel?.postMessage({ state: "up" });
      showStatus(true);
    });
    stream.addEventListener("hint", (event) => broadcast({ hint: JSON.parse(event.data) }));
    stream.addEventListener("reconnect", () => {
      stream.close();
      setTimeout(connect, 200 + Math.random() * 1000);
    });
    stream.addEventListener("error", () => {
      isComplete = false;
      broadcast({ state: "down" });
      if (stream.readyState !== EventSource.CLOSED) return; // the browser reconnects by itself
      stream.close();
      Omnichannel.refreshAgentStatus(); // leads to the sign-in page if the session has ended
      setTimeout(connect, reconnectDelay * (0.5 + Math.random()));
      reconnectDelay = Math.min(reconnectDelay * 2, 30000);
    });
  }

  // Only the tab with the lock opens a stream. It keeps the lock until it is closed.
  function connectAsLeader() {
    connect();
    return new Promise(() => {});
  }

  document.addEventListener("submit", ({ target }) => {
    if (target.getAttribute("action")?.endsWith("/sign-out/")) channel?.postMessage({ signsOut: true });
  });

  document.addEventListener("DOMContentLoaded", () => {
    if (!byId("presence")) return; // the user is no agent
    channel?.addEventListener("message", (event) => handleMessage(event.data));
    if (navigator.locks && channel) navigator.locks.request("desk-live", connectAsLeader);
    else connect();
    setInterval(() => document.hidden || refreshEverything(), POLL_MS);
    document.addEventListener("visibilitychange", () => document.hidden || refreshEverything());
  });
})();
