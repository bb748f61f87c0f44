// Replying to one message: which one is shown above the field.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const LONGEST = 200;
  const chosen = new Map(); // conversation: the message that is replied to
  const here = () => Desk.workspace()?.dataset.pk;

  // What was said before what is beside it: an advertisement, that it was forwarded, what kind of file it is.
  const SAID = [".body", ".card-words strong", "audio", "video", ".picture img", ".mark-line"];

  function wordsOf(li) {
    const said = SAID.map((place) => li.querySelector(`.bubble > ${place}, .bubble > :not(.quote) ${place}`)).find(
      Boolean,
    );
    const who = li.classList.contains("in") ? Desk.workspace().dataset.name : li.querySelector(".author")?.textContent;
    const text = said?.textContent.trim() || said?.getAttribute("aria-label") || said?.alt || gettext("File");
    return { pk: li.dataset.pk, who: who?.trim() || gettext("You"), text: text.slice(0, LONGEST) };
  }

  function show() {
    const strip = byId("quoting");
    if (!strip) return;
    const quote = chosen.get(here());
    strip.hidden = !quote;
    strip.closest("form").elements.quoted.value = quote?.pk ?? "";
    byId("quoting-who").textContent = quote?.who ?? "";
    byId("quoting-text").textContent = quote?.text ?? "";
  }

  function set(quote) {
    if (quote) chosen.set(here(), quote);
    else chosen.delete(here());
    show();
    byId("reply-text")?.focus();
  }

  // WhatsApp shows a line with > before it as a quote; what is sent is what is in the field.
  function putIntoText() {
    const { text } = chosen.get(here());
    const line = `> ${text.split("\n")[0].trim()}\n`;
    const field = byId("reply-text");
    if (!field.value.startsWith(line)) Desk.type(field, line, { from: 0, to: 0 });
    field.setSelectionRange(field.value.length, field.value.length);
  }

  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-reply-to], #quoting-end, #quote-in-text");
    if (!target || !byId("quoting")) return;
    if (target.id === "quoting-end") return set(null);
    if (target.id === "quote-in-text") return putIntoText();
    const way = byId("write-public");
    if (way && !way.checked) way.click();
    set(wordsOf(target.closest("li")));
  });

  document.addEventListener("desk:composer", ({ detail }) => {
    if (detail.wasSent) chosen.delete(here());
    const given = detail.wasUndone && byId("quoting")?.closest("form").elements.quoted.value;
    const li = given && byId(`message-${given}`);
    if (li) chosen.set(here(), wordsOf(li));
    show();
  });
})();
