// What is offered to the agent, on every page of theirs: shown at once, said once, counted down, gone when it is over.
// With it come the presence and the free capacity in the bar.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const ends = new WeakMap();
  let ticking;

  // -- Putting it in place ------------------------------------------------------------------------------------------

  function remove(card) {
    const hadFocus = card.contains(document.activeElement);
    card.remove();
    if (hadFocus) (document.querySelector("#offers .primary") ?? byId("main"))?.focus({ preventScroll: true });
  }

  // A card that is there already stays as it is: put in anew, it would be said aloud again.
  let wasAsked = false; // what was offered before the page was opened is not news

  function putOffers(fresh) {
    const box = byId("offers");
    if (!box) return;
    const wanted = new Set([...fresh.children].map((card) => card.id));
    const added = [...fresh.children].filter((card) => !byId(card.id));
    for (const card of added) {
      box.append(card);
      htmx.process(card);
    }
    for (const card of [...box.children]) if (!wanted.has(card.id)) remove(card);
    if (wasAsked) added.filter((card) => card.dataset.expiresIn).forEach(Desk.offered);
    wasAsked = true;
    tick();
    Desk.showUnread();
  }

  function putPresence(fresh) {
    const old = byId("presence");
    if (!old || old.dataset.version === fresh.dataset.version) return;
    old.dataset.version = fresh.dataset.version;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.innerHTML = fresh.innerHTML;
    htmx.process(old);
    if (focused) byId(focused)?.focus({ preventScroll: true });
  }

  function put(html) {
    const root = new DOMParser().parseFromString(html, "text/html").querySelector("[data-standing]");
    if (!root) return;
    putPresence(root.querySelector("#presence"));
    putOffers(root.querySelector("#offers"));
    Desk.newsFrom(root.dataset.newsFrom);
  }

  Desk.refreshStanding = Desk.oneAtATime(async () => {
    try {
      const answer = await Desk.fetch("/desk/offers/");
      if (answer.ok) put(await answer.text());
    } catch {
      // No connection: the stream's state says so.
    }
  });

  // -- Time left ----------------------------------------------------------------------------------------------------

  function tick() {
    const cards = document.querySelectorAll("[data-expires-in]");
    for (const card of cards) {
      if (!ends.has(card)) ends.set(card, Date.now() + card.dataset.expiresIn * 1000);
      const left = Math.max(0, Math.ceil((ends.get(card) - Date.now()) / 1000));
      card.querySelector("[data-seconds]").textContent = left;
      card.querySelector("progress").value = left;
      card.classList.toggle("is-urgent", left <= 10);
      if (left > 0) continue;
      remove(card);
      setTimeout(Desk.refreshStanding, 2500); // by then the server has said what comes of it
    }
    clearTimeout(ticking);
    if (document.querySelector("[data-expires-in]")) ticking = setTimeout(tick, 1000);
  }

  // -- Answers ------------------------------------------------------------------------------------------------------

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!event.detail.serverResponse.includes("data-standing")) return;
    event.detail.shouldSwap = false;
    const { activeElement } = document;
    const menu = byId("presence");
    if (menu?.contains(activeElement)) {
      menu.open = false;
      byId("presence-shown").focus();
    }
    put(event.detail.serverResponse);
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const { requestConfig, xhr } = event.detail;
    if (!requestConfig.path.endsWith("/accept/") || xhr.status !== 200) return;
    const card = event.target.closest(".offer");
    if (card) remove(card);
    byId("tab-my")?.click();
    Desk.refreshStanding();
  });

  document.addEventListener("DOMContentLoaded", () => Desk.refreshStanding());
})();
