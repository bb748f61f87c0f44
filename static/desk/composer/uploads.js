// Files of a reply: selected, dropped or pasted, shown in a list, and sent one after the other with progress.
"use strict";

(() => {
  const { byId, createElement, parseHtml, queryAll } = Omnichannel;
  const UNDO_MARGIN_MS = 500; // a click on Undo needs time to reach the server
  const STALL_TIMEOUT_MS = 30000; // an upload without progress is aborted after this time
  const MAX_BYTES = 16 * 1024 * 1024;
  const currentId = () => Omnichannel.conversationId();
  const replyForm = () => byId("reply-text")?.form;
  const fileInput = () => replyForm()?.querySelector("[type=file]");
  const selected = new Map(); // conversation id: its files, kept while another conversation is open
  const sent = new Map(); // conversation id: the files of the last reply, for undo
  const itemsOf = (pk) => selected.get(pk) ?? [];
  const currentItems = () => itemsOf(currentId());

  Omnichannel.hasFiles = () => currentItems().length > 0;

  // -- Selecting ----------------------------------------------------------------------------------------------------

  const formatMegabytes = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;
  const formatSize = (bytes) => (bytes < 1024 * 100 ? `${Math.ceil(bytes / 1024)} KB` : formatMegabytes(bytes));

  // Return why the file cannot be sent, or "".
  function validateFile(file) {
    const limits = JSON.parse(replyForm().dataset.sizeLimits);
    const limit = limits[file.type] || MAX_BYTES;
    if (!file.size) return gettext("This file is empty.");
    if (file.size > limit) {
      const message = gettext("This file is %s. The limit is %s.");
      return interpolate(message, [formatMegabytes(file.size), formatMegabytes(limit)]);
    }
    if (!file.type.startsWith("image/") || limits[file.type]) return "";
    return gettext("WhatsApp supports only JPEG and PNG images.");
  }

  // A random UUID; crypto.randomUUID() is missing without https. With it the server recognizes a repeated upload.
  function randomUuid() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  function addFiles(files) {
    if (!fileInput() || !files.length) return;
    const errors = [];
    for (const file of files) {
      const error = validateFile(file);
      if (error) errors.push(`${file.name}: ${error}`);
      else {
        const item = { file, id: randomUuid(), url: "", error: "", progress: null };
        selected.set(currentId(), [...currentItems(), item]);
      }
    }
    fileInput().value = "";
    byId("file-error").textContent = errors.join(" ");
    render();
    byId("reply-text").focus();
  }

  function removeItem(item) {
    if (item.url) URL.revokeObjectURL(item.url);
    item.url = "";
    for (const [pk, items] of selected) {
      selected.set(
        pk,
        items.filter((other) => other !== item),
      );
    }
  }

  // -- The list of files --------------------------------------------------------------------------------------------

  function render() {
    const list = byId("files");
    if (!list) return;
    list.hidden = !currentItems().length;
    list.replaceChildren(...currentItems().map(createRow));
  }

  function createRow(item) {
    const li = byId("file-row").content.firstElementChild.cloneNode(true);
    const part = (name) => li.querySelector(`[data-${name}]`);
    if (item.file.type.startsWith("image/")) {
      item.url ||= URL.createObjectURL(item.file);
      li.querySelector(".file-thumb").replaceChildren(createElement("img", { src: item.url, alt: "" }));
    }
    part("name").textContent = item.file.name;
    part("size").textContent = formatSize(item.file.size);
    part("error").textContent = item.error;
    item.bar = li.querySelector("progress");
    item.bar.hidden = item.progress === null;
    item.bar.value = item.progress ?? 0;
    const button = part("remove");
    button.setAttribute("aria-label", interpolate(gettext("Remove %s"), [item.file.name]));
    button.disabled = item.progress !== null;
    button.addEventListener("click", () => {
      removeItem(item);
      byId("file-error").textContent = "";
      render();
      byId("reply-text").focus();
    });
    return li;
  }

  // -- Sending: each file is a message, in order, the text goes with the first --------------------------------------

  function formDataOf(item, fields) {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    body.append("public_id", item.id);
    body.append("file", item.file, item.file.name);
    return body;
  }

  // With XMLHttpRequest, because fetch() does not report the progress of an upload. Resolves even if it fails.
  function upload(item, fields, url) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      let stallTimer;
      const restartStallTimer = () => {
        clearTimeout(stallTimer);
        stallTimer = setTimeout(() => request.abort(), STALL_TIMEOUT_MS);
      };
      request.open("POST", url);
      request.setRequestHeader("HX-Request", "true");
      request.setRequestHeader("HX-Current-URL", location.href);
      request.upload.addEventListener("progress", ({ loaded, total }) => {
        item.progress = total ? loaded / total : 0;
        if (item.bar) item.bar.value = item.progress;
        restartStallTimer();
      });
      request.addEventListener("loadend", () => {
        clearTimeout(stallTimer);
        resolve(request);
      });
      request.send(formDataOf(item, fields));
      restartStallTimer();
    });
  }

  function errorOf(request) {
    if (request.status === 422) {
      const page = parseHtml(request.responseText);
      const errors = ["file-error", "reply-error"].map((id) => page.getElementById(id)?.textContent.trim());
      return (
        errors.find(Boolean) || page.querySelector(".composer-notice p, .window-exceeded")?.textContent.trim() || ""
      );
    }
    if (request.status === 413) return gettext("This file is too large.");
    return request.status ? gettext("The server rejected the file.") : gettext("No connection.");
  }

  function mergeResponse(request, pk, url) {
    if (currentId() !== pk) return;
    Omnichannel.lastResponse = { status: request.status, path: url };
    if (!request.responseText.includes("data-fragments")) return;
    Omnichannel.mergeFragments(request.responseText, { fromForm: true });
  }

  let isSending = false;

  async function sendAll() {
    const pk = currentId();
    const url = replyForm().action;
    const { csrfmiddlewaretoken, quoted } = replyForm().elements;
    const text = byId("reply-text").value;
    const fields = { csrfmiddlewaretoken: csrfmiddlewaretoken.value, text, quoted: quoted.value };
    const items = itemsOf(pk);
    isSending = true;
    for (const item of items) Object.assign(item, { progress: 0, error: "" });
    render();
    offerUndo(pk, await uploadAll(items, fields, pk, url));
    isSending = false;
    for (const item of items) item.progress = null;
    render();
    Omnichannel.refreshConversation();
  }

  // Upload until one fails. Return the uploaded items with the time and the id of their messages.
  async function uploadAll(items, fields, pk, url) {
    const uploaded = [];
    for (const item of items) {
      Omnichannel.rememberSentText(fields.text);
      const request = await upload(item, fields, url);
      if (request.status !== 200) {
        handleFailure(request, items, item, pk, url);
        break;
      }
      Object.assign(fields, { text: "", quoted: "" });
      removeItem(item);
      if (currentId() !== pk) Omnichannel.drafts.set("reply", "", pk);
      mergeResponse(request, pk, url);
      const message = currentId() === pk && byId("undo")?.elements.message.value;
      uploaded.push({ item, at: Date.now(), message });
      if (item !== items.at(-1)) byId("undo")?.remove(); // Undo is offered for the whole reply
    }
    return uploaded;
  }

  function handleFailure(request, items, failedItem, pk, url) {
    failedItem.error = errorOf(request) || gettext("This could not be sent.");
    for (const item of items) item.progress = null;
    if (request.status === 401) location.assign(request.getResponseHeader("HX-Redirect"));
    else if (request.status === 410) Omnichannel.showNoAccess(request.responseText);
    else mergeResponse(request, pk, url);
    if (!request.status) Omnichannel.showNotice(gettext("No connection. Your text is kept."));
  }

  // Undo takes back all messages of the reply that are still held after a slow upload.
  function offerUndo(pk, uploaded) {
    const undo = currentId() === pk && byId("undo");
    const holdMs = undo ? undo.dataset.seconds * 1000 : 0;
    const held = uploaded.filter(({ at, message }) => message && Date.now() - at < holdMs - UNDO_MARGIN_MS);
    sent.set(
      pk,
      held.map(({ item }) => item),
    );
    if (!undo) return;
    if (!held.length) return undo.remove();
    for (const input of queryAll("[name=message]", undo)) input.remove();
    undo.prepend(
      ...held.map(({ message }) => createElement("input", { type: "hidden", name: "message", value: message })),
    );
    undo.dataset.seconds = (holdMs - (Date.now() - held[0].at)) / 1000;
    Omnichannel.startUndoCountdown();
  }

  document.addEventListener(
    "submit",
    (event) => {
      if (event.target !== replyForm() || !Omnichannel.hasFiles()) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (isSending) Omnichannel.showNotice(gettext("Your previous files are still uploading."));
      else if (Omnichannel.canSendReply()) {
        Omnichannel.clearNotice();
        sendAll();
      }
    },
    true,
  );

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt === replyForm()) sent.delete(currentId());
  });

  document.addEventListener("desk:composer-changed", ({ detail }) => {
    const pk = currentId();
    if (detail.wasUndone) {
      const restored = [...(sent.get(pk) ?? []), ...currentItems()];
      selected.set(
        pk,
        restored.map((item) => ({ ...item, id: randomUuid(), progress: null })),
      );
      sent.delete(pk);
    }
    // An unchanged list is not rendered again: somebody may be about to click in it.
    if (detail.wasUndone || byId("files")?.childElementCount !== currentItems().length) render();
  });

  // -- File dialog, paste and drop ----------------------------------------------------------------------------------

  document.addEventListener("change", (event) => {
    if (event.target === fileInput()) addFiles([...event.target.files]);
  });

  // Return why no file can be attached here, or "".
  function refusalReason() {
    if (byId("mode-note")?.checked) {
      return gettext("Notes can't have files. Switch to Public to send files to the customer.");
    }
    return fileInput() ? "" : gettext("Attachments from agents are disabled for this number.");
  }

  function addOrRefuse(files) {
    const reason = refusalReason();
    if (reason) Omnichannel.showNotice(reason);
    else addFiles([...files]);
  }

  // Office programs put a picture of copied text on the clipboard, too: then the text is meant. With a copied file the
  // text is the name of the file.
  function isTextWithPicture(data) {
    const text = data.getData("text/plain");
    return text.trim() && ![...data.files].some((file) => text.includes(file.name));
  }

  document.addEventListener("paste", (event) => {
    const { target, clipboardData } = event;
    if (target.id !== "reply-text" || !clipboardData.files.length || isTextWithPicture(clipboardData)) return;
    event.preventDefault();
    addOrRefuse(clipboardData.files);
  });

  // On the whole page: by default the browser would leave the page and open a dropped file.
  for (const type of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(type, (event) => {
      if (!event.dataTransfer?.types.includes("Files") || event.target.matches?.("[type=file]")) return;
      event.preventDefault();
      const form = event.target.closest?.(".conversation") && replyForm();
      if (!form) {
        event.dataTransfer.dropEffect = "none";
        return;
      }
      form.classList.toggle("is-dropping", type === "dragover" && !refusalReason());
      if (type === "drop") addOrRefuse(event.dataTransfer.files);
    });
  }

  // Ask before leaving the page during an upload.
  window.addEventListener("beforeunload", (event) => isSending && event.preventDefault());
})();
