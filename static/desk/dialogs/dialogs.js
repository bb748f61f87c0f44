// Dialogs, whose content is fetched when they are opened, and notes.
"use strict";

(() => {
  const { byId, focus, parseHtml } = Omnichannel;

  // -- Dialogs ------------------------------------------------------------------------------------------------------

  let openerId;

  function focusOpener() {
    const opener = byId(openerId);
    // If the opener is in a menu that is closed now, focus the button of the menu.
    const menuButton = opener?.closest("details.menu:not([open])")?.querySelector("summary");
    focus(menuButton || opener || byId("main"));
  }

  function close() {
    byId("dialog")?.close();
    byId("dialog-container")?.replaceChildren();
    focusOpener();
  }

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "dialog-container") byId("dialog")?.showModal();
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, target, requestConfig } = event.detail;
    if (target.id !== "dialog-container" || elt.closest("#dialog-container")) return;
    openerId = requestConfig.triggeringEvent?.submitter?.id || elt.id;
  });

  document.addEventListener("click", (event) => {
    const dialog = byId("dialog");
    if (!dialog || !(event.target === dialog || event.target.closest("[data-close]"))) return;
    event.preventDefault();
    close();
  });

  document.addEventListener(
    "close",
    (event) => {
      if (event.target.id !== "dialog") return;
      byId("dialog-container")?.replaceChildren();
      focusOpener();
    },
    true,
  );

  // -- Notes --------------------------------------------------------------------------------------------------------

  // Called for the composer of a new page, and after another conversation was opened.
  Omnichannel.restoreNoteDraft = () => {
    const field = byId("note-text");
    const draft = field && Omnichannel.drafts.get("note");
    if (!draft || field.value) return;
    field.value = draft;
    byId("mode-note").checked = true;
    Omnichannel.updateComposer();
  };

  // Keep the text of the note, and with it or without it what is written, when the composer is replaced.
  Omnichannel.restoreNote = (old, fresh) => {
    const [oldField, freshField] = [old, fresh].map((composer) => composer.querySelector("#note-text"));
    if (!freshField || !oldField) return;
    if (oldField.value) {
      freshField.value = oldField.value;
      freshField.setSelectionRange(oldField.selectionStart, oldField.selectionEnd);
    }
    if (Omnichannel.composerMode(old) === "note") fresh.querySelector("#mode-note").checked = true;
  };

  // Names after an @ by which nobody is called: the note is saved if it is sent again.
  function confirmMentions(names) {
    byId("note-text").form.elements.unknown_mentions.value = names;
    byId("note-send-label").textContent = names ? gettext("Add anyway") : gettext("Add note");
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, serverResponse, requestConfig } = event.detail;
    if (!serverResponse.includes("data-fragments")) return;
    if (event.detail.target.id === "dialog-container") close();
    const field = byId("note-text");
    if (!requestConfig.path.endsWith("/note/") || !field) return;
    const fresh = parseHtml(serverResponse);
    byId("note-error").textContent = fresh.getElementById("note-error")?.textContent.trim() ?? "";
    confirmMentions(xhr.status === 200 ? "" : (fresh.querySelector("[name=unknown_mentions]")?.value ?? ""));
    if (xhr.status !== 200) return;
    field.value = "";
    Omnichannel.drafts.set("note", "");
    Omnichannel.updateComposer();
    Omnichannel.scrollToEnd();
  });

  document.addEventListener("change", (event) => {
    if (["mode-note", "mode-public"].includes(event.target.id)) Omnichannel.focusComposer();
  });

  document.addEventListener("input", (event) => {
    if (event.target.id !== "note-text") return;
    byId("note-error").textContent = "";
    Omnichannel.drafts.set("note", event.target.value);
    Omnichannel.updateComposer();
  });

  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    // Links that look like buttons react to the space bar like buttons.
    if (key === " " && target.matches("a[role=button]")) {
      event.preventDefault();
      target.click();
    }
    if (target.id !== "note-text" || !Omnichannel.isSendKey(event)) return;
    event.preventDefault();
    if (target.value.trim()) target.form.requestSubmit();
  });
})();
