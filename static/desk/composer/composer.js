// The composer: field size, character count, drafts, sending, and merging a new composer without losing typed text.
"use strict";

(() => {
  const { byId, createElement, focus } = Omnichannel;
  const SHOW_COUNT_FROM = 1400; // characters
  const MAX_ROWS = 14;
  const COMMAND = /^\/(q(\s.*)?|[cinpt])?$/i;
  const SLUG = /\{\w+\{\w+\}\}/;
  const replyField = () => byId("reply-text");
  const replyForm = () => replyField()?.form;
  const characters = (text) => [...text].length;
  const hasKeyboard = () => !matchMedia("(pointer: coarse)").matches;
  const hasFieldSizing = CSS.supports("field-sizing", "content");
  let sentText = "";

  // Let the other scripts of the composer react to a new composer.
  function notifyListeners(detail = {}) {
    document.dispatchEvent(new CustomEvent("desk:composer-changed", { detail }));
  }

  // -- The field ----------------------------------------------------------------------------------------------------

  // In rows, because the content security policy refuses a height in a style attribute.
  function growToContent(field) {
    field.rows = 1;
    while (field.rows < MAX_ROWS && field.scrollHeight > field.clientHeight) field.rows += 1;
  }

  Omnichannel.updateComposer = () => {
    const field = replyField();
    if (!hasFieldSizing) for (const area of [field, byId("note-text")].filter(Boolean)) growToContent(area);
    if (!field) return;
    const limit = +replyForm().dataset.textLimit;
    const length = characters(field.value.trim());
    const label = length > limit ? gettext("%s too many") : gettext("%s left");
    byId("reply-count").textContent = length < SHOW_COUNT_FROM ? "" : interpolate(label, [Math.abs(limit - length)]);
    replyForm().classList.toggle("is-over-limit", length > limit);
  };

  // Replace a range of the field as if it were typed: Ctrl+Z undoes it, and the field sends an input event.
  Omnichannel.insertText = (field, text, { from = field.selectionStart, to = field.selectionEnd } = {}) => {
    field.focus();
    field.setSelectionRange(from, to);
    const isDone = text
      ? document.execCommand("insertText", false, text)
      : from === to || document.execCommand("delete");
    if (isDone) return;
    field.setRangeText(text, from, to, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };

  Omnichannel.isSendKey = (event) => {
    // In Safari the Enter that ends a composition arrives after its end, with key code 229.
    if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return false;
    if (event.shiftKey || event.altKey) return false;
    return event.ctrlKey || event.metaKey || ("enterSends" in document.body.dataset && hasKeyboard());
  };

  // What the composer writes: "public" (a reply) or "note".
  Omnichannel.composerMode = (composer = byId("composer")) =>
    composer?.querySelector("#mode-note")?.checked ? "note" : "public";

  // Focus the field of the mode, without one that of the current mode. Return whether there is such a field.
  Omnichannel.focusComposer = (mode = Omnichannel.composerMode()) => {
    const field = byId(mode === "note" ? "note-text" : "reply-text");
    if (!field) return false;
    const radio = byId(`mode-${mode}`);
    if (radio && !radio.checked) radio.click();
    focus(field);
    return true;
  };

  Omnichannel.showReplyError = (text) => {
    byId("reply-error").textContent = text;
    replyField().setAttribute("aria-invalid", "true");
    replyForm().classList.add("has-error");
    replyField().focus();
  };

  // Called for the composer of a new page, and after another conversation was opened: restores the drafts.
  Omnichannel.initComposer = () => {
    const field = replyField();
    if (Omnichannel.workspace()) {
      const draft = Omnichannel.drafts.get("reply");
      if (field) {
        if (!field.value) setValue(field, draft);
        Omnichannel.updateComposer();
      } else if (draft) showUnsentText(byId("composer"), draft);
      Omnichannel.restoreNoteDraft();
    }
    notifyListeners();
  };

  // -- Merging a new composer ---------------------------------------------------------------------------------------

  Omnichannel.mergeComposer = (old, fresh, fromForm, swap) => {
    const isResponse = fromForm && fresh.dataset.formResponse !== undefined;
    const root = fresh.parentNode;
    if (old.dataset.version === fresh.dataset.version && !isResponse) {
      replaceCountdown(fresh);
      return notifyListeners({ root });
    }
    const isDone = isResponse && Omnichannel.lastResponse.status === 200;
    const wasUndone = isDone && Omnichannel.lastResponse.path.endsWith("/undo-send/");
    const wasSent = isDone && !wasUndone;
    const hadFocus = old.contains(document.activeElement);
    restoreText(old, fresh, { wasSent, wasUndone });
    Omnichannel.restoreNote(old, fresh);
    swap(old, fresh);
    Omnichannel.updateComposer();
    const limitNotice = !fromForm && fresh.querySelector(".window-exceeded");
    if (limitNotice) Omnichannel.announce(limitNotice.textContent.trim());
    // After sending and undoing the agent continues to type, although the button that was pressed may be gone.
    const continuesTyping = isDone && /\/(reply|undo-send)\/$/.test(Omnichannel.lastResponse.path) && hasKeyboard();
    const lostFocus = hadFocus && !fresh.contains(document.activeElement);
    if ((continuesTyping || lostFocus) && !Omnichannel.focusComposer()) {
      focus(fresh.querySelector(".templates a") ?? byId("main")); // becomes the search of templates, which sends nothing
    }
    notifyListeners({ root, wasSent, wasUndone });
  };

  function replaceCountdown(fresh) {
    const oldClock = byId("reply-time-left");
    const freshClock = fresh.querySelector("#reply-time-left");
    if (oldClock && freshClock) oldClock.replaceWith(freshClock);
  }

  // Put the typed text into the new composer, and after an undo also the text that was taken back.
  function restoreText(old, fresh, { wasSent, wasUndone }) {
    const field = fresh.querySelector("#reply-text");
    const oldField = old.querySelector("#reply-text");
    const typed = oldField?.value ?? Omnichannel.drafts.get("reply");
    let text = typed;
    if (wasUndone) text = [field?.value, typed].filter(Boolean).join("\n\n");
    if (wasSent) text = typedAfterSending(typed);
    if (field) setValue(field, text, oldField);
    else if (text) showUnsentText(fresh, text);
    Omnichannel.drafts.set("reply", text);
  }

  // Keep the caret if the text is the same, else put it at the end.
  function setValue(field, text, oldField) {
    const isSame = oldField?.value === text;
    const [from, to] = isSame ? [oldField.selectionStart, oldField.selectionEnd] : [text.length, text.length];
    field.value = text;
    field.setSelectionRange(from, to);
  }

  // The part that was typed while the message was being sent.
  function typedAfterSending(typed) {
    if (typed === sentText) return "";
    return typed.startsWith(sentText) ? typed.slice(sentText.length).trimStart() : typed;
  }

  // Without a reply field, for example after a transfer, the text can still be read and copied.
  function showUnsentText(composer, text) {
    const shown = composer.querySelector(".unsent-text textarea");
    if (shown) {
      shown.value = text;
      return;
    }
    const area = createElement("textarea", { readOnly: true, rows: 3, dir: "auto", value: text });
    const label = createElement("label", { className: "unsent-text" }, [gettext("Not sent:"), area]);
    composer.querySelector(".composer-notice, .window-closed")?.append(label);
  }

  // -- Sending ------------------------------------------------------------------------------------------------------

  // Whether the reply can be sent. If not, the reason is shown below the field.
  Omnichannel.canSendReply = () => {
    const text = replyField().value.trim();
    const limit = +replyForm().dataset.textLimit;
    const excess = characters(text) - limit;
    if (excess > 0) {
      const numbers = [limit, excess].map((number) => number.toLocaleString(document.documentElement.lang));
      const message = gettext("Messages can have up to %s characters. This one is %s too long.");
      Omnichannel.showReplyError(interpolate(message, numbers));
      return false;
    }
    if (COMMAND.test(text)) {
      Omnichannel.showReplyError(gettext("This is a command. Choose from the list or change the text."));
      return false;
    }
    if (Omnichannel.rejectSlug()) return false;
    if (!text && !Omnichannel.hasFiles()) return false;
    return !Omnichannel.confirmCollision();
  };

  // Select a slug without a value and ask to replace it. Return whether there is one.
  Omnichannel.rejectSlug = () => {
    const match = replyField().value.match(SLUG);
    if (!match) return false;
    const message = gettext("Replace %s before sending. The customer would see it as is.");
    Omnichannel.showReplyError(interpolate(message, [match[0]]));
    replyField().setSelectionRange(match.index, match.index + match[0].length);
    return true;
  };

  Omnichannel.rememberSentText = (text) => {
    sentText = text;
  };

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt !== replyForm()) return;
    if (Omnichannel.canSendReply()) Omnichannel.rememberSentText(replyField().value);
    else event.preventDefault();
  });

  document.addEventListener("input", (event) => {
    if (event.target !== replyField()) return;
    byId("reply-error").textContent = "";
    event.target.removeAttribute("aria-invalid");
    replyForm().classList.remove("has-error");
    Omnichannel.updateComposer();
    Omnichannel.drafts.set("reply", event.target.value);
  });

  document.addEventListener("keydown", (event) => {
    if (event.target !== replyField() || !Omnichannel.isSendKey(event)) return;
    event.preventDefault();
    replyForm().requestSubmit();
  });

  document.addEventListener("DOMContentLoaded", Omnichannel.initComposer);
})();
