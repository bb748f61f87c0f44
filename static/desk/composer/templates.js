// The template picker: preview while typing, values kept per template, arrow keys, and the end of the 24-hour window.
"use strict";

(() => {
  const { byId, focus, queryAll } = Omnichannel;
  const pickerOf = (element) => element.closest("section.templates");

  // -- Preview ------------------------------------------------------------------------------------------------------

  function updatePreview(field) {
    const name = CSS.escape(field.dataset.variable);
    for (const element of queryAll(`.template-variable[data-variable-name="${name}"]`, pickerOf(field))) {
      element.textContent = field.value.trim() || element.dataset.name;
      element.classList.toggle("is-empty", !field.value.trim());
    }
  }

  function clearError(field) {
    field.removeAttribute("aria-invalid");
    const error = byId(`${field.id}-error`);
    if (error) error.textContent = "";
  }

  function handleValue(field) {
    updatePreview(field);
    clearError(field);
    saveValue(field);
  }

  document.addEventListener("input", ({ target }) => target.dataset.variable !== undefined && handleValue(target));

  // A suggested value, such as the customer's name.
  document.addEventListener("click", (event) => {
    const suggestion = event.target.closest("[data-suggestion-for]");
    const field = suggestion && byId(suggestion.dataset.suggestionFor);
    if (!field) return;
    field.value = suggestion.textContent.trim();
    handleValue(field);
    field.focus();
  });

  // -- Values: kept when the form is replaced, for another template, another number or after a customer's message ---

  const savedValues = new Map(); // conversation and template: the values by variable
  const keyOf = (form) => `${Omnichannel.conversationId() ?? ""} ${form.elements.template.value}`;

  function saveValue({ form, dataset, value }) {
    savedValues.set(keyOf(form), { ...savedValues.get(keyOf(form)), [dataset.variable]: value });
  }

  function restoreValues(form) {
    const values = savedValues.get(keyOf(form)) ?? {};
    for (const field of queryAll("[data-variable]", form)) {
      const value = values[field.dataset.variable];
      if (field.value || !value) continue;
      field.value = value;
      updatePreview(field);
    }
  }

  // -- A new picker -------------------------------------------------------------------------------------------------

  // Suggestions are hidden in the HTML, because they need JavaScript.
  function showSuggestions(picker) {
    for (const suggestions of queryAll(".template-suggestions", picker)) suggestions.hidden = false;
  }

  // The status element stays when the results are replaced, so screen readers announce the new count.
  function showResultCount(picker) {
    const results = picker.querySelector("[data-count]");
    const status = picker.querySelector("[data-result-count]");
    if (results && status) status.textContent = results.dataset.count;
  }

  // Unless the server set the focus with `autofocus` or reports a wrong number.
  function focusPicker(picker) {
    if (picker.querySelector("[autofocus]") || byId("new-conversation-to-error")?.textContent.trim()) return;
    focus(picker.querySelector(".template-search, [data-variable], button.primary"));
  }

  // The field of the number is outside the picker and is not replaced with it.
  function markNumber() {
    const field = byId("new-conversation-to");
    if (!field) return;
    if (!byId("new-conversation-to-error")?.textContent.trim()) return field.removeAttribute("aria-invalid");
    field.setAttribute("aria-invalid", "true");
    field.focus();
  }

  document.addEventListener("htmx:oobAfterSwap", (event) => {
    if (event.detail.target.id === "new-conversation-to-error") setTimeout(markNumber);
  });

  let hadFocus = false; // of the element that is being replaced
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    hadFocus = detail.target.contains(document.activeElement);
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    const { target, requestConfig } = event.detail;
    const isPicker = target.matches?.("section.templates");
    const picker = isPicker ? byId(target.id) || target : pickerOf(target);
    for (const section of queryAll("section.templates")) showSuggestions(section);
    for (const form of queryAll(".template-form")) restoreValues(form);
    if (!picker && hadFocus && target.matches?.(".templates")) focusPicker(byId("templates-composer")); // was a link
    if (!picker) return;
    if (isPicker) focusPicker(byId(target.id));
    else if (requestConfig.verb === "get") showResultCount(picker);
  });

  // After sending from the dialog it is closed.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { requestConfig, serverResponse } = event.detail;
    if (!requestConfig.path.endsWith("/templates/send/") || !serverResponse.includes("data-fragments")) return;
    const form = requestConfig.elt.closest(".template-form");
    if (form) savedValues.delete(keyOf(form));
    byId("dialog")?.close();
  });

  document.addEventListener("DOMContentLoaded", () => {
    for (const section of queryAll("section.templates")) showSuggestions(section);
  });

  // -- Keys ---------------------------------------------------------------------------------------------------------

  document.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const picker = event.target.matches(".template-search, .template-row") && pickerOf(event.target);
    if (!picker) return;
    const stops = [picker.querySelector(".template-search"), ...queryAll("button.template-row", picker)];
    const next = stops[stops.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1)];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });

  // -- The end of the 24-hour window: the composer changes in the same second ---------------------------------------

  const endTimes = new WeakMap();

  setInterval(() => {
    const clock = byId("reply-time-left");
    if (!clock) return;
    // One second later, because exactly 24 hours are still inside the window.
    if (!endTimes.has(clock)) endTimes.set(clock, Date.now() + (+clock.dataset.secondsLeft + 1) * 1000);
    if (Date.now() <= endTimes.get(clock)) return;
    endTimes.set(clock, Date.now() + 5000);
    Omnichannel.refreshConversation();
  }, 1000);
})();
