// Quoted replies: the message a reply refers to, shown above the field.
"use strict";

(() => {
  const { byId } = Omnichannel;
  const MAX_LENGTH = 200;
  const quotes = new Map(); // conversation id: the quoted message
  const currentId = () => Omnichannel.conversationId();

  // In this order: the text, before labels such as an advertisement, a forwarded mark or the kind of a file.
  const CONTENT = [".body", ".card-text strong", "audio", "video", ".picture img", ".message-marker"];

  function quoteOf(li) {
    const content = CONTENT.map((selector) =>
      li.querySelector(`.bubble > ${selector}, .bubble > :not(.quote) ${selector}`),
    ).find(Boolean);
    const isInbound = li.classList.contains("in");
    const author = isInbound ? Omnichannel.workspace().dataset.name : li.querySelector(".author")?.textContent;
    const text = content?.textContent.trim() || content?.getAttribute("aria-label") || content?.alt || gettext("File");
    return { pk: li.dataset.pk, author: author?.trim() || gettext("You"), text: text.slice(0, MAX_LENGTH) };
  }

  function render() {
    const box = byId("reply-quote");
    if (!box) return;
    const quote = quotes.get(currentId());
    box.hidden = !quote;
    box.closest("form").elements.quoted.value = quote?.pk ?? "";
    byId("reply-quote-author").textContent = quote?.author ?? "";
    byId("reply-quote-text").textContent = quote?.text ?? "";
  }

  function setQuote(quote) {
    if (quote) quotes.set(currentId(), quote);
    else quotes.delete(currentId());
    render();
    Omnichannel.focusComposer("public");
  }

  // WhatsApp shows a line that begins with > as a quotation.
  function insertIntoText() {
    const { text } = quotes.get(currentId());
    const line = `> ${text.split("\n")[0].trim()}\n`;
    const field = byId("reply-text");
    if (!field.value.startsWith(line)) Omnichannel.insertText(field, line, { from: 0, to: 0 });
    field.setSelectionRange(field.value.length, field.value.length);
  }

  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-reply-to], #remove-quote, #insert-quote");
    if (!target || !byId("reply-quote")) return;
    if (target.id === "remove-quote") return setQuote(null);
    if (target.id === "insert-quote") return insertIntoText();
    setQuote(quoteOf(target.closest("li")));
  });

  document.addEventListener("desk:composer-changed", ({ detail }) => {
    if (detail.wasSent) quotes.delete(currentId());
    // After an undo the server sends the id of the quoted message with the text.
    const quotedId = detail.wasUndone && byId("reply-quote")?.closest("form").elements.quoted.value;
    const li = quotedId && byId(`message-${quotedId}`);
    if (li) quotes.set(currentId(), quoteOf(li));
    render();
  });
})();
