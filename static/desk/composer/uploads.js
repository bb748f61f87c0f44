// Files of a reply: chosen, dropped or pasted; looked at, sent one after the other with their progress, or removed.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const MARGIN = 500; // milliseconds a click needs to arrive
  const STALLED = 30000; // milliseconds without a byte after which an upload is given up
  const LARGEST = 16 * 1024 * 1024;
  const form = () => byId("reply-text")?.form;
  const input = () => form()?.querySelector("[type=file]");
  const here = () => Desk.workspace()?.dataset.pk;
  const chosen = new Map(); // conversation: its files, also while another one is looked at
  const sent = new Map(); // conversation: what the last reply had, for who takes it back
  const mine = (pk = here()) => chosen.get(pk) ?? [];

  Desk.filesChosen = () => mine().length > 0;

  // -- Choosing -----------------------------------------------------------------------------------------------------

  const megabytes = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;
  const size = (bytes) => (bytes < 1024 * 100 ? `${Math.ceil(bytes / 1024)} KB` : megabytes(bytes));

  function problemWith(file) {
    const limits = JSON.parse(form().dataset.limits);
    const limit = limits[file.type] || LARGEST;
    if (!file.size) return gettext("This file is empty.");
    if (file.size > limit) {
      const words = gettext("This file has %s; WhatsApp takes up to %s here.");
      return interpolate(words, [megabytes(file.size), megabytes(limit)]);
    }
    if (!file.type.startsWith("image/") || limits[file.type]) return "";
    return gettext("WhatsApp takes JPEG and PNG pictures, not this kind.");
  }

  // The form's own id for each file: the same one sent twice is one message.
  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  function choose(files) {
    if (!input() || !files.length) return;
    const problems = [];
    for (const file of files) {
      const problem = problemWith(file);
      if (problem) problems.push(`${file.name}: ${problem}`);
      else chosen.set(here(), [...mine(), { file, id: newId(), url: "", problem: "", share: null }]);
    }
    input().value = "";
    byId("file-error").textContent = problems.join(" ");
    show();
    byId("reply-text").focus();
  }

  function remove(item) {
    if (item.url) URL.revokeObjectURL(item.url);
    item.url = "";
    for (const [pk, items] of chosen)
      chosen.set(
        pk,
        items.filter((one) => one !== item),
      );
  }

  // -- Showing ------------------------------------------------------------------------------------------------------

  function show() {
    const list = byId("files");
    if (!list) return;
    list.hidden = !mine().length;
    list.replaceChildren(...mine().map(row));
  }

  function row(item) {
    const li = byId("file-row").content.firstElementChild.cloneNode(true);
    const part = (name) => li.querySelector(`[data-${name}]`);
    if (item.file.type.startsWith("image/")) {
      item.url ||= URL.createObjectURL(item.file);
      const picture = Object.assign(document.createElement("img"), { src: item.url, alt: "" });
      li.querySelector(".file-thumb").replaceChildren(picture);
    }
    part("name").textContent = item.file.name;
    part("size").textContent = size(item.file.size);
    part("problem").textContent = item.problem;
    item.bar = li.querySelector("progress");
    item.bar.hidden = item.share === null;
    item.bar.value = item.share ?? 0;
    const button = part("remove");
    button.setAttribute("aria-label", interpolate(gettext("Remove %s"), [item.file.name]));
    button.disabled = item.share !== null;
    button.addEventListener("click", () => {
      remove(item);
      byId("file-error").textContent = "";
      show();
      byId("reply-text").focus();
    });
    return li;
  }

  // -- Sending: each file a message of its own, in their order, the text with the first ------------------------------

  function post(item, fields, to) {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    body.append("public_id", item.id);
    body.append("file", item.file, item.file.name);
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      let patience;
      const goesOn = () => {
        clearTimeout(patience);
        patience = setTimeout(() => request.abort(), STALLED);
      };
      request.open("POST", to);
      request.setRequestHeader("HX-Request", "true");
      request.setRequestHeader("HX-Current-URL", location.href);
      request.upload.addEventListener("progress", ({ loaded, total }) => {
        item.share = total ? loaded / total : 0;
        if (item.bar) item.bar.value = item.share;
        goesOn();
      });
      request.addEventListener("loadend", () => {
        clearTimeout(patience);
        resolve(request);
      });
      request.send(body);
      goesOn();
    });
  }

  function reasonOf(request) {
    if (request.status === 422) {
      const answer = new DOMParser().parseFromString(request.responseText, "text/html");
      const said = ["file-error", "reply-error"].map((id) => answer.getElementById(id)?.textContent.trim());
      return said.find(Boolean) || answer.querySelector(".instead p, .exceeded")?.textContent.trim() || "";
    }
    if (request.status === 413) return gettext("This file is too large.");
    return request.status ? gettext("The server could not take it.") : gettext("No connection.");
  }

  function take(request, pk, to) {
    if (here() !== pk) return;
    Desk.answered = { status: request.status, path: to };
    if (request.responseText.includes("data-pieces")) Desk.merge(request.responseText, { fromForm: true });
  }

  let isSending = false;

  async function sendAll() {
    const [pk, to] = [here(), form().action];
    const { csrfmiddlewaretoken, quoted } = form().elements;
    const fields = {
      csrfmiddlewaretoken: csrfmiddlewaretoken.value,
      text: byId("reply-text").value,
      quoted: quoted.value,
    };
    const items = mine(pk);
    const went = [];
    isSending = true;
    items.forEach((item) => Object.assign(item, { share: 0, problem: "" }));
    show();
    for (const item of items) {
      Desk.sending(fields.text);
      const request = await post(item, fields, to);
      if (request.status !== 200) {
        fail(request, items, item, pk, to);
        break;
      }
      Object.assign(fields, { text: "", quoted: "" });
      remove(item);
      if (here() !== pk) Desk.drafts.write("reply", "", pk);
      take(request, pk, to);
      went.push({ item, at: Date.now(), message: here() === pk && byId("undo")?.elements.message.value });
      if (item !== items.at(-1)) byId("undo")?.remove(); // not before all of it has gone
    }
    offerUndo(pk, went);
    isSending = false;
    items.forEach((item) => (item.share = null));
    show();
    Desk.refresh();
  }

  function fail(request, items, item, pk, to) {
    item.problem = reasonOf(request) || gettext("This could not be sent.");
    items.forEach((one) => (one.share = null));
    if (request.status === 401) location.assign(request.getResponseHeader("HX-Redirect"));
    else if (request.status === 410) Desk.outOfSight(request.responseText);
    else take(request, pk, to);
    if (!request.status) Desk.notice(gettext("No connection. Nothing you wrote is lost."));
  }

  // Undo takes back the whole reply, as much of it as is still held after a slow upload.
  function offerUndo(pk, went) {
    const undo = here() === pk && byId("undo");
    const held = undo ? undo.dataset.seconds * 1000 : 0;
    const still = went.filter(({ at, message }) => message && Date.now() - at < held - MARGIN);
    sent.set(
      pk,
      still.map(({ item }) => item),
    );
    if (!undo || !still.length) return undo && undo.remove();
    undo.querySelectorAll("[name=message]").forEach((one) => one.remove());
    const given = still.map(({ message }) => ({ type: "hidden", name: "message", value: message }));
    undo.prepend(...given.map((fields) => Object.assign(document.createElement("input"), fields)));
    undo.dataset.seconds = (held - (Date.now() - still[0].at)) / 1000;
    Desk.countDown();
  }

  document.addEventListener(
    "submit",
    (event) => {
      if (event.target !== form() || !Desk.filesChosen()) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (isSending) Desk.notice(gettext("The files you sent before are still on their way."));
      else if (Desk.mayReply()) sendAll();
    },
    true,
  );

  document.addEventListener("htmx:beforeRequest", (event) => event.detail.elt === form() && sent.delete(here()));

  document.addEventListener("desk:composer", ({ detail }) => {
    if (detail.wasUndone) {
      chosen.set(
        here(),
        [...(sent.get(here()) ?? []), ...mine()].map((item) => ({ ...item, id: newId(), share: null })),
      );
      sent.delete(here());
    }
    // What is shown stays: somebody may be about to remove one of them.
    if (detail.wasUndone || byId("files")?.childElementCount !== mine().length) show();
  });

  // -- What people do -----------------------------------------------------------------------------------------------

  document.addEventListener("change", (event) => {
    if (event.target === input()) choose([...event.target.files]);
  });

  // Why no file can be attached here; "" where one can.
  function whyNone() {
    if (byId("write-note")?.checked)
      return gettext("A note takes no files. Switch to Public to send one to the customer.");
    return input() ? "" : gettext("Attachments from agents are switched off for this number.");
  }

  function offer(files) {
    const reason = whyNone();
    if (reason) Desk.notice(reason);
    else choose([...files]);
  }

  // Cells and words copied in an office program come as a picture of them too: then the words are meant. A file that
  // was copied comes with its own name.
  function areWords(data) {
    const text = data.getData("text/plain");
    return text.trim() && ![...data.files].some((file) => text.includes(file.name));
  }

  document.addEventListener("paste", (event) => {
    const { target, clipboardData } = event;
    if (target.id !== "reply-text" || !clipboardData.files.length || areWords(clipboardData)) return;
    event.preventDefault();
    offer(clipboardData.files);
  });

  // Anywhere on the page: a browser that is left a file to itself leaves the page for it.
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      if (!event.dataTransfer?.types.includes("Files") || event.target.matches?.("[type=file]")) return;
      event.preventDefault();
      const onto = event.target.closest?.(".talk") && form();
      if (!onto) return void (event.dataTransfer.dropEffect = "none");
      onto.classList.toggle("is-dropping", kind === "dragover" && !whyNone());
      if (kind === "drop") offer(event.dataTransfer.files);
    });
  }

  // Going away now would cut the file off.
  addEventListener("beforeunload", (event) => isSending && event.preventDefault());
})();
