// Choosing a template and filling it in: the preview follows what is typed, arrows walk the list, the window closes on time.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const pickerOf = (element) => element.closest("section.templates");

  // -- The preview --------------------------------------------------------------------------------------------------

  function show(field) {
    const name = CSS.escape(field.dataset.variable);
    for (const slot of pickerOf(field).querySelectorAll(`.slot[data-slot="${name}"]`)) {
      slot.textContent = field.value.trim() || slot.dataset.name;
      slot.classList.toggle("is-empty", !field.value.trim());
    }
  }

  function forgive(field) {
    field.removeAttribute("aria-invalid");
    const error = byId(`${field.id}-error`);
    if (error) error.textContent = "";
  }

  function filledIn(field) {
    show(field);
    forgive(field);
    keep(field);
  }

  document.addEventListener("input", ({ target }) => target.dataset.variable !== undefined && filledIn(target));

  document.addEventListener("click", (event) => {
    const offer = event.target.closest("[data-offer]");
    const field = offer && byId(offer.dataset.offer);
    if (!field) return;
    field.value = offer.textContent.trim();
    filledIn(field);
    field.focus();
  });

  // -- What was filled in comes back with its template, whatever took the form away: another template that was looked
  // at, another number to write from, a customer who wrote meanwhile --------------------------------------------------

  const kept = new Map(); // conversation and template: the values by variable
  const keyOf = (form) => `${Desk.workspace()?.dataset.pk ?? ""} ${form.elements.template.value}`;

  function keep({ form, dataset, value }) {
    kept.set(keyOf(form), { ...kept.get(keyOf(form)), [dataset.variable]: value });
  }

  function bringBack(form) {
    const values = kept.get(keyOf(form)) ?? {};
    for (const field of form.querySelectorAll("[data-variable]")) {
      const value = values[field.dataset.variable];
      if (field.value || !value) continue;
      field.value = value;
      show(field);
    }
  }

  // -- A picker came onto the page ----------------------------------------------------------------------------------

  function offerNames(picker) {
    for (const offers of picker.querySelectorAll(".template-offers")) offers.hidden = false;
  }

  function sayHowMany(picker) {
    const found = picker.querySelector("[data-count]");
    const said = picker.querySelector("[data-found]");
    if (found && said) said.textContent = found.dataset.count;
  }

  // Where the picker itself was put anew, whoever works in it goes on in it: in the form the server says where.
  function takeUp(picker) {
    if (!picker.querySelector("[autofocus]") && !byId("start-to-error")?.textContent.trim()) {
      picker.querySelector(".template-search, [data-variable], button.primary")?.focus({ preventScroll: true });
    }
  }

  // What is wrong with the number stands outside the picker and is told with it.
  function markNumber() {
    const field = byId("start-to");
    const wrong = byId("start-to-error")?.textContent.trim();
    if (!field) return;
    if (!wrong) return field.removeAttribute("aria-invalid");
    field.setAttribute("aria-invalid", "true");
    field.focus();
  }

  document.addEventListener("htmx:oobAfterSwap", (event) => event.detail.target.id === "start-to-error" && setTimeout(markNumber));

  let hadFocus = false; // what is being replaced
  document.addEventListener("htmx:beforeSwap", ({ detail }) => (hadFocus = detail.target.contains(document.activeElement)));

  document.addEventListener("htmx:afterSwap", (event) => {
    const { target, requestConfig } = event.detail;
    const picker = target.matches?.("section.templates") ? byId(target.id) || target : pickerOf(target);
    for (const one of document.querySelectorAll("section.templates")) offerNames(one);
    document.querySelectorAll(".template-form").forEach(bringBack);
    if (!picker && hadFocus && target.matches?.(".templates")) takeUp(byId("templates-composer")); // the link in its place
    if (!picker) return;
    if (target.matches("section.templates")) takeUp(byId(target.id));
    else if (requestConfig.verb === "get") sayHowMany(picker);
  });

  // Sent from the dialog: it has done its work.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { requestConfig, serverResponse } = event.detail;
    if (!requestConfig.path.endsWith("/templates/send/") || !serverResponse.includes("data-pieces")) return;
    const form = requestConfig.elt.closest(".template-form");
    if (form) kept.delete(keyOf(form));
    byId("dialog")?.close();
  });

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("section.templates").forEach(offerNames));

  // -- Keys ---------------------------------------------------------------------------------------------------------

  document.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const picker = event.target.matches(".template-search, .template-row") && pickerOf(event.target);
    if (!picker) return;
    const stops = [picker.querySelector(".template-search"), ...picker.querySelectorAll("button.template-row")];
    const next = stops[stops.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1)];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });

  // -- The window closes at its very second, not when somebody next looks ---------------------------------------------

  const ends = new WeakMap();

  setInterval(() => {
    const clock = byId("reply-left");
    if (!clock) return;
    // A whole second later: exactly 24 hours are still inside.
    if (!ends.has(clock)) ends.set(clock, Date.now() + (+clock.dataset.left + 1) * 1000);
    if (Date.now() <= ends.get(clock)) return;
    ends.set(clock, Date.now() + 5000);
    Desk.refresh();
  }, 1000);
})();
