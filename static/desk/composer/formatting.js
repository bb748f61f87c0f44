// WhatsApp's formatting: keys and buttons that put its marks around words, and what the customer will see of it.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const AFTER = 250; // milliseconds without a key
  const field = () => byId("reply-text");
  const KEYS = { b: "*", i: "_", "shift x": "~", "shift m": "```" };
  // Whether there may be anything to show; whether there is, the server knows.
  const MARKED = /[*_~`]|^(?:> |[-*] |\d+\. )/m;

  const SIGNS = Object.values(KEYS);

  // The mark around these words, whatever other marks are between: where it begins and ends; null without one.
  function layer(value, from, to, sign) {
    const around = (one) => value.slice(from - one.length, from) === one && value.slice(to, to + one.length) === one;
    const found = SIGNS.find((one) => from >= one.length && around(one));
    if (!found) return null;
    const [begin, end] = [from - found.length, to + found.length];
    return found === sign ? { from, to, begin, end } : layer(value, begin, end, sign);
  }

  function mark(sign) {
    const { value, selectionStart, selectionEnd } = field();
    const picked = value.slice(selectionStart, selectionEnd);
    const [before, inside, after] = picked.match(/^(\s*)([\s\S]*?)(\s*)$/).slice(1);
    const [from, to] = [selectionStart + before.length, selectionEnd - after.length];
    const found = layer(value, from, to, sign);
    const has = inside.length >= 2 * sign.length && inside.startsWith(sign) && inside.endsWith(sign);
    if (found) put(value.slice(found.from, found.to), found.begin, found.end, from - found.from);
    else if (has) put(inside.slice(sign.length, -sign.length), from, to, 0);
    else put(sign + inside + sign, from, to, sign.length);
  }

  // What was picked stays picked, without its marks, so that a second mark can be put around it.
  function put(text, from, to, edge) {
    Desk.type(field(), text, { from, to });
    field().setSelectionRange(from + edge, from + text.length - edge);
  }

  document.addEventListener("keydown", (event) => {
    if (event.target !== field() || !(event.ctrlKey || event.metaKey) || event.altKey || event.isComposing) return;
    const sign = KEYS[`${event.shiftKey ? "shift " : ""}${event.key.toLowerCase()}`];
    if (!sign) return;
    event.preventDefault();
    mark(sign);
  });

  document.addEventListener("mousedown", (event) => event.target.closest("[data-mark]") && event.preventDefault());
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-mark]");
    if (button && field()) mark(button.dataset.mark);
  });

  // -- As the customer sees it --------------------------------------------------------------------------------------

  let timer;
  let asked = 0;

  function hide() {
    asked += 1;
    const box = byId("as-seen");
    if (box) box.hidden = true;
  }

  async function preview() {
    const text = field()?.value ?? "";
    if (!MARKED.test(text)) return hide();
    const mine = (asked += 1);
    const { csrfmiddlewaretoken } = field().form.elements;
    const body = new URLSearchParams({ csrfmiddlewaretoken: csrfmiddlewaretoken.value, text });
    try {
      const answer = await Desk.fetch(byId("composer").dataset.preview, { method: "POST", body });
      const html = answer.ok ? await answer.text() : "";
      if (mine === asked && byId("as-seen")) show(html);
    } catch {
      // Without a connection there is no preview.
    }
  }

  function show(html) {
    byId("as-seen").hidden = !html;
    byId("as-seen-text").innerHTML = html;
  }

  function soon() {
    clearTimeout(timer);
    if (!MARKED.test(field()?.value ?? "")) return hide();
    timer = setTimeout(preview, AFTER);
  }

  document.addEventListener("input", (event) => event.target === field() && soon());
  document.addEventListener("desk:composer", ({ detail }) => {
    if (!detail.root || detail.wasSent || detail.wasUndone) soon();
  });

  // -- Emoji: the picker is fetched when somebody opens it ----------------------------------------------------------

  document.addEventListener("click", (event) => {
    const button = event.target.closest("#open-emoji");
    if (!button) return;
    if (Desk.emoji) return Desk.emoji(button);
    const script = Object.assign(document.createElement("script"), { src: button.dataset.script });
    script.addEventListener("load", () => Desk.emoji(button));
    script.addEventListener("error", () => Desk.notice(gettext("No connection.")));
    document.head.append(script);
  });
})();
