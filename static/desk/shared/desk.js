// The open conversation: fetches fragments and merges them without losing focus, typed text or scroll position.
"use strict";

(() => {
  const { byId, createElement, csrfToken, focus, isBeingEdited, parseHtml, queryAll } = Omnichannel;
  const TIMEOUT_MS = 20000; // for requests without files

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

  function hideNotice() {
    notice.hidden = true;
  }

  // Show a sentence at the bottom of the page; with `retry`, a function, also a button that calls it.
  Omnichannel.showNotice = (text, retry) => {
    placeNotice();
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

  const FOCUSABLE =
    "a[href], button:not([disabled]), input:not([type=hidden]), select, textarea, summary, audio, video, [tabindex]";

  // Remember the focus in an element that is about to be replaced. The returned function restores it in the new one:
  // on the element with the same id, else on the element at the same position.
  Omnichannel.rememberFocus = (root) => {
    const focused = document.activeElement;
    if (!root.contains(focused)) return () => {};
    const focusable = (element) => queryAll(FOCUSABLE, element).filter((candidate) => candidate.offsetParent);
    const position = focusable(root).indexOf(focused);
    const { id } = focused;
    return (replacement) => {
      const candidates = focusable(replacement);
      const next = (id && byId(id)) || candidates[Math.min(Math.max(position, 0), candidates.length - 1)];
      focus(next || byId("scroller") || byId("main"));
    };
  };

  // Replace the content of an element. The focus stays on the element with the same id.
  Omnichannel.replaceContent = (old, fresh) => {
    const focusedId = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.innerHTML = fresh.innerHTML;
    htmx.process(old);
    if (focusedId) focus(byId(focusedId));
  };

  // Remember which `details` are open in an element that is about to be replaced, by the ids of their summaries. The
  // returned function opens them again.
  Omnichannel.rememberOpenDetails = (root) => {
    const ids = queryAll("details[open] > summary[id]", root).map((summary) => summary.id);
    return () => {
      for (const id of ids) if (byId(id)) byId(id).parentElement.open = true;
    };
  };

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
    if (fresh.id === "conversation-header")
      reportStateChange(old, fresh, fromForm ? Omnichannel.announce : Omnichannel.showNotice);
    swap(old, fresh);
  }

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

  // Pages refresh themselves. Such requests are marked while nobody uses the page, so that the session can end.
  const IDLE_MS = 60000;
  let lastInputAt = Date.now();
  for (const type of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    const recordInput = () => {
      lastInputAt = Date.now();
    };
    addEventListener(type, recordInput, { capture: true, passive: true });
  }
  const backgroundHeader = () => (Date.now() - lastInputAt > IDLE_MS ? { "X-Background": "true" } : {});

  Omnichannel.fetch = async (url, options = {}) => {
    const headers = {
      "HX-Request": "true",
      "HX-Current-URL": location.href,
      ...backgroundHeader(),
      ...options.headers,
    };
    const signal = AbortSignal.timeout(TIMEOUT_MS); // a request that hangs would block the following ones
    const response = await fetch(url, { credentials: "same-origin", signal, ...options, headers });
    if (response.status === 401) location.assign(response.headers.get("HX-Redirect"));
    return response;
  };

  // Wrap a request so that one runs at a time, and once more if it was called meanwhile: a slow server does not get
  // requests faster than it answers, and an older response never replaces a newer one.
  Omnichannel.oneAtATime = (request) => {
    let isRunning = false;
    let isRequested = false;
    return async () => {
      isRequested = true;
      if (isRunning) return;
      isRunning = true;
      try {
        for (; isRequested; await request()) isRequested = false;
      } finally {
        isRunning = false;
      }
    };
  };

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

  // Open another conversation, or another position in this one; the list stays as it is.
  Omnichannel.openConversation = (url) => htmx.ajax("GET", url, { target: "#workspace", swap: "outerHTML show:none" });

  document.addEventListener("click", (event) => {
    for (const menu of queryAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    const button = event.target.closest(".to-customer, .back-to-conversation");
    if (!button) return;
    event.preventDefault();
    Omnichannel.workspace().classList.toggle("show-customer", button.matches(".to-customer"));
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
    Omnichannel.workspace()?.classList.remove("show-customer");
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
    initConversation();
    if (!Omnichannel.workspace()) return;
    Omnichannel.initComposer();
    Omnichannel.refreshList?.();
    if (!matchMedia("(pointer: fine)").matches || !byId("reply-text")) focus(byId("main"));
  });

  // A failed request is reported with a button to repeat it: the fields still have what was typed.
  const reportFailure = (message) => (event) => {
    const { elt } = event.detail;
    const retry = () => (elt.matches("form") ? elt.requestSubmit() : elt.click());
    Omnichannel.showNotice(message(), elt.isConnected && elt.matches("form, a, button") ? retry : null);
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

  document.addEventListener("htmx:configRequest", ({ detail }) => {
    const hasFiles = [...detail.formData.values()].some((value) => value instanceof File && value.size);
    if (!hasFiles) detail.timeout = TIMEOUT_MS;
    Object.assign(detail.headers, backgroundHeader());
  });

  document.addEventListener("DOMContentLoaded", () => {
    initConversation();
    setInterval(Omnichannel.updateCountdowns, 5000);
  });
})();
