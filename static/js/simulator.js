// The simulator's pages: they refresh themselves and show times in the browser's zone.
// The phone also keeps its scroll position and announces new messages.
"use strict";

(() => {
  const { byId, createElement, queryAll } = Omnichannel;
  const REFRESH_MS = 1000;
  const timeFormat = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
  const dayFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
  const longDayFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" });

  function showLocalTimes() {
    const today = longDayFormat.format(new Date());
    for (const element of queryAll("time[data-local]")) {
      const time = new Date(element.dateTime);
      const isShownAsDay = element.dataset.local === "short" && longDayFormat.format(time) !== today;
      element.textContent = (isShownAsDay ? dayFormat : timeFormat).format(time);
    }
    showLocalDays();
  }

  // The server's days are those of its own zone.
  function showLocalDays() {
    for (const heading of queryAll("#thread > .day")) heading.remove();
    let previousDay = "";
    for (const bubble of queryAll("#thread > .bubble")) {
      const day = longDayFormat.format(new Date(bubble.querySelector("time[data-local]").dateTime));
      if (day !== previousDay) bubble.before(createElement("h2", { className: "day", textContent: day }));
      previousDay = day;
    }
  }

  function isChanged(field) {
    if (field.options) return [...field.options].some((option) => option.selected !== option.defaultSelected);
    return field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
  }

  // Replacing a form that somebody fills in would lose the text.
  function isInUse(element) {
    if (element.id === "thread") return false;
    const fields = queryAll("input:not([type=hidden]), textarea, select", element);
    return element.contains(document.activeElement) || fields.some(isChanged);
  }

  function refresh() {
    if (document.hidden) return;
    for (const element of queryAll("[data-live]")) {
      // On a narrow screen only a part of the page is visible.
      if (element.offsetParent && !isInUse(element)) htmx.trigger(element, "tick");
    }
  }

  let openDetails = [];
  document.body.addEventListener("htmx:beforeSwap", () => {
    openDetails = queryAll("details[id][open]").map((details) => details.id);
  });
  document.body.addEventListener("htmx:afterSwap", () => {
    for (const id of openDetails) document.getElementById(id)?.setAttribute("open", "");
    showLocalTimes();
  });
  function initPhone() {
    const END_TOLERANCE = 80; // pixels
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

    scrollToEnd();
  }

  setInterval(refresh, REFRESH_MS);
  showLocalTimes();
  initPhone();
})();
