// A reply that was just sent can be taken back for a moment; what was taken back goes from every page.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  let timer;
  let underWay = new Set(); // messages the server told of as not sent yet

  function countDown() {
    const bar = byId("undo");
    clearInterval(timer);
    if (!bar) return;
    const ends = Date.now() + bar.dataset.seconds * 1000;
    timer = setInterval(() => {
      const left = Math.ceil((ends - Date.now()) / 1000);
      if (!bar.isConnected) return clearInterval(timer);
      bar.querySelector(".undo-seconds").textContent = Math.max(0, left);
      if (left > 0 || bar.classList.contains("htmx-request")) return;
      clearInterval(timer);
      end(bar);
    }, 200);
  }

  function end(bar) {
    const focused = bar.contains(document.activeElement);
    bar.remove();
    if (focused) byId("reply-text")?.focus();
    if (bar.dataset.failed !== undefined)
      Desk.notice(gettext("That is on its way already. It can't be taken back any more."));
  }

  Desk.countDown = countDown;

  const forget = (id) => byId(id)?.remove();

  function forgetGone(root) {
    const gone = root.querySelector("#gone");
    if (gone) gone.dataset.pks.split(" ").forEach((pk) => forget(`message-${pk}`));
    if (root.dataset.at === undefined || root.dataset.more !== undefined) return;
    const there = [...root.querySelectorAll("ol > [data-unsettled]")].map((li) => li.id);
    for (const id of underWay) {
      if (byId(id)?.dataset.unsettled !== undefined && !root.querySelector(`#${id}`)) forget(id);
    }
    underWay = new Set(there);
  }

  document.addEventListener("desk:composer", ({ detail }) => {
    if (detail.root) forgetGone(detail.root);
    if (detail.wasSent || detail.wasUndone) countDown();
  });

  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    const bar = detail.elt;
    if (bar.id !== "undo" || detail.successful) return;
    if (detail.xhr.status === 409) end(bar);
    else bar.dataset.failed = ""; // it can be tried again as long as the message is held
  });
})();
