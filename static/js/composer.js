// Writing a reply: the field grows, counts, keeps drafts, takes files, and sends with Enter.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const COUNT_FROM = 1400;
  const LARGEST = 16 * 1024 * 1024;
  const field = () => byId("reply-text");
  const form = () => field()?.form;
  const draftKey = () => `draft-${Desk.workspace().dataset.pk}`;
  const length = (text) => [...text].length;
  const hasKeyboard = () => !matchMedia("(pointer: coarse)").matches;
  const growsByItself = CSS.supports("field-sizing", "content");
  const MOST_ROWS = 14;
  let sentText = "";

  // In rows: a height written into the style attribute is what the page's policy forbids.
  function grow(text) {
    text.rows = 1;
    while (text.rows < MOST_ROWS && text.scrollHeight > text.clientHeight) text.rows += 1;
  }

  function fit() {
    const text = field();
    if (!text) return;
    if (!growsByItself) grow(text);
    const limit = +form().dataset.limit;
    const used = length(text.value.trim());
    byId("reply-count").textContent =
      used < COUNT_FROM ? "" : used > limit ? `${used - limit} too many` : `${limit - used} left`;
    form().classList.toggle("is-over", used > limit);
  }

  function keepDraft() {
    if (!Desk.workspace() || !field()) return;
    if (field().value) sessionStorage.setItem(draftKey(), field().value);
    else sessionStorage.removeItem(draftKey());
  }

  // A composer came onto the page: the draft comes back into it.
  Desk.composerShown = () => {
    const text = field();
    if (!text || !Desk.workspace()) return;
    if (!text.value) text.value = sessionStorage.getItem(draftKey()) || "";
    fit();
    if (hasKeyboard() && innerWidth > 720) text.focus({ preventScroll: true });
  };

  // -- A new composer from the server -------------------------------------------------------------------------------

  Desk.putComposer = (old, fresh, fromForm, swap) => {
    const answers = fromForm && fresh.dataset.answer !== undefined;
    if (old.dataset.version === fresh.dataset.version && !answers) {
      const clock = byId("reply-left");
      const now = fresh.querySelector("#reply-left");
      if (clock && now) clock.replaceWith(now);
      return;
    }
    const before = old.querySelector("#reply-text");
    const next = fresh.querySelector("#reply-text");
    const wasSent = answers && Desk.answered.status === 200;
    const kept = before ? (wasSent ? leftOver(before.value) : before.value) : "";
    if (next && before) next.value = kept;
    if (wasSent) sessionStorage.removeItem(draftKey());
    else if (next && answers) keepFile(old, fresh);
    const focus = old.contains(document.activeElement);
    swap(old, fresh);
    Desk.keepNote(old, fresh);
    if (next && !before) next.value = sessionStorage.getItem(draftKey()) || "";
    if (kept && wasSent) keepDraft();
    if (next) {
      fit();
      showFile();
      if (focus) next.focus({ preventScroll: true });
    } else if (focus) {
      byId("main").focus({ preventScroll: true });
    }
  };

  // What was typed on while the message was on its way.
  function leftOver(now) {
    if (now === sentText) return "";
    return now.startsWith(sentText) ? now.slice(sentText.length).trimStart() : now;
  }

  // A file that was chosen can't be written into a form by a server: the chosen one stays.
  function keepFile(old, fresh) {
    const chosen = old.querySelector("[type=file]");
    const empty = fresh.querySelector("[type=file]");
    if (chosen?.files.length && empty && !fresh.querySelector("#file-error").textContent.trim()) empty.replaceWith(chosen);
  }

  // -- Files --------------------------------------------------------------------------------------------------------

  const megabytes = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;

  function problemWith(file) {
    const limits = JSON.parse(form().dataset.limits);
    const limit = limits[file.type] || LARGEST;
    if (!file.size) return "This file is empty.";
    if (file.size > limit) return `This file has ${megabytes(file.size)}; WhatsApp takes up to ${megabytes(limit)} here.`;
    if (file.type.startsWith("image/") && !limits[file.type]) return "WhatsApp takes JPEG and PNG pictures, not this kind.";
    return "";
  }

  function showFile() {
    const input = form()?.querySelector("[type=file]");
    if (!input) return;
    const file = input.files[0];
    const chosen = byId("file-chosen");
    chosen.hidden = !file;
    if (!file) return;
    chosen.querySelector("[data-name]").textContent = file.name;
    chosen.querySelector("[data-size]").textContent =
      file.size < 1024 * 100 ? `${Math.ceil(file.size / 1024)} KB` : megabytes(file.size);
  }

  function choose(files) {
    const input = form()?.querySelector("[type=file]");
    if (!input || !files.length) return;
    const problem = problemWith(files[0]);
    byId("file-error").textContent = problem;
    if (problem) {
      input.value = "";
    } else if (files !== input.files) {
      const only = new DataTransfer();
      only.items.add(files[0]);
      input.files = only.files;
    }
    showFile();
  }

  // -- What people do -----------------------------------------------------------------------------------------------

  document.addEventListener("input", (event) => {
    if (event.target !== field()) return;
    byId("reply-error").textContent = "";
    event.target.removeAttribute("aria-invalid");
    form().classList.remove("has-error");
    fit();
    keepDraft();
  });

  document.addEventListener("keydown", (event) => {
    if (event.target !== field() || event.key !== "Enter" || event.shiftKey || event.isComposing || !hasKeyboard()) return;
    event.preventDefault();
    form().requestSubmit();
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches(".composer [type=file]")) choose(event.target.files);
  });

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-remove]")) return;
    form().querySelector("[type=file]").value = "";
    showFile();
    field().focus();
  });

  document.addEventListener("paste", (event) => {
    if (event.target !== field() || !event.clipboardData.files.length) return;
    event.preventDefault();
    choose(event.clipboardData.files);
  });

  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      const onto = event.target.closest?.(".talk") && form();
      if (!onto || !event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      onto.classList.toggle("is-dropping", kind === "dragover");
      if (kind === "drop") choose(event.dataTransfer.files);
    });
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt !== form()) return;
    const text = field().value;
    const limit = +form().dataset.limit;
    const over = length(text.trim()) - limit;
    if (over > 0) {
      byId("reply-error").textContent =
        `WhatsApp takes up to ${limit.toLocaleString("en")} characters; this is ${over.toLocaleString("en")} too long.`;
      field().setAttribute("aria-invalid", "true");
      event.preventDefault();
    } else if (!text.trim() && !form().querySelector("[type=file]")?.files.length) {
      event.preventDefault();
    }
    sentText = text;
  });

  document.addEventListener("DOMContentLoaded", Desk.composerShown);
})();
