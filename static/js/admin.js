// Copy buttons, toasts, and Validate without leaving the page. Everything works without this script too.
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

// The look-ups replace the select their label belongs to: give the box one sees that label's name.
function nameLookUps() {
  for (const select of document.querySelectorAll("select.admin-autocomplete")) {
    const label = select.labels[0];
    const box = select.nextElementSibling && select.nextElementSibling.querySelector(".select2-selection");
    if (!label || !box) continue;
    label.id = label.id || select.id + "-label";
    box.setAttribute("aria-labelledby", label.id + " " + box.getAttribute("aria-labelledby"));
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
onSave();
window.addEventListener("pageshow", onReturn);
setTimeout(takeMessages, 100);
window.addEventListener("load", () => setTimeout(nameLookUps));
