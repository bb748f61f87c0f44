// The open conversation: fetches fragments and merges them without losing focus, typed text or scroll position.
"use strict";

(() => {
  const { byId, createElement, csrfToken, focus, isBeingEdited, parseHtml, queryAll } = Omnichannel;

  // The element of the open conversation, or null.
  Omnichannel.workspace = () => {
    const workspace = byId("workspace");
    return workspace?.dataset.pk ? workspace : null;
  };

  Omnichannel.conversationId = () => Omnichannel.workspace()?.dataset.pk;

  // -- Notice -------------------------------------------------------------------------------------------------------

  let notice;
  let noticeHome;
  let noticeTimer;

  // A modal dialog covers the page: while one is open, the notice moves into it.
  function placeNotice() {
    notice ??= byId("notice");
    noticeHome ??= notice.parentElement;
    const parent = queryAll("dialog[open]").pop() ?? noticeHome;
    if (notice.parentElement !== parent) parent.append(notice);
    const composer = parent === noticeHome && byId("composer"); // the notice must not cover the field
    notice.style.insetBlockEnd = composer ? `${innerHeight - composer.getBoundingClientRect().top + 8}px` : "";
  }

  let isResult = false; // of something the agent did, not news such as the end of a snooze

  function hideNotice() {
    if (notice) notice.hidden = true;
  }

  // A new attempt removes the result of an earlier one: an old failure next to a success would be wrong.
  Omnichannel.clearNotice = () => {
    if (isResult) hideNotice();
  };

  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    const type = detail.requestConfig.triggeringEvent?.type;
    if (type === "click" || type === "submit") Omnichannel.clearNotice();
  });

  // Show a sentence at the bottom of the page; with `retry`, a function, also a button that calls it.
  Omnichannel.showNotice = (text, { retry = null, isNews = false } = {}) => {
    placeNotice();
    isResult = !isNews;
    notice.textContent = text;
    if (retry) notice.append(" ", retryButton(retry));
    notice.hidden = false;
    clearTimeout(noticeTimer);
    noticeTimer = setTimeout(hideNotice, retry ? 30000 : 8000);
  };

  function retryButton(retry) {
    const button = createElement("button", { type: "button", id: "try-again", textContent: gettext("Try again") });
    button.addEventListener("click", () => {
      hideNotice();
      retry();
    });
    return button;
  }

  // -- Merging fragments --------------------------------------------------------------------------------------------

  function swap(old, fresh) {
    const restoreFocus = Omnichannel.rememberFocus(old);
    const reopenDetails = Omnichannel.rememberOpenDetails(old);
    old.replaceWith(fresh);
    htmx.process(fresh);
    reopenDetails();
    restoreFocus(fresh);
  }

  // Merge a fragment outside the message list: head, composer, customer, the links to earlier and later messages.
  function mergeFragment(fresh, fromForm) {
    const old = byId(fresh.id);
    if (!old) return;
    if (fresh.id === "composer") return Omnichannel.mergeComposer(old, fresh, fromForm, swap);
    if (old.dataset.unread !== undefined) old.dataset.unread = fresh.dataset.unread;
    // An error message stays until the next attempt.
    const hasProblem = fromForm && (old.querySelector(".problem") || fresh.querySelector(".problem"));
    if (old.dataset.version === fresh.dataset.version && !hasProblem) return;
    if (isBeingEdited(old) && !fromForm) return;
    if (fresh.id === "conversation-header") reportStateChange(old, fresh, fromForm ? Omnichannel.announce : showNews);
    swap(old, fresh);
  }

  const showNews = (text) => Omnichannel.showNotice(text, { isNews: true });

  // Report that the open conversation was taken, transferred or ended, by this agent or a colleague.
  function reportStateChange(old, fresh, report) {
    const [before, after] = [old, fresh].map((head) => head.querySelector(".conversation-title p")?.textContent.trim());
    if (!before || !after || before === after) return;
    report(`${Omnichannel.workspace().dataset.name}: ${after.replace(/\s+/g, " ")}`);
  }

  Omnichannel.mergeFragments = (html, { fromForm = false } = {}) => {
    const root = parseHtml(html).querySelector("[data-fragments]");
    if (!root || !Omnichannel.workspace()) return null;
    const end = ["earlier", "later"].find((id) => root.querySelector(`:scope > #${id}`)); // direction of paging
    Omnichannel.keepScrollPosition(() => {
      for (const fragment of queryAll(":scope > [id]", root)) mergeFragment(fragment, fromForm);
      Omnichannel.mergeEntries(root, { fromForm, swap, end });
    });
    Omnichannel.updateCountdowns();
    watchUnsettled();
    return root;
  };

  // -- Requests -----------------------------------------------------------------------------------------------------

  let isRefreshing = false;
  let isRefreshRequested = false;

  // Fetch what has changed in the open conversation; with a message id only that message.
  Omnichannel.refreshConversation = async (messageId) => {
    const workspace = Omnichannel.workspace();
    if (!workspace) return;
    if (isRefreshing) {
      isRefreshRequested = true;
      return;
    }
    isRefreshing = true;
    isRefreshRequested = false;
    try {
      const { updatesUrl, renderedAt } = workspace.dataset;
      const changes = `after=${Omnichannel.newestMessage()}&changed_since=${encodeURIComponent(renderedAt)}`;
      const response = await Omnichannel.fetch(`${updatesUrl}?${messageId ? `message=${messageId}` : changes}`);
      if (workspace !== Omnichannel.workspace()) return;
      if (response.status === 410) return Omnichannel.showNoAccess(await response.text());
      if (response.status === 404 || response.status === 403) location.reload();
      if (response.ok) applyChanges(workspace, await response.text());
    } catch {
      // Without a connection the status line of the stream is shown, and the next event or interval tries again.
    } finally {
      isRefreshing = false;
      if (isRefreshRequested) Omnichannel.refreshConversation();
    }
  };

  function applyChanges(workspace, html) {
    if (workspace !== Omnichannel.workspace()) return;
    const root = Omnichannel.mergeFragments(html);
    if (!root) return;
    workspace.dataset.renderedAt = root.dataset.renderedAt ?? workspace.dataset.renderedAt;
    isRefreshRequested ||= root.dataset.hasMore !== undefined;
    Omnichannel.markRead();
  }

  Omnichannel.markRead = () => {
    const head = byId("conversation-header");
    if (document.hidden || !head || !+head.dataset.unread || Omnichannel.hasLaterMessages()) return;
    head.dataset.unread = "0";
    const options = { method: "POST", headers: { "X-CSRFToken": csrfToken() } };
    Omnichannel.fetch(Omnichannel.workspace().dataset.markReadUrl, options).catch(() => {});
  };

  // The server reports a message that stays on its way to Twilio, but sends no event for it: refresh after a while.
  let unsettledTimer;
  function watchUnsettled() {
    clearTimeout(unsettledTimer);
    if (!document.querySelector("#thread > [data-unsettled]")) return;
    unsettledTimer = setTimeout(Omnichannel.refreshConversation, 16000);
  }

  // -- Countdowns ---------------------------------------------------------------------------------------------------

  const endTimes = new WeakMap();

  function formatRemaining(seconds, style) {
    if (seconds < 0) return gettext("24 h over");
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor((seconds % 3600) / 60);
    if (style === "short" && hours >= 2) return interpolate(gettext("%s h"), [hours]);
    if (!hours) return minutes ? interpolate(gettext("%s min"), [minutes]) : gettext("under 1 min");
    return minutes ? interpolate(gettext("%s h %s min"), [hours, minutes]) : interpolate(gettext("%s h"), [hours]);
  }

  function urgency(seconds) {
    if (seconds < 0) return "closed";
    if (seconds < 1800) return "urgent";
    return seconds < 7200 ? "soon" : "";
  }

  Omnichannel.updateCountdowns = () => {
    for (const clock of queryAll("[data-seconds-left]")) {
      if (!endTimes.has(clock)) endTimes.set(clock, Date.now() + clock.dataset.secondsLeft * 1000);
      const remaining = Math.floor((endTimes.get(clock) - Date.now()) / 1000);
      const label = clock.querySelector("[data-format]");
      const text = formatRemaining(remaining, label.dataset.format);
      if (label.textContent !== text) label.textContent = text;
      if (!clock.classList.contains(urgency(remaining) || "time-left"))
        clock.className = `time-left ${urgency(remaining)}`;
      if (remaining < 0 && clock.id === "reply-time-left") Omnichannel.refreshConversation();
    }
  };

  // -- Navigation ---------------------------------------------------------------------------------------------------

  function initConversation() {
    Omnichannel.highlightOpenRow();
    Omnichannel.initThread();
    Omnichannel.updateCountdowns();
    watchUnsettled();
  }

  // -- Opening a conversation: where the focus goes -----------------------------------------------------------------

  let isKeyboardInput = true; // whether the last input was a key; on a new page that is not known
  let openingRequest = null; // the last request for a conversation, until it is on the page
  let requestedMode = ""; // of the composer: where the agent wants to write when the conversation is on the page

  document.addEventListener("keydown", () => setKeyboardInput(true), true);
  document.addEventListener("pointerdown", () => setKeyboardInput(false), true);

  function setKeyboardInput(value) {
    isKeyboardInput = value;
  }

  Omnichannel.isOpeningConversation = () => Boolean(openingRequest);

  // Write a reply ("public") or a note: in the conversation that is being opened, else in the open one. Return whether
  // that is possible.
  Omnichannel.write = (mode) => {
    if (!openingRequest) return Omnichannel.focusComposer(mode);
    requestedMode = mode;
    return true;
  };

  // After a click the agent can type a reply at once. After a key the focus goes to the messages: keys that follow are
  // shortcuts, and a note must not end up in the reply field.
  function focusOpenConversation() {
    const mode = requestedMode;
    requestedMode = "";
    if (mode && Omnichannel.focusComposer(mode)) return;
    const isTypingExpected = !mode && !isKeyboardInput && matchMedia("(pointer: fine)").matches && innerWidth > 720;
    if (isTypingExpected && Omnichannel.focusComposer()) return;
    focus((isKeyboardInput && byId("scroller")) || byId("main"));
  }

  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    if (detail.target.id !== "workspace") return;
    openingRequest?.abort(); // an older conversation that arrives later must not replace the newer one
    openingRequest = detail.xhr;
    requestedMode = "";
  });

  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.xhr === openingRequest && detail.xhr.status !== 200) openingRequest = null;
  });

  // The open conversation is loaded again to jump to another position: the agent continues in the same field.
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.target.id !== "workspace" || !byId("composer")?.contains(document.activeElement)) return;
    const pk = parseHtml(detail.serverResponse).getElementById("workspace")?.dataset.pk;
    if (pk === Omnichannel.conversationId()) requestedMode ||= Omnichannel.composerMode();
  });

  // Open another conversation, or another position in this one; the list stays as it is.
  Omnichannel.openConversation = (url) => htmx.ajax("GET", url, { target: "#workspace", swap: "outerHTML show:none" });

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".to-customer, .back-to-conversation");
    if (!button) return;
    event.preventDefault();
    Omnichannel.workspace().classList.toggle("show-customer", button.matches(".to-customer"));
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") Omnichannel.workspace()?.classList.remove("show-customer");
  });

  document.addEventListener("visibilitychange", Omnichannel.markRead);

  // -- Requests of htmx ---------------------------------------------------------------------------------------------

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, serverResponse, requestConfig } = event.detail;
    if (!serverResponse.includes("data-fragments")) return;
    const fromForm = requestConfig.verb === "post";
    event.detail.shouldSwap = false;
    Omnichannel.lastResponse = { status: xhr.status, path: requestConfig.path };
    Omnichannel.mergeFragments(serverResponse, { fromForm });
    if (fromForm) Omnichannel.refreshConversation();
    // A conversation that was taken has left the list of open conversations: switch to the agent's own list.
    if (xhr.status === 200 && requestConfig.path.endsWith("/take/")) byId("tab-my")?.click();
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "workspace") return;
    openingRequest = null;
    initConversation();
    if (!Omnichannel.workspace()) return;
    Omnichannel.initComposer();
    focusOpenConversation();
    Omnichannel.refreshList?.();
  });

  // A failed request is reported with a button to repeat it: the fields still have what was typed.
  const reportFailure = (message) => (event) => {
    const { elt } = event.detail;
    const retry = () => (elt.matches("form") ? elt.requestSubmit() : elt.click());
    const canRetry = elt.isConnected && elt.matches("form, a, button");
    Omnichannel.showNotice(message(), { retry: canRetry ? retry : null });
  };
  const reportServerError = reportFailure(() => gettext("Something went wrong. Your text is kept."));

  document.addEventListener("htmx:responseError", (event) => {
    const { status } = event.detail.xhr;
    if (status === 404) location.reload();
    else if (status !== 401) reportServerError(event);
  });
  document.addEventListener(
    "htmx:sendError",
    reportFailure(() => gettext("No connection. Your text is kept.")),
  );
  document.addEventListener(
    "htmx:timeout",
    reportFailure(() => gettext("No response. Your text is kept.")),
  );

  document.addEventListener("DOMContentLoaded", () => {
    initConversation();
    if (Omnichannel.workspace() && document.activeElement === document.body) focusOpenConversation();
    setInterval(Omnichannel.updateCountdowns, 5000);
  });
})();
