// The phone keeps itself up to date while somebody looks at it, and stays where they scrolled to.
(function () {
  "use strict";

  const NEAR_THE_END = 80;
  const thread = () => document.getElementById("thread");
  const announcement = document.getElementById("announce");
  const form = document.querySelector(".write");
  if (!thread() || !form) return;

  const field = form.querySelector("textarea");
  const files = form.querySelector("input[type=file]");
  const chosen = document.getElementById("chosen");
  let heard = document.getElementById("heard")?.dataset.pk;
  let atTheEnd = true;

  const toTheEnd = () => {
    thread().scrollTop = thread().scrollHeight;
  };
  const isAtTheEnd = () => thread().scrollHeight - thread().scrollTop - thread().clientHeight < NEAR_THE_END;

  function announce() {
    const latest = document.getElementById("heard");
    if (latest && latest.dataset.pk !== heard) {
      heard = latest.dataset.pk;
      announcement.textContent = latest.textContent;
    }
  }

  function showChosen() {
    chosen.textContent = Array.from(files.files, (file) => file.name).join(", ");
  }

  function emptyForm() {
    form.reset();
    form.querySelector("[name=reply_to]").value = "";
    document.querySelector(".answering")?.remove();
    showChosen();
    field.focus();
  }

  document.body.addEventListener("htmx:beforeSwap", () => {
    atTheEnd = isAtTheEnd();
  });
  document.body.addEventListener("htmx:afterSettle", () => {
    if (atTheEnd) toTheEnd();
    announce();
  });
  form.addEventListener("htmx:afterRequest", (event) => {
    const refused = document.getElementById("refused").textContent.trim();
    if (event.detail.successful && !refused) emptyForm();
    toTheEnd();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  files.addEventListener("change", showChosen);

  // Pictures arrive after the page: what was at the end stays there.
  document.body.addEventListener(
    "load",
    () => {
      if (atTheEnd) toTheEnd();
    },
    true,
  );

  setInterval(() => {
    // On a narrow screen the list of customers may hide the chat: then nobody looks at it.
    if (!document.hidden && thread().offsetParent) window.htmx.trigger(thread(), "tick");
  }, 1000);
  toTheEnd();
})();
