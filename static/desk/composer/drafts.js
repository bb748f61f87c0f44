// Drafts of replies and notes: stored in this browser per user and conversation, and shared by all tabs.
"use strict";

(() => {
  const { byId, storage } = Omnichannel;
  const PREFIX = "draft-";
  const FIELD_IDS = { reply: "reply-text", note: "note-text" };
  const TYPING_MS = 1500; // after a key press
  const keyOf = (kind, pk) => `${PREFIX}${byId("composer")?.dataset.user ?? ""}-${kind}-${pk}`;

  Omnichannel.drafts = {
    get: (kind, pk = Omnichannel.conversationId()) => storage.get(keyOf(kind, pk)),
    set: (kind, text, pk = Omnichannel.conversationId()) => pk && storage.set(keyOf(kind, pk), text),
  };

  let lastTypedAt = 0;
  document.addEventListener("input", ({ target }) => {
    if (Object.values(FIELD_IDS).includes(target.id)) lastTypedAt = Date.now();
  });

  // Follow the same conversation in another tab. The focus does not tell where somebody types: a field in a background
  // tab keeps it. Nobody types in two tabs at once.
  window.addEventListener("storage", (event) => {
    for (const [kind, id] of Object.entries(FIELD_IDS)) {
      const field = byId(id);
      if (!field || event.key !== keyOf(kind, Omnichannel.conversationId())) continue;
      if (Date.now() - lastTypedAt < TYPING_MS) continue;
      field.value = event.newValue ?? "";
      Omnichannel.updateComposer();
      document.dispatchEvent(new CustomEvent("desk:composer-changed", { detail: {} }));
    }
  });

  // Drafts may be confidential: remove all of them at sign-out.
  document.addEventListener("submit", (event) => {
    // Not the property: a field with the name "action" hides it.
    if (!event.target.getAttribute("action")?.endsWith("/sign-out/")) return;
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key);
  });
})();
