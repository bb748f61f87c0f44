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

  function kept(name) {
    try {
      return localStorage.getItem(name) ?? "";
    } catch {
      return "";
    }
  }

  Desk.drafts = {
    read: (kind, pk = here()) => kept(key(kind, pk)),
    write: (kind, text, pk = here()) => pk && store(key(kind, pk), text),
  };

  const FIELDS = [
    ["reply", "reply-text"],
    ["note", "note-text"],
  ];
  const STILL_TYPING = 1500; // milliseconds after a key
  let typedAt = 0;
  document.addEventListener("input", ({ target }) => {
    if (FIELDS.some(([, id]) => target.id === id)) typedAt = Date.now();
  });

  // The same conversation in another tab: what is typed there appears here, and goes from here when it is sent there.
  // The focus says nothing: a field in the background keeps it. Nobody types in two tabs at once.
  addEventListener("storage", (event) => {
    for (const [kind, id] of FIELDS) {
      const field = byId(id);
      if (!field || event.key !== key(kind, here()) || Date.now() - typedAt < STILL_TYPING) continue;
      field.value = event.newValue ?? "";
      Desk.fit();
      document.dispatchEvent(new CustomEvent("desk:composer", { detail: {} }));
    }
  });

  // Who signs out leaves nothing behind.
  document.addEventListener("submit", (event) => {
    if (!event.target.action.endsWith("/sign-out/")) return;
    Object.keys(localStorage)
      .filter((name) => name.startsWith(PREFIX))
      .forEach((name) => localStorage.removeItem(name));
  });
})();
