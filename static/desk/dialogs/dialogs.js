// Working together: notes for colleagues, and the dialogs that ask where a conversation goes.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);

  // -- Dialogs: fetched when they are asked for, gone when they are closed ------------------------------------------

  let asker;

  function backToAsker() {
    const from = byId(asker);
    // What was asked for from a menu: the menu is closed by now.
    const place = from?.closest("details.menu:not([open])")?.querySelector("summary") || from || byId("main");
    place?.focus({ preventScroll: true });
  }

  function close() {
    byId("dialog")?.close();
    byId("panel")?.replaceChildren();
    backToAsker();
  }

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "panel") return;
    byId("dialog")?.showModal();
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, target, requestConfig } = event.detail;
    if (target.id !== "panel" || elt.closest("#panel")) return;
    asker = requestConfig.triggeringEvent?.submitter?.id || elt.id;
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
      byId("panel")?.replaceChildren();
      backToAsker();
    },
    true,
  );

  // -- Notes --------------------------------------------------------------------------------------------------------

  const isNote = (path) => path.endsWith("/note/");

  // What was being noted comes back with its conversation.
  function noteShown() {
    const field = byId("note-text");
    const draft = field && Desk.workspace() && Desk.drafts.read("note");
    if (!draft || field.value) return;
    field.value = draft;
    byId("write-note").checked = true;
    Desk.fit();
  }

  document.addEventListener("DOMContentLoaded", noteShown);
  document.addEventListener("htmx:afterSettle", (event) => event.detail.target.id === "workspace" && noteShown());

  // The composer was put anew: what was being noted stays.
  Desk.keepNote = (old, fresh) => {
    const [before, now] = [old, fresh].map((part) => part.querySelector("#note-text"));
    if (!before || !now || !before.value) return;
    now.value = before.value;
    fresh.querySelector("#write-note").checked = old.querySelector("#write-note").checked;
  };

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, serverResponse, requestConfig } = event.detail;
    if (!serverResponse.includes("data-pieces")) return;
    if (event.detail.target.id === "panel") close();
    const field = byId("note-text");
    if (!isNote(requestConfig.path) || !field) return;
    const answered = new DOMParser().parseFromString(serverResponse, "text/html").getElementById("note-error");
    byId("note-error").textContent = answered ? answered.textContent.trim() : "";
    if (xhr.status !== 200) return;
    field.value = "";
    Desk.drafts.write("note", "");
    Desk.fit();
    Desk.toEnd();
  });

  document.addEventListener("change", (event) => {
    if (event.target.id === "write-note") byId("note-text").focus();
    if (event.target.id === "write-public") byId("reply-text")?.focus();
  });

  document.addEventListener("input", (event) => {
    if (event.target.id !== "note-text") return;
    byId("note-error").textContent = "";
    Desk.drafts.write("note", event.target.value);
    Desk.fit();
  });

  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (key === " " && target.matches("a[role=button]")) {
      event.preventDefault();
      target.click();
    }
    if (target.id !== "note-text" || !Desk.isSendKey(event)) return;
    event.preventDefault();
    if (target.value.trim()) target.form.requestSubmit();
  });
})();
