// The open conversation: pieces of it are fetched and put in place, without losing what somebody types or where they read.
"use strict";

window.Desk = {};

(() => {
  const byId = (id) => document.getElementById(id);
  const SLOW = 20000; // milliseconds after which a request that sends no file is given up

  Desk.workspace = () => {
    const found = byId("workspace");
    return found && found.dataset.pk ? found : null;
  };

  // The page's own notice. Behind an open dialog nobody would see, hear or reach it: then it is in the dialog.
  let notice;
  let foot;

  function noticeInSight() {
    notice ??= byId("notice");
    foot ??= notice.parentElement;
    const home = [...document.querySelectorAll("dialog[open]")].pop() ?? foot;
    if (notice.parentElement !== home) home.append(notice);
    const composer = home === foot && byId("composer"); // one goes on writing below it
    notice.style.insetBlockEnd = composer ? `${innerHeight - composer.getBoundingClientRect().top + 8}px` : "";
  }

  // A sentence at the foot of the page; with `again` a button that tries once more.
  Desk.notice = (text, again) => {
    noticeInSight();
    notice.textContent = text;
    if (again) notice.append(" ", tryAgain(again));
    notice.hidden = false;
    clearTimeout(Desk.noticeTimer);
    Desk.noticeTimer = setTimeout(() => (notice.hidden = true), again ? 30000 : 8000);
  };

  function tryAgain(again) {
    const button = document.createElement("button");
    button.type = "button";
    button.id = "try-again";
    button.textContent = gettext("Try again");
    button.addEventListener("click", () => {
      notice.hidden = true;
      again();
    });
    return button;
  }

  // -- Putting pieces in place --------------------------------------------------------------------------------------

  const REACHED =
    "a[href], button:not([disabled]), input:not([type=hidden]), select, textarea, summary, audio, video, [tabindex]";

  // Where the focus is in this part, to put it back after the part has been replaced: on the element of the same id,
  // else on the one that is in its place now.
  Desk.focusIn = (part) => {
    const focused = document.activeElement;
    if (!part.contains(focused)) return () => {};
    const reached = (within) => [...within.querySelectorAll(REACHED)].filter((one) => one.offsetParent);
    const place = reached(part).indexOf(focused);
    const { id } = focused;
    return (fresh) => {
      const there = reached(fresh);
      const next = (id && byId(id)) || there[Math.min(Math.max(place, 0), there.length - 1)];
      (next || byId("scroller") || byId("main"))?.focus({ preventScroll: true });
    };
  };

  function swap(old, fresh) {
    const focus = Desk.focusIn(old);
    const menus = [...old.querySelectorAll("details.menu[open] > summary")].map((summary) => summary.id);
    old.replaceWith(fresh);
    htmx.process(fresh);
    for (const id of menus) if (byId(id)) byId(id).parentElement.open = true;
    focus(fresh);
  }

  function isBeingFilledIn(part) {
    const field = document.activeElement;
    return part.contains(field) && field.matches("input, textarea, select");
  }

  // A part of the page around the messages: head, foot, customer, the links to earlier and later messages.
  function putPart(fresh, fromForm) {
    const old = byId(fresh.id);
    if (!old) return;
    if (fresh.id === "composer") return Desk.putComposer(old, fresh, fromForm, swap);
    if (old.dataset.unread !== undefined) old.dataset.unread = fresh.dataset.unread;
    // What went wrong stays in words until the next thing is tried.
    const hasProblem = fromForm && (old.querySelector(".problem") || fresh.querySelector(".problem"));
    if (old.dataset.version === fresh.dataset.version && !hasProblem) return;
    if (isBeingFilledIn(old) && !fromForm) return;
    if (fresh.id === "head") tellOfMove(old, fresh, fromForm ? Desk.say : Desk.notice);
    swap(old, fresh);
  }

  // The conversation that is looked at was taken, passed on or ended: by somebody else, or by whoever hears of it now.
  function tellOfMove(old, fresh, say) {
    const [before, now] = [old, fresh].map((head) => head.querySelector(".talk-who p")?.textContent.trim());
    if (before && now && before !== now) say(`${Desk.workspace().dataset.name}: ${now.replace(/\s+/g, " ")}`);
  }

  Desk.merge = (html, { fromForm = false } = {}) => {
    const root = new DOMParser().parseFromString(html, "text/html").querySelector("[data-pieces]");
    if (!root || !Desk.workspace()) return null;
    const end = ["earlier", "later"].find((id) => root.querySelector(`:scope > #${id}`)); // further that way
    Desk.keepPlace(() => {
      for (const part of root.querySelectorAll(":scope > [id]")) putPart(part, fromForm);
      Desk.putEntries(root, { fromForm, swap, end });
    });
    Desk.tick();
    watchUnsettled();
    return root;
  };

  // -- Fetching -----------------------------------------------------------------------------------------------------

  Desk.fetch = async (address, options = {}) => {
    const headers = { "HX-Request": "true", "HX-Current-URL": location.href, ...options.headers };
    const signal = AbortSignal.timeout(SLOW); // a question that hangs would hold up those that follow
    const answer = await fetch(address, { credentials: "same-origin", signal, ...options, headers });
    if (answer.status === 401) location.assign(answer.headers.get("HX-Redirect"));
    return answer;
  };

  // A question that is asked one at a time, and once more when it was wished for meanwhile: however much happens, a slow
  // server is not asked faster than it answers, and an older answer never lands on a newer one.
  Desk.oneAtATime = (ask) => {
    let isAsking = false;
    let isWished = false;
    return async () => {
      isWished = true;
      if (isAsking) return;
      isAsking = true;
      try {
        for (; isWished; await ask()) isWished = false;
      } finally {
        isAsking = false;
      }
    };
  };

  let isRunning = false;
  let isWanted = false;

  // What has changed; with the key of a message only that one, of which a hint has told.
  Desk.refresh = async (message) => {
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
      const everything = `after=${Desk.newest()}&changed_since=${encodeURIComponent(at)}`;
      const answer = await Desk.fetch(`${updates}?${message ? `message=${message}` : everything}`);
      if (workspace !== Desk.workspace()) return;
      if (answer.status === 410) return Desk.outOfSight(await answer.text());
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
    const root = Desk.merge(html);
    if (!root) return;
    workspace.dataset.at = root.dataset.at ?? workspace.dataset.at;
    isWanted ||= root.dataset.more !== undefined;
    Desk.markRead();
  }

  Desk.markRead = () => {
    const head = byId("head");
    if (document.hidden || !head || !+head.dataset.unread || Desk.isApart()) return;
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
    if (seconds < 0) return gettext("closed");
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor((seconds % 3600) / 60);
    if (style === "short" && hours >= 2) return interpolate(gettext("%s h"), [hours]);
    if (!hours) return minutes ? interpolate(gettext("%s min"), [minutes]) : gettext("under 1 min");
    return minutes ? interpolate(gettext("%s h %s min"), [hours, minutes]) : interpolate(gettext("%s h"), [hours]);
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
  function opened() {
    Desk.listShown();
    Desk.threadShown();
    Desk.tick();
    watchUnsettled();
  }

  // Another conversation, or another place in this one, beside the list that is there.
  Desk.open = (address) => htmx.ajax("GET", address, { target: "#workspace", swap: "outerHTML show:none" });

  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    const target = event.target.closest(".to-customer, .back-to-talk");
    if (!target) return;
    event.preventDefault();
    Desk.workspace().classList.toggle("show-customer", target.matches(".to-customer"));
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
    Desk.workspace()?.classList.remove("show-customer");
  });

  document.addEventListener("visibilitychange", Desk.markRead);

  // -- Requests of htmx ---------------------------------------------------------------------------------------------

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, serverResponse, requestConfig } = event.detail;
    if (!serverResponse.includes("data-pieces")) return;
    const fromForm = requestConfig.verb === "post";
    event.detail.shouldSwap = false;
    Desk.answered = { status: xhr.status, path: requestConfig.path };
    Desk.merge(serverResponse, { fromForm });
    if (fromForm) Desk.refresh();
    // A conversation that was taken has left the list of those that wait: follow it to one's own.
    if (xhr.status === 200 && requestConfig.path.endsWith("/take/")) byId("tab-my")?.click();
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "workspace") return;
    opened();
    if (!Desk.workspace()) return;
    Desk.composerShown();
    Desk.refreshList?.();
    if (!matchMedia("(pointer: fine)").matches || !byId("reply-text")) byId("main").focus({ preventScroll: true });
  });

  // What went wrong on the way is said, and can be tried again: nothing that was typed has left its field.
  const failed = (text) => (event) => {
    const { elt } = event.detail;
    const again = () => (elt.matches("form") ? elt.requestSubmit() : elt.click());
    Desk.notice(text(), elt.isConnected && elt.matches("form, a, button") ? again : null);
  };
  const saysServerError = failed(() => gettext("The server could not do that. Nothing you wrote is lost."));

  document.addEventListener("htmx:responseError", (event) => {
    const { status } = event.detail.xhr;
    if (status === 404) location.reload();
    else if (status !== 401) saysServerError(event);
  });
  document.addEventListener(
    "htmx:sendError",
    failed(() => gettext("No connection. Nothing you wrote is lost.")),
  );
  document.addEventListener(
    "htmx:timeout",
    failed(() => gettext("No answer so far. Nothing you wrote is lost.")),
  );

  document.addEventListener("htmx:configRequest", ({ detail }) => {
    const sendsFiles = [...detail.formData.values()].some((value) => value instanceof File && value.size);
    if (!sendsFiles) detail.timeout = SLOW;
  });

  document.addEventListener("DOMContentLoaded", () => {
    opened();
    setInterval(Desk.tick, 5000);
  });
})();
