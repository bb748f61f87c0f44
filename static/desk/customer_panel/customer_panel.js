// The pane about the customer: sections that fold, what is fetched when it is wanted, another conversation beside.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const OPEN = "pane-open";

  // -- Sections: which are open is remembered, on this device ---------------------------------------------------------

  function opened() {
    try {
      return new Set(JSON.parse(localStorage.getItem(OPEN) || "[]"));
    } catch {
      return new Set();
    }
  }

  function remember(fold) {
    const names = opened();
    if (fold.open) names.add(fold.dataset.fold);
    else names.delete(fold.dataset.fold);
    localStorage.setItem(OPEN, JSON.stringify([...names]));
  }

  function openAsBefore() {
    const names = opened();
    for (const fold of document.querySelectorAll("#customer [data-fold]")) fold.open = names.has(fold.dataset.fold);
  }

  document.addEventListener("toggle", (event) => event.target.dataset?.fold && remember(event.target), true);
  document.addEventListener("DOMContentLoaded", openAsBefore);
  document.addEventListener("htmx:afterSwap", (event) => event.detail.target.id === "workspace" && openAsBefore());

  // What was pressed may be gone from the answer: the focus stays where it was pressed.
  document.addEventListener("htmx:afterSettle", (event) => {
    const posted =
      event.detail.requestConfig?.verb === "post" && event.detail.pathInfo?.requestPath?.includes("/skills/");
    if (posted && document.activeElement === document.body) byId("about")?.focus({ preventScroll: true });
  });

  // -- What has been fetched already is fetched again when something happened -----------------------------------------

  const isBeingFilledIn = (part) => {
    const field = document.activeElement;
    return part.contains(field) && field.matches("input, textarea, select");
  };

  const isDirty = (part) =>
    [...part.querySelectorAll("input:not([type=hidden])")].some((field) => field.value !== field.defaultValue);

  Desk.refreshCustomer = () => {
    const about = byId("about");
    if (about && !isBeingFilledIn(about) && !isDirty(about)) htmx.trigger(about, "again");
    for (const fold of document.querySelectorAll("#customer [data-fold][open]")) htmx.trigger(fold, "again");
  };

  // -- Copy -----------------------------------------------------------------------------------------------------------

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.classList.add("is-done");
      byId("announce").textContent = interpolate(gettext("Copied: %s"), [button.dataset.copy]);
      setTimeout(() => button.classList.remove("is-done"), 1500);
    } catch {
      Desk.notice(gettext("This browser does not let the page copy. Select the number and copy it."));
    }
  });

  // -- Another conversation, read beside this one ---------------------------------------------------------------------

  let asker;
  let place = 0;

  function closeBeside() {
    const beside = byId("beside");
    if (!beside?.firstElementChild) return;
    beside.replaceChildren();
    byId("customer").scrollTop = place;
    (byId(asker) || byId("customer"))?.focus({ preventScroll: true });
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target.id === "beside") asker = event.detail.elt.id;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "beside") return;
    const pane = byId("customer");
    if (pane.scrollTop) place = pane.scrollTop;
    pane.scrollTop = 0;
    byId("beside-title")?.focus({ preventScroll: true });
    const thread = document.querySelector(".beside-thread");
    if (thread) thread.scrollTop = thread.scrollHeight;
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-close-beside]")) return;
    event.preventDefault();
    closeBeside();
  });
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape" || !byId("beside")?.contains(document.activeElement)) return;
      event.stopPropagation();
      closeBeside();
    },
    true,
  );

  // -- A conversation that may not be seen any more -------------------------------------------------------------------

  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.xhr.status === 410 && detail.elt.isConnected) Desk.outOfSight(detail.xhr.responseText);
  });

  Desk.outOfSight = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("workspace");
    const old = byId("workspace");
    if (!fresh || !old) return location.reload();
    old.replaceWith(fresh);
    htmx.process(fresh);
    byId("main").focus({ preventScroll: true });
    byId("announce").textContent = fresh.querySelector("h1").textContent;
  };
})();
