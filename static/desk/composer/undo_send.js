// Undo send: a countdown to take back a reply; messages that were taken back disappear from all pages.
"use strict";

(() => {
  const { byId, queryAll } = Omnichannel;
  let timer;
  let unsettledIds = new Set(); // messages that were not sent yet at the last refresh

  Omnichannel.startUndoCountdown = () => {
    const bar = byId("undo");
    clearInterval(timer);
    if (!bar) return;
    const endsAt = Date.now() + bar.dataset.seconds * 1000;
    timer = setInterval(() => {
      const seconds = Math.ceil((endsAt - Date.now()) / 1000);
      if (!bar.isConnected) return clearInterval(timer);
      bar.querySelector(".undo-seconds").textContent = Math.max(0, seconds);
      if (seconds > 0 || bar.classList.contains("htmx-request")) return;
      clearInterval(timer);
      removeBar(bar);
    }, 200);
  };

  function removeBar(bar) {
    const hadFocus = bar.contains(document.activeElement);
    bar.remove();
    if (hadFocus) Omnichannel.focusComposer();
    if (bar.dataset.failed === undefined) return;
    Omnichannel.showNotice(gettext("Already sent. It can't be undone."));
  }

  // Remove messages that were taken back: those the server lists, and unsettled ones that a full refresh lacks.
  function removeUndone(root) {
    const removed = root.querySelector("#removed-messages");
    if (removed) for (const pk of removed.dataset.pks.split(" ")) byId(`message-${pk}`)?.remove();
    if (root.dataset.renderedAt === undefined || root.dataset.hasMore !== undefined) return;
    const currentIds = queryAll("ol > [data-unsettled]", root).map((li) => li.id);
    for (const id of unsettledIds) {
      if (byId(id)?.dataset.unsettled !== undefined && !root.querySelector(`#${id}`)) byId(id).remove();
    }
    unsettledIds = new Set(currentIds);
  }

  document.addEventListener("desk:composer-changed", ({ detail }) => {
    if (detail.root) removeUndone(detail.root);
    if (detail.wasSent || detail.wasUndone) Omnichannel.startUndoCountdown();
  });

  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    const bar = detail.elt;
    if (bar.id !== "undo" || detail.successful) return;
    if (detail.xhr.status === 409) removeBar(bar);
    else bar.dataset.failed = ""; // undo can be tried again as long as the message is held
  });
})();
