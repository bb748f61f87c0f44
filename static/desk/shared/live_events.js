// Hints from the server that something changed; what changed is fetched. One stream for all of a browser's tabs.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const NET_SECONDS = 30; // however quiet the stream: look after this long
  const SAY_SO_AFTER = 2500; // a short break is not worth a word
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("desk-live") : null;

  const timers = {};
  function soon(name, what, wait) {
    timers[name] ??= setTimeout(() => {
      delete timers[name];
      what();
    }, wait);
  }

  const EVERYTHING = 0;
  const changed = new Set(); // of the open conversation: messages by their keys, or everything

  function refreshSoon(what) {
    changed.add(what);
    soon("pieces", refreshChanged, 20);
  }

  function refreshChanged() {
    const [message, ...others] = changed;
    changed.clear();
    Desk.refresh(others.length ? EVERYTHING : message);
  }

  function everything() {
    soon("standing", Desk.refreshStanding, 20);
    soon("list", Desk.refreshList, 50);
    refreshSoon(EVERYTHING);
    soon("news", Desk.refreshNews, 500);
  }

  function heed(hint) {
    // What the agent shows, can take on and is offered: no conversation's page is concerned.
    if (hint.kind === "presence") return soon("standing", Desk.refreshStanding, 50);
    const isOpen = String(hint.id) === Desk.workspace()?.dataset.pk;
    if (["viewing", "typing"].includes(hint.kind)) return isOpen && soon("viewers", Desk.refreshViewers, 20);
    const wait = document.hidden ? 1000 : 250;
    if (hint.kind === "read") return soon(`read ${hint.id}`, () => Desk.refreshMarks(hint.id), wait);
    soon("list", Desk.refreshList, wait);
    if (["message", "note"].includes(hint.kind)) soon("news", Desk.refreshNews, 500);
    if (isOpen) refreshSoon((hint.kind === "message" && hint.part) || EVERYTHING);
    if (isOpen && hint.kind !== "message") soon("customer", Desk.refreshCustomer, 400);
  }

  // -- The stream ---------------------------------------------------------------------------------------------------

  let isUp = true;
  let sayTimer;

  function show(up) {
    if (up === isUp) return;
    isUp = up;
    clearTimeout(sayTimer);
    const line = byId("stream");
    if (!line) return;
    if (up) line.hidden = true;
    else sayTimer = setTimeout(() => (line.hidden = false), SAY_SO_AFTER);
  }

  function tell(message) {
    channel?.postMessage(message);
    listen(message);
  }

  function listen({ hint, state, signsOut }) {
    if (hint) heed(hint);
    if (state === "up") everything();
    if (state) show(state === "up");
    // Whoever is signed out is sent to the sign-in by the next question.
    if (signsOut) for (const wait of [500, 2500]) setTimeout(Desk.refreshStanding, wait);
  }

  let wait = 1000;
  const FRESH_MS = 20000;

  // A page that has just been rendered is told what it may not show yet, and need not fetch everything once more.
  function sinceRendered() {
    const at = performance.now() < FRESH_MS ? document.body.dataset.at : "";
    delete document.body.dataset.at;
    return at ? `?since=${at}` : "";
  }

  function connect() {
    Desk.speaks = true;
    const since = sinceRendered();
    let isComplete = Boolean(since);
    const stream = new EventSource(`/live/${since}`);
    stream.addEventListener("open", () => {
      wait = 1000;
      if (!isComplete) return tell({ state: "up" });
      isComplete = false;
      channel?.postMessage({ state: "up" });
      show(true);
    });
    stream.addEventListener("hint", (event) => tell({ hint: JSON.parse(event.data) }));
    stream.addEventListener("bye", () => {
      stream.close();
      setTimeout(connect, 200 + Math.random() * 1000);
    });
    stream.addEventListener("error", () => {
      isComplete = false;
      tell({ state: "down" });
      if (stream.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      stream.close();
      Desk.refreshStanding(); // should the session have ended, this leads to the sign-in
      setTimeout(connect, wait * (0.5 + Math.random()));
      wait = Math.min(wait * 2, 30000);
    });
  }

  document.addEventListener("submit", ({ target }) => {
    if (target.getAttribute("action")?.endsWith("/sign-out/")) channel?.postMessage({ signsOut: true });
  });

  document.addEventListener("DOMContentLoaded", () => {
    channel?.addEventListener("message", (event) => listen(event.data));
    // The lock is held for as long as the tab lives: whoever has it has the stream.
    if (navigator.locks && channel) navigator.locks.request("desk-live", () => (connect(), new Promise(() => {})));
    else connect();
    setInterval(() => document.hidden || everything(), NET_SECONDS * 1000);
    document.addEventListener("visibilitychange", () => document.hidden || everything());
  });
})();
