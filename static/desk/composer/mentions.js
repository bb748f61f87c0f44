// Mentions: @ in a note opens a list of the colleagues who may see the conversation, filtered by the text that follows.
"use strict";

(() => {
  const { byId, foldText, parseHtml, queryAll } = Omnichannel;
  const TOKEN = /(?:^|[^\p{L}\p{N}_])(@([^\n@]{0,60}))$/u;
  const MAX_CHOICES = 20;
  const CACHE_MS = 15000; // short, because others may join or lose access
  const STEPS = { ArrowDown: 1, ArrowUp: -1 };
  let cache = { url: "", fetchedAt: 0, html: "" };
  let dismissedFrom = -1; // where the token begins that was closed with Escape
  let activeIndex = -1;

  const field = () => byId("note-text");
  const listbox = () => byId("mention-list");
  const isOpen = () => Boolean(listbox() && !listbox().hidden);
  const options = () => queryAll("[role=option]", listbox());

  // The @ and the text after it, up to the caret.
  function currentToken() {
    const { selectionStart, selectionEnd, value } = field();
    const match = selectionStart === selectionEnd && value.slice(0, selectionStart).match(TOKEN);
    return match && { query: match[2], from: selectionStart - match[1].length };
  }

  async function fetchChoices() {
    const url = field().dataset.mentionChoicesUrl;
    if (cache.url === url && Date.now() - cache.fetchedAt < CACHE_MS) return;
    cache = { url, fetchedAt: Date.now(), html: cache.url === url ? cache.html : "" };
    try {
      const response = await Omnichannel.fetch(url);
      if (!response.ok) throw new Error(String(response.status));
      cache.html = await response.text();
    } catch {
      cache.fetchedAt = 0;
    }
    if (document.activeElement === field()) update();
  }

  function matchingChoices({ query }) {
    const words = foldText(query).split(/\s+/).filter(Boolean);
    const isMatch = ({ dataset }) => {
      const names = dataset.search.split(/\s+/);
      return words.every((word) => names.some((name) => name.startsWith(word)));
    };
    const choices = queryAll("[role=option]", parseHtml(cache.html)).filter(isMatch).slice(0, MAX_CHOICES);
    const isComplete = query.endsWith(" ") && choices.some(({ dataset }) => dataset.text === `@${query.trim()}`);
    return isComplete ? [] : choices;
  }

  function update() {
    const token = currentToken();
    if (!token || token.from === dismissedFrom) return close();
    dismissedFrom = -1;
    fetchChoices();
    const choices = matchingChoices(token);
    if (!choices.length) return close();
    listbox().replaceChildren(...choices);
    listbox().hidden = false;
    activate(0);
    const { length } = choices;
    Omnichannel.announce(interpolate(ngettext("%s suggestion", "%s suggestions", length), [length]));
  }

  function close() {
    if (!isOpen()) return;
    listbox().hidden = true;
    activeIndex = -1;
    field().removeAttribute("aria-activedescendant");
  }

  function activate(index) {
    const all = options();
    activeIndex = (index + all.length) % all.length;
    for (const [position, option] of all.entries()) option.setAttribute("aria-selected", position === activeIndex);
    field().setAttribute("aria-activedescendant", all[activeIndex].id);
    all[activeIndex].scrollIntoView({ block: "nearest" });
  }

  function choose(option) {
    const token = currentToken();
    close();
    if (token)
      Omnichannel.insertText(field(), `${option.dataset.text} `, { from: token.from, to: field().selectionStart });
    close(); // inserting text is an input, which opens the list again
  }

  document.addEventListener("input", ({ target }) => target === field() && update());
  document.addEventListener("focusout", ({ target, relatedTarget }) => {
    if (target === field() && !listbox()?.contains(relatedTarget)) close();
  });

  document.addEventListener(
    "keydown",
    (event) => {
      if (event.target !== field() || !isOpen() || event.isComposing || event.shiftKey) return;
      if (event.key in STEPS) activate(activeIndex + STEPS[event.key]);
      else if (["Tab", "Enter"].includes(event.key)) choose(options()[activeIndex]);
      else if (event.key === "Escape") {
        dismissedFrom = currentToken()?.from ?? -1;
        close();
      } else return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );

  // The field must keep its focus when an option is clicked.
  document.addEventListener("mousedown", (event) => event.target.closest("#mention-list") && event.preventDefault());
  document.addEventListener("click", (event) => {
    const option = event.target.closest("#mention-list [role=option]");
    if (option) choose(option);
    else if (event.target !== field()) close();
  });
})();
