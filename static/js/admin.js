// Copy buttons, toasts, Validate, the order of rules and their conditions without leaving the page. Everything works without this script too.
"use strict";

const SHOWN_FOR = 7000;

function toast(text, level) {
  const wrong = level === "error" || level === "warning";
  const region = document.getElementById(wrong ? "toast-alert" : "toast-status");
  const item = document.createElement("div");
  item.className = "toast " + level;
  if (text instanceof Node) item.append(text);
  else item.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Close";
  close.addEventListener("click", () => item.remove());
  item.append(close);
  region.append(item);
  if (!wrong) setTimeout(() => item.matches(":hover, :focus-within") || item.remove(), SHOWN_FOR);
}

// What the server said with the page becomes a toast. Only after a moment: a live region is announced when it changes.
function takeMessages() {
  const list = document.querySelector("ul.messagelist");
  if (!list) return;
  const levels = ["error", "warning", "success", "info"];
  for (const message of list.children) {
    const words = document.createElement("p");
    words.append(...message.childNodes);
    toast(words, levels.find((level) => message.classList.contains(level)) || "info");
  }
  list.remove();
}

async function copied(text, field) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    field.select(); // no clipboard without https: the old way
    return document.execCommand("copy");
  }
}

function onCopy(button) {
  const field = document.getElementById(button.dataset.copy);
  const label = button.querySelector("span");
  button.addEventListener("click", async () => {
    if (!(await copied(field.value, field))) {
      field.select();
      toast("This browser does not let the page copy. The address is selected: press Ctrl+C.", "warning");
      return;
    }
    label.textContent = "Copied";
    button.classList.add("done");
    toast("Copied to the clipboard.", "success");
    setTimeout(() => {
      label.textContent = "Copy";
      button.classList.remove("done");
    }, 2500);
  });
}

async function validate(form, button) {
  const report = document.getElementById(button.dataset.validate);
  const answer = await fetch(form.action, {
    method: "POST",
    body: new FormData(form),
    headers: { Accept: "application/json" },
  });
  if (!answer.ok) throw new Error(String(answer.status));
  const result = await answer.json();
  report.innerHTML = result.html;
  for (const text of result.messages) toast(text, result.ok ? "success" : "error");
}

function onValidate(button) {
  const form = button.form;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-busy")) return;
    button.setAttribute("aria-busy", "true");
    button.textContent = "Validating…";
    try {
      await validate(form, button);
    } catch {
      toast("The validation did not come through. Is this server reachable, and are you still signed in?", "error");
    } finally {
      button.removeAttribute("aria-busy");
      button.textContent = "Validate";
    }
  });
}

// -- Lists with an order: buttons and dragging, both saved at once ----------------------------------------------------

async function saveOrder(list) {
  const form = document.getElementById(list.dataset.order);
  const body = new FormData(form);
  body.set("order", [...list.rows].map((row) => row.dataset.row).join(","));
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    toast("The new order is saved.", "success");
  } catch {
    toast("The new order is not saved. Reload the page and try again.", "error");
  }
}

function onOrder(list) {
  let dragged = null;
  let before = "";
  const order = () => [...list.rows].map((row) => row.dataset.row).join(",");
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button[name]");
    if (!button) return;
    event.preventDefault();
    const row = button.closest("tr");
    const up = button.name === "up";
    const other = up ? row.previousElementSibling : row.nextElementSibling;
    if (!other) return;
    if (up) other.before(row);
    else other.after(row);
    button.focus();
    saveOrder(list);
  });
  for (const row of list.rows) row.draggable = true;
  list.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("tr");
    before = order();
    dragged.classList.add("dragged");
    event.dataTransfer.effectAllowed = "move";
  });
  function place(event) {
    const over = event.target.closest("tr");
    if (!dragged || !over) return;
    event.preventDefault();
    if (over === dragged) return;
    const box = over.getBoundingClientRect();
    if (event.clientY < box.top + box.height / 2) over.before(dragged);
    else over.after(dragged);
  }
  for (const kind of ["dragenter", "dragover", "drop"]) list.addEventListener(kind, place);
  list.addEventListener("dragend", () => {
    if (!dragged) return;
    dragged.classList.remove("dragged");
    dragged = null;
    if (order() !== before) saveOrder(list);
  });
}

