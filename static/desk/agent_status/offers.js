// Offers and agent status: offers are shown on every page, announced once and counted down; presence and free capacity
// are updated with them.
"use strict";

(() => {
  const { byId, focus, parseHtml, queryAll } = Omnichannel;
  const RESULT_DELAY_MS = 2500; // until the server has handled an expired offer
  const expiryTimes = new WeakMap();
  let countdownTimer;

  // -- Merging ------------------------------------------------------------------------------------------------------

  function removeCard(card) {
    const hadFocus = card.contains(document.activeElement);
    card.remove();
    if (hadFocus) focus(document.querySelector("#offers .primary") ?? byId("main"));
  }

  let isLoaded = false; // offers of the first response are older than the page: no sound for them

  // Cards that are shown already are kept: screen readers would announce a replaced card again.
  function mergeOffers(fresh) {
    const box = byId("offers");
    if (!box) return;
    const cards = [...fresh.children];
    const ids = new Set(cards.map((card) => card.id));
    const added = cards.filter((card) => !byId(card.id));
    for (const card of added) {
      box.append(card);
      htmx.process(card);
    }
    for (const card of [...box.children]) if (!ids.has(card.id)) removeCard(card);
    if (isLoaded) for (const card of added) if (card.dataset.expiresIn) Omnichannel.notifyOfOffer(card);
    isLoaded = true;
    updateCountdown();
    Omnichannel.showUnreadCount();
  }

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
    for (const card of queryAll("[data-expires-in]")) {
      if (!expiryTimes.has(card)) expiryTimes.set(card, Date.now() + card.dataset.expiresIn * 1000);
      const seconds = Math.max(0, Math.ceil((expiryTimes.get(card) - Date.now()) / 1000));
      card.querySelector("[data-seconds]").textContent = seconds;
      card.querySelector("progress").value = seconds;
      card.classList.toggle("is-urgent", seconds <= 10);
      if (seconds > 0) continue;
      removeCard(card);
      setTimeout(Omnichannel.refreshAgentStatus, RESULT_DELAY_MS);
    }
    clearTimeout(countdownTimer);
    if (document.querySelector("[data-expires-in]")) countdownTimer = setTimeout(updateCountdown, 1000);
  }

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
    const card = event.target.closest(".offer");
    if (card) removeCard(card);
    byId("tab-my")?.click();
    Omnichannel.refreshAgentStatus();
  });

  document.addEventListener("DOMContentLoaded", () => Omnichannel.refreshAgentStatus());
})();
