// Menus: closed by a click elsewhere and by Escape, navigated with the arrow keys.
"use strict";

(() => {
  const { queryAll } = Omnichannel;

  document.addEventListener("click", (event) => {
    for (const menu of queryAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.("details.menu");
    if (!menu || !["ArrowDown", "ArrowUp"].includes(event.key) || event.target.matches("input, select")) return;
    event.preventDefault();
    menu.open = true;
    const items = queryAll("a[href], button, input, select", menu);
    const step = event.key === "ArrowDown" ? 1 : -1;
    const current = items.indexOf(document.activeElement);
    const start = current < 0 && step < 0 ? 0 : current; // from outside, up leads to the last item
    items[(start + step + items.length) % items.length]?.focus();
  });
})();
