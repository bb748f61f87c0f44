// What is being written stays in this browser until it is sent, through reloads and in every tab, for this person alone.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const PREFIX = "draft-";
  const here = () => Desk.workspace()?.dataset.pk;
  const key = (kind, pk) => `${PREFIX}${byId("composer")?.dataset.user ?? ""}-${kind}-${pk}`;

  // Storage may be full or switched off: then a draft lasts as long as the page.
  function store(name, text) {
    try {
      if (text) localStorage.setItem(name, text);
      else localStorage.removeItem(name);
    } catch {
      // Nothing to be done about it.
    }
  }

  Desk.drafts = {
    read: (kind, pk = here()) => localStorage.getItem(key(kind, pk)) ?? "",
    write: (kind, text, pk = here()) => pk && store(key(kind, pk), text),
  };

  // The same conversation in another tab: what is typed there appears here, unless one types here too.
  addEventListener("storage", (event) => {
    for (const [kind, id] of [["reply", "reply-text"], ["note", "note-text"]]) {
      const field = byId(id);
      if (!field || event.key !== key(kind, here()) || document.activeElement === field) continue;
      field.value = event.newValue ?? "";
      Desk.fit();
    }
  });

  // Who signs out leaves nothing behind.
  document.addEventListener("submit", (event) => {
    if (!event.target.action.endsWith("/sign-out/")) return;
    Object.keys(localStorage).filter((name) => name.startsWith(PREFIX)).forEach((name) => localStorage.removeItem(name));
  });
})();
