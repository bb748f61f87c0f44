// The open conversation: pieces of it are fetched and put in place, without losing what somebody types or where they read.
"use strict";

window.Desk = {};

(() => {
  const byId = (id) => document.getElementById(id);
  const NEAR_THE_END = 60; // pixels

  Desk.workspace = () => {
    const found = byId("workspace");
    return found && found.dataset.pk ? found : null;
  };

  Desk.notice = (text) => {
    const notice = byId("notice");
    notice.textContent = text;
    notice.hidden = false;
    clearTimeout(Desk.noticeTimer);
    Desk.noticeTimer = setTimeout(() => (notice.hidden = true), 8000);
  };

  // Scrolling: the list of messages is laid out from its end, so 0 is the newest and further up is negative.
  const isAtEnd = () => Math.abs(byId("scroller")?.scrollTop ?? 0) < NEAR_THE_END;
  Desk.toEnd = () => {
    const scroller = byId("scroller");
    if (scroller) scroller.scrollTop = 0;
    hideNewest();
  };
  const hideNewest = () => {
    const button = byId("to-newest");
    if (button) button.hidden = true;
  };

  // -- Putting pieces in place --------------------------------------------------------------------------------------

  const lastPk = () => Math.max(0, ...[...document.querySelectorAll("#thread > [data-pk]")].map((li) => +li.dataset.pk));

  function swap(old, fresh) {
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.replaceWith(fresh);
    htmx.process(fresh);
    if (focused) byId(focused)?.focus({ preventScroll: true });
  }

  function isBeingFilledIn(part) {
    const field = document.activeElement;
    return part.contains(field) && field.matches("input, textarea, select");
  }

  // A part of the page around the messages: head, foot, customer, the link to earlier messages.
  function putPart(fresh, fromForm) {
    const old = byId(fresh.id);
    if (!old) return;
    if (fresh.id === "composer") return Desk.putComposer(old, fresh, fromForm, swap);
    if (old.dataset.unread !== undefined) old.dataset.unread = fresh.dataset.unread;
    // What went wrong stays in words until the next thing is tried.
    const hasProblem = fromForm && (old.querySelector(".problem") || fresh.querySelector(".problem"));
    if (old.dataset.version === fresh.dataset.version && !hasProblem) return;
    if (isBeingFilledIn(old) && !fromForm) return;
    swap(old, fresh);
  }

  // A message, an event, a day: in its place by time. Answers whether it is new here.
  function putEntry(fresh) {
    const old = byId(fresh.id);
    if (old) {
      if (old.dataset.version !== fresh.dataset.version) swap(old, fresh);
      return false;
    }
    const thread = byId("thread");
    let after = thread.lastElementChild;
    while (after && after.dataset.order > fresh.dataset.order) after = after.previousElementSibling;
    thread.insertBefore(fresh, after ? after.nextElementSibling : thread.firstElementChild);
    htmx.process(fresh);
    return true;
  }

  function merge(html, { fromForm = false } = {}) {
    const root = new DOMParser().parseFromString(html, "text/html").querySelector("[data-pieces]");
    if (!root || !Desk.workspace()) return null;
    const wasAtEnd = isAtEnd();
    const known = lastPk();
    for (const part of root.querySelectorAll(":scope > [id]")) putPart(part, fromForm);
    const added = [...root.querySelectorAll(":scope > ol > li")].filter(putEntry);
    const said = added.filter((li) => +li.dataset.pk > known);
    said.forEach((li) => li.classList.add("is-new"));
    announce(said.filter((li) => li.classList.contains("in")));
    if (fromForm && said.length) Desk.toEnd();
    else if (!wasAtEnd && said.some((li) => li.classList.contains("in"))) byId("to-newest").hidden = false;
    Desk.tick();
    watchUnsettled();
    return root;
  }

  function announce(messages) {
    if (!messages.length) return;
    const words = messages.map((li) => {
      const what = li.querySelector(".body, .card-words strong, .mark-line");
      return what ? what.textContent.trim().slice(0, 140) : "sent a file";
    });
    byId("announce").textContent = `${Desk.workspace().dataset.name}: ${words.join(" ")}`;
  }

  // -- Fetching -----------------------------------------------------------------------------------------------------

  Desk.fetch = async (address, options = {}) => {
    const headers = { "HX-Request": "true", "HX-Current-URL": location.href, ...options.headers };
    const answer = await fetch(address, { credentials: "same-origin", ...options, headers });
    if (answer.status === 401) location.assign(answer.headers.get("HX-Redirect"));
    return answer;
  };

  let isRunning = false;
  let isWanted = false;

  Desk.refresh = async () => {
    const workspace = Desk.workspace();
    if (!workspace) return;
    if (isRunning) {
      isWanted = true;
      return;
    }
    isRunning = true;
    isWanted = false;
    try {
      const { updates, at } = workspace.dataset;
      const answer = await Desk.fetch(`${updates}?after=${lastPk()}&changed_since=${encodeURIComponent(at)}`);
      if (workspace !== Desk.workspace()) return;
      if (answer.status === 404 || answer.status === 403) location.reload();
      if (answer.ok) take(workspace, await answer.text());
    } catch {
      // No connection: the stream's state says so, and the next hint or half minute asks again.
    } finally {
      isRunning = false;
      if (isWanted) Desk.refresh();
    }
  };

  function take(workspace, html) {
    if (workspace !== Desk.workspace()) return;
    const root = merge(html);
    if (!root) return;
    workspace.dataset.at = root.dataset.at;
    isWanted ||= root.dataset.more !== undefined;
    Desk.markRead();
  }

  Desk.markRead = () => {
    const head = byId("head");
    if (document.hidden || !head || !+head.dataset.unread) return;
    head.dataset.unread = "0";
    const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
    Desk.fetch(Desk.workspace().dataset.read, { method: "POST", headers: { "X-CSRFToken": token } }).catch(() => {});
  };

  // A message on its way to Twilio: should it stay there, the page says that this is being looked into.
  let unsettledTimer;
  function watchUnsettled() {
    clearTimeout(unsettledTimer);
    if (document.querySelector("#thread > [data-unsettled]")) unsettledTimer = setTimeout(Desk.refresh, 16000);
  }

  // -- Time left ----------------------------------------------------------------------------------------------------

  const ends = new WeakMap();

  function words(seconds, style) {
    if (seconds < 0) return "closed";
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor((seconds % 3600) / 60);
    if (style === "short" && hours >= 2) return `${hours} h`;
    if (!hours) return minutes ? `${minutes} min` : "under 1 min";
    return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  }

  function tone(seconds) {
    if (seconds < 0) return "closed";
    return seconds < 1800 ? "urgent" : seconds < 7200 ? "soon" : "";
  }

  Desk.tick = () => {
    for (const clock of document.querySelectorAll("[data-left]")) {
      if (!ends.has(clock)) ends.set(clock, Date.now() + clock.dataset.left * 1000);
      const left = Math.floor((ends.get(clock) - Date.now()) / 1000);
      const shown = clock.querySelector("[data-words]");
      const text = words(left, shown.dataset.words);
      if (shown.textContent !== text) shown.textContent = text;
      if (!clock.classList.contains(tone(left) || "window")) clock.className = `window ${tone(left)}`;
      if (left < 0 && clock.id === "reply-left") Desk.refresh();
    }
  };

  // -- Getting about ------------------------------------------------------------------------------------------------

  // After another conversation was opened, or the first one with the page.
  Desk.opened = () => {
    Desk.listShown();
    Desk.tick();
    watchUnsettled();
  };

  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    const target = event.target.closest(".to-customer, .back-to-talk, .to-newest, .quote");
    if (!target) return;
    if (target.matches(".to-newest")) return Desk.toEnd();
    if (target.matches(".quote")) return showQuoted(event, target);
    event.preventDefault();
    Desk.workspace().classList.toggle("show-customer", target.matches(".to-customer"));
  });

  function showQuoted(event, link) {
    const quoted = byId(link.hash.slice(1));
    event.preventDefault();
    if (!quoted) return Desk.notice("That message is further up: choose Earlier messages.");
    quoted.scrollIntoView({ block: "center", behavior: "smooth" });
    quoted.classList.add("is-shown");
    setTimeout(() => quoted.classList.remove("is-shown"), 2000);
  }

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
    Desk.workspace()?.classList.remove("show-customer");
  });

  document.addEventListener("scroll", (event) => event.target.id === "scroller" && isAtEnd() && hideNewest(), true);
  document.addEventListener("visibilitychange", Desk.markRead);

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, serverResponse, requestConfig } = event.detail;
    if (!serverResponse.includes("data-pieces")) return;
    const fromForm = requestConfig.verb === "post";
    event.detail.shouldSwap = false;
    Desk.answered = { status: xhr.status, path: requestConfig.path };
    merge(serverResponse, { fromForm });
    if (fromForm) Desk.refresh();
    // A conversation that was taken has left the list of those that wait: follow it to one's own.
    if (xhr.status === 200 && requestConfig.path.endsWith("/take/")) byId("tab-my")?.click();
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "workspace") return;
    Desk.opened();
    Desk.composerShown();
    Desk.refreshList?.();
    if (!matchMedia("(pointer: fine)").matches || !byId("reply-text")) byId("main").focus({ preventScroll: true });
  });

  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 404) location.reload();
    else if (event.detail.xhr.status !== 401) Desk.notice("The server could not do that. Try again in a moment.");
  });
  document.addEventListener("htmx:sendError", () => Desk.notice("No connection. What you wrote is still here: try again."));

  document.addEventListener("DOMContentLoaded", () => {
    Desk.opened();
    setInterval(Desk.tick, 5000);
  });
})();
