// The administration: copy buttons, toasts, validation, ordered lists, conditions. All forms work without JavaScript.
"use strict";

(() => {
  const { byId, createElement, queryAll } = Omnichannel;

  // -- Toasts -------------------------------------------------------------------------------------------------------

  const TOAST_MS = 7000;
  const LEVELS = ["error", "warning", "success", "info"];

  function showToast(text, level) {
    const isProblem = level === "error" || level === "warning";
    const region = byId(isProblem ? "toast-alert" : "toast-status");
    const button = createElement("button", { type: "button", textContent: "Close" });
    const toast = createElement("div", { className: `toast ${level}` }, [text, button]);
    button.addEventListener("click", () => toast.remove());
    region.append(toast);
    if (!isProblem) setTimeout(() => toast.matches(":hover, :focus-within") || toast.remove(), TOAST_MS);
  }

  // A new result replaces those of earlier attempts.
  function clearToasts() {
    for (const toast of queryAll(".toast")) toast.remove();
  }

  // Show Django's messages as toasts. Called with a delay: a live region is announced only when it changes.
  function showMessages() {
    const list = document.querySelector("ul.messagelist");
    if (!list) return;
    for (const message of list.children) {
      const text = createElement("p", {}, message.childNodes);
      showToast(text, LEVELS.find((level) => message.classList.contains(level)) || "info");
    }
    list.remove();
  }

  // -- Requests -----------------------------------------------------------------------------------------------------

  async function postJson(url, body) {
    const response = await fetch(url, { method: "POST", body, headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(String(response.status));
    return response.json();
  }

  // -- Copy buttons -------------------------------------------------------------------------------------------------

  // Return whether it worked.
  async function copy(field) {
    try {
      await navigator.clipboard.writeText(field.value);
      return true;
    } catch {
      field.select(); // the clipboard API is missing without https
      return document.execCommand("copy");
    }
  }

  function initCopyButton(button) {
    const field = byId(button.dataset.copy);
    const label = button.querySelector("span");
    button.addEventListener("click", async () => {
      if (!(await copy(field))) {
        field.select();
        showToast("Your browser blocked copying. The URL is selected: press Ctrl+C.", "warning");
        return;
      }
      label.textContent = "Copied";
      button.classList.add("is-done");
      showToast("Copied to the clipboard.", "success");
      setTimeout(() => {
        label.textContent = "Copy";
        button.classList.remove("is-done");
      }, 2500);
    });
  }

  // -- Validate -----------------------------------------------------------------------------------------------------

  async function validate(button) {
    const result = await postJson(button.form.action, new FormData(button.form));
    byId(button.dataset.validate).innerHTML = result.html;
    byId(button.dataset.notices).innerHTML = result.notices;
    for (const text of result.messages) showToast(text, result.ok ? "success" : "error");
  }

  // Whether the form shows values that are not saved: changed here, or refused by the server.
  function hasUnsavedValues(form) {
    return (
      document.querySelector(".errornote") !== null ||
      [...form.elements].some((field) => field.checked !== field.defaultChecked || isChangedText(field))
    );
  }

  const isChangedText = (field) => "defaultValue" in field && field.value !== field.defaultValue;

  // Validation reads what is stored: typed values are saved first.
  function initValidateButton(button) {
    const form = byId(button.dataset.validatedForm);
    const updateLabel = () => {
      button.textContent = hasUnsavedValues(form) ? "Save and validate" : "Validate";
    };
    const saveAndValidate = createElement("button", { type: "submit", name: "_validate", value: "1", hidden: true });
    form.append(saveAndValidate);
    form.addEventListener("input", updateLabel);
    updateLabel();
    button.form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (button.getAttribute("aria-busy")) return;
      if (hasUnsavedValues(form)) {
        form.requestSubmit(saveAndValidate);
        return;
      }
      clearToasts();
      button.setAttribute("aria-busy", "true");
      button.textContent = "Validating…";
      try {
        await validate(button);
      } catch {
        showToast("Validation failed. Check your connection and that you are still signed in.", "error");
      } finally {
        button.removeAttribute("aria-busy");
        updateLabel();
      }
    });
  }

  // -- Ordered lists: moved with buttons or by dragging, saved at once ----------------------------------------------

  const orderOf = (list) => [...list.rows].map((row) => row.dataset.row).join(",");

  async function saveOrder(list) {
    const form = byId(list.dataset.order);
    const body = new FormData(form);
    body.set("order", orderOf(list));
    clearToasts();
    try {
      const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(String(response.status));
      showToast("Order saved.", "success");
    } catch {
      showToast("Order not saved. Reload the page and try again.", "error");
    }
  }

  function moveRow(event, list) {
    const button = event.target.closest("button[name]");
    if (!button) return;
    event.preventDefault();
    const row = button.closest("tr");
    const isUp = button.name === "up";
    const neighbor = isUp ? row.previousElementSibling : row.nextElementSibling;
    if (!neighbor) return;
    if (isUp) neighbor.before(row);
    else neighbor.after(row);
    button.focus();
    saveOrder(list);
  }

  function initOrderedList(list) {
    let draggedRow = null;
    let orderBefore = "";
    list.addEventListener("click", (event) => moveRow(event, list));
    for (const row of list.rows) row.draggable = true;
    list.addEventListener("dragstart", (event) => {
      draggedRow = event.target.closest("tr");
      orderBefore = orderOf(list);
      draggedRow.classList.add("is-dragged");
      event.dataTransfer.effectAllowed = "move";
    });
    for (const type of ["dragenter", "dragover", "drop"]) {
      list.addEventListener(type, (event) => {
        const row = event.target.closest("tr");
        if (!draggedRow || !row) return;
        event.preventDefault();
        if (row === draggedRow) return;
        const box = row.getBoundingClientRect();
        if (event.clientY < box.top + box.height / 2) row.before(draggedRow);
        else row.after(draggedRow);
      });
    }
    list.addEventListener("dragend", () => {
      if (!draggedRow) return;
      draggedRow.classList.remove("is-dragged");
      draggedRow = null;
      if (orderOf(list) !== orderBefore) saveOrder(list);
    });
  }

  // -- Conditions: without JavaScript there are spare rows instead of buttons ---------------------------------------

  const PLACEHOLDERS = {
    list: "Comma-separated values",
    range: "09:00 - 17:30",
    weekday: "Monday",
    "weekday list": "Monday, Tuesday",
    language: "de",
    number: "100",
    "number list": "100, 200",
    phone: "+49",
  };

  function initConditions(builder) {
    const operatorsByField = JSON.parse(builder.dataset.operatorsByField);
    const fieldTypes = JSON.parse(builder.dataset.fieldTypes);
    const operatorKinds = JSON.parse(builder.dataset.operatorKinds);
    const emptyRow = builder.querySelector(".condition-row.spare").cloneNode(true);
    const emptyGroup = builder.querySelector(".condition-group.spare").cloneNode(true);
    const prefix = builder.dataset.conditions;
    for (const spare of queryAll(".spare", builder)) spare.remove();
    let groupCount = queryAll(".condition-group", builder).length;

    // Offer the operators and the kind of value that fit the chosen field.
    function updateRow(row) {
      const parts = ["field", "operator", "value"].map((part) => row.querySelector(`[name=${prefix}-${part}]`));
      const [field, operator, value] = parts;
      const operators = operatorsByField[field.value] || [];
      for (const option of operator.options) {
        option.disabled = !operators.includes(option.value);
        option.hidden = option.disabled;
      }
      if (!operators.includes(operator.value)) operator.value = operators[0] ?? "";
      if (!field.value) value.value = "";
      row.querySelector(`[name=${prefix}-required]`).value = "1"; // rows are removed with their button
      const kind = operatorKinds[operator.value];
      const type = fieldTypes[field.value];
      operator.hidden = !field.value;
      value.hidden = !field.value || kind === "nothing";
      value.placeholder = PLACEHOLDERS[`${type} ${kind}`] || PLACEHOLDERS[kind] || PLACEHOLDERS[type] || "";
    }

    function initPart(part) {
      for (const button of queryAll("button[hidden]", part)) button.hidden = false;
      for (const row of part.matches(".condition-row") ? [part] : queryAll(".condition-row", part)) updateRow(row);
    }

    function addRow(group) {
      const row = emptyRow.cloneNode(true);
      row.classList.remove("spare");
      row.querySelector(`[name=${prefix}-group]`).value = group.dataset.group;
      group.querySelector(".condition-rows").append(row);
      initPart(row);
      row.querySelector("select").focus();
    }

    function removeRow(row) {
      const group = row.closest(".condition-group");
      row.remove();
      group.querySelector("[data-add-condition]").focus();
    }

    function addGroup() {
      const group = emptyGroup.cloneNode(true);
      group.classList.remove("spare");
      group.dataset.group = groupCount;
      const select = group.querySelector("select");
      select.id = `${prefix}-match-${groupCount}`;
      select.name = select.id;
      group.querySelector("label").htmlFor = select.id;
      group.setAttribute("aria-label", `Group ${groupCount}`);
      groupCount += 1;
      for (const row of queryAll(".condition-row", group)) row.remove();
      builder.querySelector("[data-add-group]").before(group);
      initPart(group);
      addRow(group);
    }

    // Move the conditions of the group to the outer group.
    function removeGroup(group) {
      const outer = builder.querySelector(".condition-group");
      for (const row of queryAll(".condition-row", group)) {
        row.querySelector(`[name=${prefix}-group]`).value = outer.dataset.group;
        outer.querySelector(".condition-rows").append(row);
      }
      group.remove();
      outer.querySelector("select").focus();
    }

    initPart(builder);
    builder.querySelector(".condition-group [data-remove-group]").hidden = true;
    builder.addEventListener("change", (event) => {
      const row = event.target.closest(".condition-row");
      if (row) updateRow(row);
    });
    builder.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      const everything = builder.closest("form").elements.matches_everything;
      if (everything && button.matches("[data-add-group], [data-add-condition]")) everything.checked = false;
      if ("addGroup" in button.dataset) addGroup();
      else if ("addCondition" in button.dataset) addRow(button.closest(".condition-group"));
      else if ("removeGroup" in button.dataset) removeGroup(button.closest(".condition-group"));
      else if ("removeCondition" in button.dataset) removeRow(button.closest(".condition-row"));
    });
  }

  // -- Names: derived from the displayed name until somebody types another one --------------------------------------

  // The same rules as on the server.
  function nameFrom(displayName) {
    const text = displayName.toLowerCase().replaceAll("ß", "ss").normalize("NFKD");
    const ascii = text.replace(/[^\x20-\x7e]/g, "");
    const name = ascii.replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "");
    return /^[0-9]/.test(name) ? `variable_${name}` : name;
  }

  function initNameField(field) {
    const displayField = byId(field.dataset.nameSource);
    let isCustom = field.value !== "";
    field.addEventListener("input", () => {
      isCustom = field.value !== "";
    });
    displayField.addEventListener("input", () => {
      if (!isCustom) field.value = nameFrom(displayField.value).slice(0, field.maxLength);
    });
  }

  // -- Dry run ------------------------------------------------------------------------------------------------------

  // The time of the sample defaults to now, in the time zone of this browser.
  function initSampleTime(label) {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (!zone || "submitted" in label.dataset) return;
    byId(label.dataset.timeZoneField).value = zone;
    label.textContent = `(${zone})`;
    const now = new Date();
    const local = new Date(now.getTime() - now.getTimezoneOffset() * 60000);
    byId(label.dataset.timeField).value = local.toISOString().slice(0, 16);
  }

  function initDryRunButton(button) {
    button.form.addEventListener("submit", async (event) => {
      event.preventDefault();
      clearToasts();
      try {
        const { html } = await postJson(button.form.action, new FormData(button.form));
        byId(button.dataset.dryRun).innerHTML = html;
      } catch {
        showToast("Request failed. Check your connection and that you are still signed in.", "error");
      }
    });
  }

  // -- Autocomplete fields ------------------------------------------------------------------------------------------

  // select2 replaces the select element: give its visible box the name of the label.
  function labelAutocompleteFields() {
    for (const select of queryAll("select.admin-autocomplete")) {
      const label = select.labels[0];
      const box = select.nextElementSibling?.querySelector(".select2-selection");
      if (!label || !box) continue;
      label.id ||= `${select.id}-label`;
      box.setAttribute("aria-labelledby", `${label.id} ${box.getAttribute("aria-labelledby")}`);
      box.querySelector(".select2-selection__rendered[role=textbox]")?.setAttribute("aria-labelledby", label.id);
    }
  }

  // -- Filters of lists: one menu is open at a time, and closes like any menu --------------------------------------

  function closeFilters(event) {
    for (const filter of queryAll("#changelist-filter details[open]")) {
      if (event.type === "keydown") filter.querySelector("summary").focus();
      else if (filter.contains(event.target)) continue;
      filter.open = false;
    }
  }

  // -- Lists on narrow screens: each cell is shown with the name of its column ---------------------------------------

  function labelCells() {
    const labels = queryAll("#result_list thead th").map((cell) => cell.querySelector(".text")?.textContent.trim());
    for (const row of queryAll("#result_list tbody tr")) {
      for (const [number, cell] of [...row.cells].entries()) if (labels[number]) cell.dataset.label = labels[number];
    }
  }

  // -- Back after saving: skip the empty form -----------------------------------------------------------------------

  const SAVED_FROM = "omnichannel.saved-from";

  function rememberSave() {
    if (!location.pathname.endsWith("/add/")) return;
    if (document.querySelector(".errornote")) sessionStorage.removeItem(SAVED_FROM);
    const form = document.querySelector("#content-main form");
    form?.addEventListener("submit", () => sessionStorage.setItem(SAVED_FROM, location.href));
  }

  function skipSavedForm(event) {
    const [navigation] = performance.getEntriesByType("navigation");
    const wentBack = event.persisted || navigation?.type === "back_forward";
    if (!wentBack || sessionStorage.getItem(SAVED_FROM) !== location.href) return;
    sessionStorage.removeItem(SAVED_FROM);
    history.back();
  }

  const INITIALIZERS = {
    "button[data-copy]": initCopyButton,
    "button[data-validate]": initValidateButton,
    "tbody[data-order]": initOrderedList,
    "[data-conditions]": initConditions,
    "button[data-dry-run]": initDryRunButton,
    "input[data-name-source]": initNameField,
    "[data-time-zone-field]": initSampleTime,
  };
  for (const [selector, init] of Object.entries(INITIALIZERS)) {
    for (const element of queryAll(selector)) init(element);
  }
  labelCells();
  rememberSave();
  document.addEventListener("click", closeFilters);
  document.addEventListener("keydown", (event) => event.key === "Escape" && closeFilters(event));
  window.addEventListener("pageshow", skipSavedForm);
  setTimeout(showMessages, 100);
  window.addEventListener("load", () => setTimeout(labelAutocompleteFields));
})();