// -- The condition builder: without this script there are spare rows instead of buttons --------------------------------

const VALUE_HINTS = {
  list: "Values, with commas between them",
  range: "09:00 - 17:30",
  weekday: "Monday",
  "weekday list": "Monday, Tuesday",
  language: "de",
  number: "100",
  "number list": "100, 200",
  phone: "+49",
};

function onCondition(builder) {
  const { fitting, types, kinds } = builder.dataset;
  const rules = { fitting: JSON.parse(fitting), types: JSON.parse(types), kinds: JSON.parse(kinds) };
  const emptyRow = builder.querySelector(".condition-row.spare").cloneNode(true);
  const emptyGroup = builder.querySelector(".condition-group.spare").cloneNode(true);
  const name = builder.dataset.conditions;
  for (const spare of builder.querySelectorAll(".spare")) spare.remove();
  let groups = builder.querySelectorAll(".condition-group").length;

  function fit(row) {
    const [field, operator, value] = ["field", "operator", "value"].map((part) =>
      row.querySelector(`[name=${name}-${part}]`),
    );
    const fits = rules.fitting[field.value] || [];
    for (const option of operator.options) option.hidden = option.disabled = !fits.includes(option.value);
    if (field.value && !fits.includes(operator.value)) operator.value = fits[0];
    operator.hidden = value.hidden = !field.value;
    const kind = rules.kinds[operator.value];
    const type = rules.types[field.value];
    value.hidden = value.hidden || kind === "nothing";
    value.placeholder = VALUE_HINTS[`${type} ${kind}`] || VALUE_HINTS[kind] || VALUE_HINTS[type] || "";
  }

  function addRow(group, focus) {
    const row = emptyRow.cloneNode(true);
    row.classList.remove("spare");
    row.querySelector("input[type=hidden]").value = group.dataset.group;
    group.querySelector(".condition-rows").append(row);
    setUp(row);
    if (focus) row.querySelector("select").focus();
  }

  function setUp(part) {
    for (const button of part.querySelectorAll("button[hidden]")) button.hidden = false;
    for (const row of part.matches(".condition-row") ? [part] : part.querySelectorAll(".condition-row")) fit(row);
  }

  function addGroup() {
    const group = emptyGroup.cloneNode(true);
    group.classList.remove("spare");
    group.dataset.group = groups;
    const select = group.querySelector("select");
    select.name = select.id = `${name}-match-${groups}`;
    group.querySelector("label").htmlFor = select.id;
    group.setAttribute("aria-label", `Group ${groups}`);
    groups += 1;
    for (const row of group.querySelectorAll(".condition-row")) row.remove();
    builder.querySelector("[data-add-group]").before(group);
    setUp(group);
    addRow(group, true);
  }

  // Ungroup: its rows go to the outer group.
  function ungroup(group) {
    const outer = builder.querySelector(".condition-group");
    for (const row of group.querySelectorAll(".condition-row")) {
      row.querySelector("input[type=hidden]").value = outer.dataset.group;
      outer.querySelector(".condition-rows").append(row);
    }
    group.remove();
    outer.querySelector("select").focus();
  }

  setUp(builder);
  builder.querySelector(".condition-group [data-remove-group]").hidden = true;
  builder.addEventListener("change", (event) => {
    const row = event.target.closest(".condition-row");
    if (row) fit(row);
  });
  builder.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const group = button.closest(".condition-group");
    if ("addGroup" in button.dataset) addGroup();
    else if ("addCondition" in button.dataset) addRow(group, true);
    else if ("removeGroup" in button.dataset) ungroup(group);
    else if ("removeCondition" in button.dataset) {
      button.closest(".condition-row").remove();
      group.querySelector("[data-add-condition]").focus();
    }
  });
}

