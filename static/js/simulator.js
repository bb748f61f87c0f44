// The phone of the simulator: refreshes itself, keeps its scroll position and announces new messages.
"use strict";

(() => {
  const { byId } = Omnichannel;
  const END_TOLERANCE = 80; // pixels
  const REFRESH_MS = 1000;
  const thread = () => byId("thread");
  const form = document.querySelector(".message-form");
  if (!thread() || !form) return;

  const field = form.querySelector("textarea");
  const fileInput = form.querySelector("input[type=file]");
  let announcedPk = byId("last-received")?.dataset.pk;
  let wasAtEnd = true;

  const isAtEnd = () => thread().scrollHeight - thread().scrollTop - thread().clientHeight < END_TOLERANCE;

  function scrollToEnd() {
    thread().scrollTop = thread().scrollHeight;
  }

  function announceNewest() {
    const newest = byId("last-received");
    if (!newest || newest.dataset.pk === announcedPk) return;
    announcedPk = newest.dataset.pk;
    byId("announce").textContent = newest.textContent;
  }

  function showFileNames() {
    byId("chosen-files").textContent = Array.from(fileInput.files, (file) => file.name).join(", ");
  }

  function resetForm() {
    form.reset();
    form.querySelector("[name=reply_to]").value = "";
    document.querySelector(".quoted-reply")?.remove();
    showFileNames();
    field.focus();
  }

  document.body.addEventListener("htmx:beforeSwap", () => {
    wasAtEnd = isAtEnd();
  });
  document.body.addEventListener("htmx:afterSettle", () => {
    if (wasAtEnd) scrollToEnd();
    announceNewest();
  });
  form.addEventListener("htmx:afterRequest", (event) => {
    const error = byId("send-error").textContent.trim();
    if (event.detail.successful && !error) resetForm();
    scrollToEnd();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  fileInput.addEventListener("change", showFileNames);

  // Pictures get their height when they are loaded: stay at the end.
  document.body.addEventListener(
    "load",
    () => {
      if (wasAtEnd) scrollToEnd();
    },
    true,
  );

  setInterval(() => {
    // On a narrow screen the list of customers may hide the thread: then refreshing is useless.
    if (!document.hidden && thread().offsetParent) htmx.trigger(thread(), "tick");
  }, REFRESH_MS);
  scrollToEnd();
})();
