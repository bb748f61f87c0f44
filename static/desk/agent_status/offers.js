// Offers and agent status: offers are shown on every page, announced once and counted down; presence and free capacity
// are updated with them.
"use strict";

(() => {
  const { byId, focus, parseHtml, queryAll } = Omnichannel;
  const RESULT_DELAY_MS = 2500; // until the server has handled an expired offer
  const URGENT_SECONDS = 10;
  const MAX_ROWS = 3;
  const DOUBLE_CLICK_MS = 1000;
  const expiryTimes = new WeakMap();
  const endTimes = new WeakMap(); // of offers that are over
  let countdownTimer;

  // -- Merging ------------------------------------------------------------------------------------------------------

  // A row that leaves would move the next one under a pointer that is about to click: it stays until the pointer has
  // left, without buttons that work. The last row stays long enough for the second click of a double click.
  function removeOffer(row) {
    const hadFocus = row.contains(document.activeElement);
    if (row.matches(":hover")) {
      row.classList.add("is-over");
      endTimes.set(row, Date.now());
      delete row.dataset.expiresIn;
      for (const button of queryAll("button", row)) button.disabled = true;
    } else row.remove();
    if (hadFocus) focus(document.querySelector("#offers .offer:not(.is-over)") ?? byId("main"));
  }

  function removeOldOffers() {
    for (const row of queryAll("#offer-list .is-over")) {
      const isLast = !row.nextElementSibling && Date.now() - endTimes.get(row) > DOUBLE_CLICK_MS;
      if (isLast || !row.matches(":hover")) row.remove();
    }
    arrange();
  }

  let isLoaded = false; // offers of the first response are older than the page: no sound for them

  // Rows that are shown already are kept: screen readers would announce a replaced row again.
  function mergeOffers(fresh) {
    const box = byId("offers");
    if (!box || box === fresh) return;
    const list = byId("offer-list");
    const rows = [...fresh.querySelector("#offer-list").children];
    const ids = new Set(rows.map((row) => row.id));
    const added = rows.filter((row) => !byId(row.id));
    for (const row of added) {
      list.append(row);
      htmx.process(row);
    }
    for (const row of [...list.children]) if (!ids.has(row.id) && !row.matches(".is-over")) removeOffer(row);
    mergeNotices(fresh.querySelector("#offer-notices"));
    if (isLoaded) for (const row of added) Omnichannel.notifyOfOffer(row);
    isLoaded = true;
    updateCountdown();
    Omnichannel.showUnreadCount?.();
  }

  // An alert that is shown already is kept, for the same reason.
  function mergeNotices(fresh) {
    const notices = byId("offer-notices");
    const ids = [...fresh.children].map((notice) => notice.id);
    if (ids.join() !== [...notices.children].map((notice) => notice.id).join()) {
      Omnichannel.replaceContent(notices, fresh);
    }
  }

  // -- Room: three rows above the list, one in a strip; the others on demand ----------------------------------------

  let isFolded = false;
  let isExpanded = false;

  const isStrip = () => byId("offers").matches(".strip") || matchMedia("(max-width: 720px)").matches;
  const secondsLeft = (row) => Math.max(0, Math.ceil((expiryTimes.get(row) - Date.now()) / 1000));
  const formatTime = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

  function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function moreLabel(hiddenCount) {
    if (isFolded) return interpolate(ngettext("%s offer", "%s offers", hiddenCount), [hiddenCount]);
    return hiddenCount ? interpolate(gettext("+%s more"), [hiddenCount]) : gettext("Show less");
  }

  function arrange() {
    const rows = queryAll("#offer-list > .offer");
    const limit = isStrip() ? 1 : MAX_ROWS;
    const shownCount = isFolded ? 0 : isExpanded ? rows.length : limit;
    for (const [index, row] of rows.entries()) row.hidden = index >= shownCount;
    const hidden = rows.slice(shownCount).filter((row) => expiryTimes.has(row));
    const next = Math.min(...hidden.map(secondsLeft));
    const more = byId("more-offers");
    more.hidden = isFolded ? !rows.length : rows.length <= limit;
    more.setAttribute("aria-expanded", !isFolded && isExpanded);
    more.classList.toggle("is-urgent", next <= URGENT_SECONDS);
    const hiddenCount = rows.length - Math.min(shownCount, rows.length);
    const isShort = isStrip() && hiddenCount && !isFolded;
    setText(more.querySelector("[data-more]"), isShort ? `+${hiddenCount}` : moreLabel(hiddenCount));
    more.title = moreLabel(hiddenCount);
    const nextEnd = hidden.length ? interpolate(gettext("next ends in %s"), [formatTime(next)]) : "";
    setText(more.querySelector("[data-next-end]"), nextEnd);
    setText(byId("offer-count"), String(rows.filter((row) => !row.matches(".is-over")).length));
    byId("fold-offers").hidden = false;
    byId("fold-offers").setAttribute("aria-expanded", !isFolded);
  }

  document.addEventListener("click", ({ target }) => {
    const button = target.closest("#fold-offers, #more-offers");
    if (!button) return;
    if (button.id === "fold-offers" || isFolded) isFolded = !isFolded;
    else isExpanded = !isExpanded;
    arrange();
    if (isFolded) focus(byId("more-offers")); // the other button is hidden now
  });

  document.addEventListener("pointerout", ({ target }) => target.closest?.("#offer-list") && removeOldOffers());

  function mergePresence(fresh) {
    const old = byId("presence");
    if (!old || old.dataset.version === fresh.dataset.version) return;
    old.dataset.version = fresh.dataset.version;
    Omnichannel.replaceContent(old, fresh);
  }

  function merge(html) {
    const root = parseHtml(html).querySelector("[data-agent-status]");
    if (!root) return;
    mergePresence(root.querySelector("#presence"));
    mergeOffers(root.querySelector("#offers"));
    Omnichannel.setNotificationCursor(root.dataset.notificationCursor);
  }

  Omnichannel.refreshAgentStatus = Omnichannel.oneAtATime(async () => {
    try {
      const response = await Omnichannel.fetch("/desk/offers/");
      if (response.ok) merge(await response.text());
    } catch {
      // Without a connection the status line of the stream is shown.
    }
  });

  // -- Countdown ----------------------------------------------------------------------------------------------------

  function updateCountdown() {
    for (const row of queryAll("#offer-list [data-expires-in]")) {
      if (!expiryTimes.has(row)) expiryTimes.set(row, Date.now() + row.dataset.expiresIn * 1000);
      const seconds = secondsLeft(row);
      setText(row.querySelector("[data-time-left]"), formatTime(seconds));
      row.querySelector(".offer-ring").style.setProperty("--part", (100 * seconds) / row.dataset.offerSeconds);
      row.classList.toggle("is-urgent", seconds <= URGENT_SECONDS);
      if (seconds > 0) continue;
      removeOffer(row);
      setTimeout(Omnichannel.refreshAgentStatus, RESULT_DELAY_MS);
    }
    removeOldOffers();
    clearTimeout(countdownTimer);
    if (document.querySelector("#offer-list > .offer")) countdownTimer = setTimeout(updateCountdown, 1000);
  }

  // -- Keyboard: arrows move between offers, Delete rejects, Escape goes back ---------------------------------------

  let focusBefore = null;

  function focusOffers() {
    if (!byId("offers").contains(document.activeElement)) focusBefore = document.activeElement;
    isFolded = false;
    arrange();
    focus(document.querySelector("#offers .offer:not([hidden]) .primary"));
  }

  function moveFocus(offset) {
    const buttons = queryAll("#offers .offer:not([hidden]) .primary");
    const current = document.activeElement.closest(".offer");
    const index = buttons.findIndex((button) => current?.contains(button));
    focus(buttons[Math.min(Math.max(index + offset, 0), buttons.length - 1)]);
  }

  document.addEventListener("keydown", (event) => {
    if (!byId("offers")) return;
    if ((event.ctrlKey || event.metaKey) && event.shiftKey && event.code === "KeyO") {
      if (!document.querySelector("#offers .offer")) return;
      event.preventDefault();
      return focusOffers();
    }
    if (!event.target.closest?.("#offers")) return;
    const offset = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (offset) moveFocus(offset);
    else if (event.key === "Delete") event.target.closest(".offer")?.querySelector("[id^=reject-]").click();
    else if (event.key === "Escape" && focusBefore?.isConnected) focus(focusBefore);
    else return;
    event.preventDefault();
  });

  // -- Requests of htmx ---------------------------------------------------------------------------------------------

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!event.detail.serverResponse.includes("data-agent-status")) return;
    event.detail.shouldSwap = false;
    const menu = byId("presence");
    if (menu?.contains(document.activeElement)) {
      menu.open = false;
      byId("presence-button").focus();
    }
    merge(event.detail.serverResponse);
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const { requestConfig, xhr } = event.detail;
    if (!requestConfig.path.endsWith("/accept/") || xhr.status !== 200) return;
    const row = event.target.closest(".offer");
    if (row) removeOffer(row);
    if (row) arrange();
    byId("tab-my")?.click();
    Omnichannel.refreshAgentStatus();
  });

  document.addEventListener("DOMContentLoaded", () => byId("presence") && Omnichannel.refreshAgentStatus());
})();
