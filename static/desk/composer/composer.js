// Writing a reply: the field grows, counts, keeps its draft, and is put anew without losing a word.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const COUNT_FROM = 1400;
  const MOST_ROWS = 14;
  const COMMAND = /^\/(q(\s.*)?|[cinpt])?$/i;
  const SLUG = /\{\w+\{\w+\}\}/;
  const field = () => byId("reply-text");
  const form = () => field()?.form;
  const length = (text) => [...text].length;
  const hasKeyboard = () => !matchMedia("(pointer: coarse)").matches;
  const growsByItself = CSS.supports("field-sizing", "content");
  let sentText = "";

  const tell = (detail = {}) => document.dispatchEvent(new CustomEvent("desk:composer", { detail }));

  // -- The field ----------------------------------------------------------------------------------------------------

  // In rows: a height written into the style attribute is what the page's policy forbids.
  function grow(text) {
    text.rows = 1;
    while (text.rows < MOST_ROWS && text.scrollHeight > text.clientHeight) text.rows += 1;
  }

  Desk.fit = () => {
    const text = field();
    if (!growsByItself) [text, byId("note-text")].filter(Boolean).forEach(grow);
    if (!text) return;
    const limit = +form().dataset.limit;
    const used = length(text.value.trim());
    const words = used > limit ? gettext("%s too many") : gettext("%s left");
    byId("reply-count").textContent = used < COUNT_FROM ? "" : interpolate(words, [Math.abs(limit - used)]);
    form().classList.toggle("is-over", used > limit);
  };

  // As if it had been typed: it can be undone with Ctrl Z, and everybody hears of it.
  Desk.type = (target, text, { from = target.selectionStart, to = target.selectionEnd } = {}) => {
    target.focus();
    target.setSelectionRange(from, to);
    const done = text ? document.execCommand("insertText", false, text) : from === to || document.execCommand("delete");
    if (done) return;
    target.setRangeText(text, from, to, "end");
    target.dispatchEvent(new Event("input", { bubbles: true }));
  };

  Desk.isSendKey = (event) => {
    // 229: the Enter that ends a composition comes after it in Safari.
    if (event.key !== "Enter" || event.isComposing || event.keyCode === 229 || event.shiftKey || event.altKey)
      return false;
    return event.ctrlKey || event.metaKey || ("enterSends" in document.body.dataset && hasKeyboard());
  };

  Desk.complain = (words) => {
    byId("reply-error").textContent = words;
    field().setAttribute("aria-invalid", "true");
    form().classList.add("has-error");
    field().focus();
    return false;
  };

  // A composer came onto the page: the draft comes back into it.
  Desk.composerShown = () => {
    const text = field();
    if (text && Desk.workspace()) {
      if (!text.value) put(text, Desk.drafts.read("reply"));
      Desk.fit();
      if (hasKeyboard() && innerWidth > 720) text.focus({ preventScroll: true });
    } else if (Desk.workspace() && Desk.drafts.read("reply")) showUnsent(byId("composer"), Desk.drafts.read("reply"));
    tell();
  };

  // -- A new composer from the server -------------------------------------------------------------------------------

  Desk.putComposer = (old, fresh, fromForm, swap) => {
    const answers = fromForm && fresh.dataset.answer !== undefined;
    if (old.dataset.version === fresh.dataset.version && !answers) {
      const clock = byId("reply-left");
      const now = fresh.querySelector("#reply-left");
      if (clock && now) clock.replaceWith(now);
      return tell({ root: fresh.parentNode });
    }
    const done = answers && Desk.answered.status === 200;
    const wasUndone = done && Desk.answered.path.endsWith("/undo/");
    const wasSent = done && !wasUndone;
    const next = fresh.querySelector("#reply-text");
    const before = old.querySelector("#reply-text");
    const typed = before?.value ?? Desk.drafts.read("reply");
    const text = wasUndone ? [next?.value, typed].filter(Boolean).join("\n\n") : wasSent ? leftOver(typed) : typed;
    if (next) put(next, text, before);
    else if (text) showUnsent(fresh, text);
    Desk.drafts.write("reply", text);
    const focus = old.contains(document.activeElement);
    const root = fresh.parentNode;
    swap(old, fresh);
    Desk.keepNote(old, fresh);
    Desk.fit();
    const exceeded = !fromForm && fresh.querySelector(".exceeded");
    if (exceeded) Desk.say(exceeded.textContent.trim());
    // Who has sent or taken back writes on, with whatever they pressed: the button they pressed may be gone.
    const writesOn = done && /\/(reply|undo)\/$/.test(Desk.answered.path) && hasKeyboard();
    if (writesOn || (focus && !fresh.contains(document.activeElement)))
      (next ?? byId("main")).focus({ preventScroll: true });
    tell({ root, wasSent, wasUndone });
  };

  // The caret stays where it was; in other words than before it stands at their end.
  function put(next, text, before) {
    const isSame = before?.value === text;
    const [from, to] = isSame ? [before.selectionStart, before.selectionEnd] : [text.length, text.length];
    next.value = text;
    next.setSelectionRange(from, to);
  }

  // What was typed on while the message was on its way.
  function leftOver(now) {
    if (now === sentText) return "";
    return now.startsWith(sentText) ? now.slice(sentText.length).trimStart() : now;
  }

  // The conversation has gone to somebody else, say: what was being written can still be read and copied.
  function showUnsent(composer, text) {
    const shown = composer.querySelector(".unsent textarea");
    if (shown) return void (shown.value = text);
    const label = document.createElement("label");
    const area = Object.assign(document.createElement("textarea"), {
      readOnly: true,
      rows: 3,
      dir: "auto",
      value: text,
    });
    label.className = "unsent";
    label.append(gettext("This was not sent:"), area);
    composer.querySelector(".instead, .window-closed")?.append(label);
  }

  // -- Sending ------------------------------------------------------------------------------------------------------

  // Whether what is written can go out; what speaks against it is said by the field.
  Desk.mayReply = () => {
    const text = field().value;
    const limit = +form().dataset.limit;
    const over = length(text.trim()) - limit;
    if (over > 0) {
      const words = gettext("WhatsApp takes up to %s characters; this is %s too long.");
      return Desk.complain(
        interpolate(
          words,
          [limit, over].map((number) => number.toLocaleString(document.documentElement.lang)),
        ),
      );
    }
    if (COMMAND.test(text.trim()))
      return Desk.complain(gettext("This is a command: choose from the list, or write something else."));
    if (Desk.slugLeft()) return false;
    if (!text.trim() && !Desk.filesChosen()) return false;
    return !Desk.asksMeanwhile();
  };

  // A slug nobody could fill is pointed at, to be replaced.
  Desk.slugLeft = () => {
    const found = field().value.match(SLUG);
    if (!found) return false;
    Desk.complain(interpolate(gettext("Replace %s first: the customer would read it as it is."), [found[0]]));
    field().setSelectionRange(found.index, found.index + found[0].length);
    return true;
  };

  Desk.sending = (text) => (sentText = text);

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt !== form()) return;
    if (Desk.mayReply()) Desk.sending(field().value);
    else event.preventDefault();
  });

  document.addEventListener("input", (event) => {
    if (event.target !== field()) return;
    byId("reply-error").textContent = "";
    event.target.removeAttribute("aria-invalid");
    form().classList.remove("has-error");
    Desk.fit();
    Desk.drafts.write("reply", event.target.value);
  });

  document.addEventListener("keydown", (event) => {
    if (event.target !== field() || !Desk.isSendKey(event)) return;
    event.preventDefault();
    form().requestSubmit();
  });

  document.addEventListener("DOMContentLoaded", Desk.composerShown);
})();