// A name for what is displayed so, as the server makes it, until somebody types another one.
function nameFrom(words) {
  const plain = words
    .toLowerCase()
    .replaceAll("ß", "ss")
    .normalize("NFKD")
    .replace(/[^\x20-\x7e]/g, "");
  const name = plain.replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "");
  return /^[0-9]/.test(name) ? "variable_" + name : name;
}

function onNamedAfter(name) {
  const displayed = document.getElementById(name.dataset.namedAfter);
  let isOwn = name.value !== "";
  name.addEventListener("input", () => (isOwn = name.value !== ""));
  displayed.addEventListener("input", () => {
    if (!isOwn) name.value = nameFrom(displayed.value).slice(0, name.maxLength);
  });
}

// The moment of a sample is told in the time zone of whoever sits here.
function onOwnZone(shown) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone || "typed" in shown.dataset) return;
  document.getElementById(shown.dataset.ownZone).value = zone;
  shown.textContent = `(${zone})`;
  const now = new Date();
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60000);
  document.getElementById(shown.dataset.moment).value = local.toISOString().slice(0, 16);
}

function onTry(button) {
  button.form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const headers = { Accept: "application/json" };
    try {
      const answer = await fetch(button.form.action, { method: "POST", body: new FormData(button.form), headers });
      if (!answer.ok) throw new Error(String(answer.status));
      document.getElementById(button.dataset.try).innerHTML = (await answer.json()).html;
    } catch {
      toast("It did not come through. Is this server reachable, and are you still signed in?", "error");
    }
  });
}

// The look-ups replace the select their label belongs to: give the box one sees that label's name.
function nameLookUps() {
  for (const select of document.querySelectorAll("select.admin-autocomplete")) {
    const label = select.labels[0];
    const box = select.nextElementSibling && select.nextElementSibling.querySelector(".select2-selection");
    if (!label || !box) continue;
    label.id = label.id || select.id + "-label";
    box.setAttribute("aria-labelledby", label.id + " " + box.getAttribute("aria-labelledby"));
    const shown = box.querySelector(".select2-selection__rendered[role=textbox]");
    if (shown) shown.setAttribute("aria-labelledby", label.id);
  }
}

// Back, after something new was saved, means the page one came from and not the empty form in between.
const SAVED_FROM = "omnichannel.saved-from";

function onSave() {
  if (!location.pathname.endsWith("/add/")) return;
  if (document.querySelector(".errornote")) sessionStorage.removeItem(SAVED_FROM);
  const form = document.querySelector("#content-main form");
  if (form) form.addEventListener("submit", () => sessionStorage.setItem(SAVED_FROM, location.href));
}

function onReturn(event) {
  const [arrival] = performance.getEntriesByType("navigation");
  const wentBack = event.persisted || (arrival && arrival.type === "back_forward");
  if (!wentBack || sessionStorage.getItem(SAVED_FROM) !== location.href) return;
  sessionStorage.removeItem(SAVED_FROM);
  history.back();
}

document.querySelectorAll("button[data-copy]").forEach(onCopy);
document.querySelectorAll("button[data-validate]").forEach(onValidate);
document.querySelectorAll("tbody[data-order]").forEach(onOrder);
document.querySelectorAll("[data-conditions]").forEach(onCondition);
document.querySelectorAll("button[data-try]").forEach(onTry);
document.querySelectorAll("input[data-named-after]").forEach(onNamedAfter);
document.querySelectorAll("[data-own-zone]").forEach(onOwnZone);
onSave();
window.addEventListener("pageshow", onReturn);
setTimeout(takeMessages, 100);
window.addEventListener("load", () => setTimeout(nameLookUps));
