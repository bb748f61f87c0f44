// WhatsApp formatting: keys and buttons that put marks around text, a preview, and the button of the emoji picker.
"use strict";

(() => {
  const { byId, createElement } = Omnichannel;
  const PREVIEW_DELAY_MS = 250; // without a key press
  const MARKS_BY_KEY = { b: "*", i: "_", "shift x": "~", "shift m": "```" };
  const MARKS = Object.values(MARKS_BY_KEY);
  // Whether the text may contain formatting; the server decides whether it does.
  const MAYBE_FORMATTED = /[*_~`]|^(?:> |[-*] |\d+\. )/m;
  const replyField = () => byId("reply-text");

  // -- Marks --------------------------------------------------------------------------------------------------------

  // Find `mark` around value[from:to], also outside other marks: {from, to} without and {begin, end} with it; or null.
  function findMark(value, from, to, mark) {
    const isAround = (candidate) =>
      from >= candidate.length &&
      value.slice(from - candidate.length, from) === candidate &&
      value.slice(to, to + candidate.length) === candidate;
    const innermost = MARKS.find(isAround);
    if (!innermost) return null;
    const [begin, end] = [from - innermost.length, to + innermost.length];
    return innermost === mark ? { from, to, begin, end } : findMark(value, begin, end, mark);
  }

  // Add the mark to the selected text, or remove it. White space at the ends stays outside the mark.
  function toggleMark(mark) {
    const { value, selectionStart, selectionEnd } = replyField();
    const selected = value.slice(selectionStart, selectionEnd);
    const [before, text, after] = selected.match(/^(\s*)([\s\S]*?)(\s*)$/).slice(1);
    const [from, to] = [selectionStart + before.length, selectionEnd - after.length];
    const outer = findMark(value, from, to, mark);
    const isInside = text.length >= 2 * mark.length && text.startsWith(mark) && text.endsWith(mark);
    if (outer) replace(value.slice(outer.from, outer.to), outer.begin, outer.end, from - outer.from);
    else if (isInside) replace(text.slice(mark.length, -mark.length), from, to, 0);
    else replace(mark + text + mark, from, to, mark.length);
  }

  // Replace a range and select the result without `margin` characters at both ends, so that another mark can be added.
  function replace(text, from, to, margin) {
    Omnichannel.insertText(replyField(), text, { from, to });
    replyField().setSelectionRange(from + margin, from + text.length - margin);
  }

  document.addEventListener("keydown", (event) => {
    if (event.target !== replyField() || event.altKey || event.isComposing) return;
    if (!event.ctrlKey && !event.metaKey) return;
    const mark = MARKS_BY_KEY[`${event.shiftKey ? "shift " : ""}${event.key.toLowerCase()}`];
    if (!mark) return;
    event.preventDefault();
    toggleMark(mark);
  });

  // The field must keep its focus and selection when a button is pressed.
  document.addEventListener("mousedown", (event) => event.target.closest("[data-markup]") && event.preventDefault());
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-markup]");
    if (button && replyField()) toggleMark(button.dataset.markup);
  });

  // -- Preview ------------------------------------------------------------------------------------------------------

  let timer;
  let lastRequest = 0; // number of the latest request; older responses are dropped

  function hidePreview() {
    lastRequest += 1;
    const box = byId("reply-preview");
    if (box) box.hidden = true;
  }

  function showPreview(html) {
    byId("reply-preview").hidden = !html;
    byId("reply-preview-text").innerHTML = html;
  }

  async function fetchPreview() {
    const text = replyField()?.value ?? "";
    if (!MAYBE_FORMATTED.test(text)) return hidePreview();
    lastRequest += 1;
    const request = lastRequest;
    const { csrfmiddlewaretoken } = replyField().form.elements;
    const body = new URLSearchParams({ csrfmiddlewaretoken: csrfmiddlewaretoken.value, text });
    try {
      const response = await Omnichannel.fetch(byId("composer").dataset.previewUrl, { method: "POST", body });
      const html = response.ok ? await response.text() : "";
      if (request === lastRequest && byId("reply-preview")) showPreview(html);
    } catch {
      // Without a connection there is no preview.
    }
  }

  function schedulePreview() {
    clearTimeout(timer);
    if (!MAYBE_FORMATTED.test(replyField()?.value ?? "")) return hidePreview();
    timer = setTimeout(fetchPreview, PREVIEW_DELAY_MS);
  }

  document.addEventListener("input", (event) => event.target === replyField() && schedulePreview());
  document.addEventListener("desk:composer-changed", ({ detail }) => {
    if (!detail.root || detail.wasSent || detail.wasUndone) schedulePreview();
  });

  // -- Emoji: the picker is large, so it is fetched when it is first opened -----------------------------------------

  document.addEventListener("click", (event) => {
    const button = event.target.closest("#open-emoji");
    if (!button) return;
    if (Omnichannel.toggleEmojiPicker) return Omnichannel.toggleEmojiPicker(button);
    const script = createElement("script", { src: button.dataset.scriptUrl });
    script.addEventListener("load", () => Omnichannel.toggleEmojiPicker(button));
    script.addEventListener("error", () => Omnichannel.showNotice(gettext("No connection.")));
    document.head.append(script);
  });
})();
