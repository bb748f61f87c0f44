// The list of conversations: brought up to date in place, and which one is open.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);

  function putPart(id, fresh) {
    const old = byId(id);
    if (!old || !fresh || old.innerHTML === fresh.innerHTML) return;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    const scrolled = old.scrollTop;
    old.innerHTML = fresh.innerHTML;
    htmx.process(old);
    old.scrollTop = scrolled;
    if (focused) byId(focused)?.focus({ preventScroll: true });
  }

  function announceUnread(fresh) {
    const open = Desk.workspace()?.dataset.pk;
    for (const row of fresh.querySelectorAll(".row")) {
      const before = byId(row.id);
      if (row.dataset.pk === open || !before || +row.dataset.unread <= +before.dataset.unread) continue;
      Desk.say(interpolate(gettext("%s wrote"), [row.querySelector(".who").textContent.trim()]));
    }
  }

  Desk.refreshList = async () => {
    const list = byId("list");
    if (!list?.dataset.view) return;
    const address = list.querySelector("[aria-current=page]").getAttribute("href");
    const shown = list.querySelectorAll(".row").length;
    try {
      const answer = await Desk.fetch(`${address}&shown=${shown}`, { headers: { "HX-Target": "list" } });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("list");
      if (!fresh || byId("list") !== list || fresh.dataset.view !== list.dataset.view) return;
      announceUnread(fresh);
      list.dataset.unread = fresh.dataset.unread;
      putPart("tabs", fresh.querySelector("#tabs"));
      putPart("rows", fresh.querySelector("#rows"));
      Desk.listShown();
      Desk.tick();
    } catch {
      // No connection: the stream's state says so.
    }
  };

  // After another conversation was opened, or the list came anew.
  Desk.listShown = () => {
    const pk = Desk.workspace()?.dataset.pk;
    for (const row of document.querySelectorAll(".row")) {
      if (row.dataset.pk === pk) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
    Desk.showUnread();
  };

  Desk.showUnread = () => {
    const unread = +(byId("list")?.dataset.unread || 0) + document.querySelectorAll("[data-expires-in]").length;
    const title = document.title.replace(/^\(\d+\) /, "");
    document.title = unread ? `(${unread}) ${title}` : title;
    Desk.badge(unread);
  };

  // -- Menus: closed by what is chosen in them, walked through with the arrows ---------------------------------------

  const itemsOf = (menu) => [...menu.querySelectorAll("a[href], button, input, select")];

  document.addEventListener("click", (event) => {
    const item = event.target.closest(".more-menu .menu-item");
    if (item) setTimeout(() => (item.closest("details").open = false));
  });

  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.("details.menu");
    if (!menu || !["ArrowDown", "ArrowUp"].includes(event.key) || event.target.matches("input, select")) return;
    event.preventDefault();
    menu.open = true;
    const items = itemsOf(menu);
    const step = event.key === "ArrowDown" ? 1 : -1;
    const place = items.indexOf(document.activeElement);
    items[(place < 0 ? (step > 0 ? 0 : items.length - 1) : place + step + items.length) % items.length]?.focus();
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target.id !== "list" && !byId("list")?.contains(event.target)) return;
    Desk.listShown();
    Desk.tick();
  });
})();
