// Quick replies and commands: / or /q in the composer opens a list above it, filtered by the text that follows.
"use strict";

(() => {
  const { byId, createElement, foldText, parseHtml, queryAll } = Omnichannel;
  const TOKEN = /(?:^|\n)(\/([^\n]*))$/;
  const CACHE_MS = 15000; // short, because administrators add replies and slugs depend on the conversation
  const MAX_REPLIES = 60;
  const FIELD_IDS = ["reply-text", "note-text"];
  let cache = { url: "", fetchedAt: 0, html: "" };
  let field; // the field of the composer that was last used
  let dismissedText = ""; // the token when Escape was pressed: the list stays closed until it changes
  let activeIndex = -1;
  const actions = new WeakMap(); // option of a command: its function

  const listbox = () => byId("command-palette");
  const isOpen = () => Boolean(listbox() && !listbox().hidden);
  const options = () => queryAll("[role=option]:not([hidden])", listbox());

  // -- Commands -----------------------------------------------------------------------------------------------------

  const write = (mode) => () => Omnichannel.focusComposer(mode);
  const click = (id) => () => byId(id)?.click();

  // The commands whose button is on the page.
  function commands() {
    const writeNote = write("note");
    const all = [
      {
        key: "p",
        label: gettext("Public"),
        description: gettext("Message the customer"),
        run: write("public"),
        buttonId: "mode-public",
      },
      {
        key: "i",
        label: gettext("Internal"),
        description: gettext("Message colleagues. The customer never sees it."),
        run: writeNote,
        buttonId: "mode-note",
      },
      {
        key: "n",
        label: gettext("Note"),
        description: gettext("Note for colleagues"),
        run: writeNote,
        buttonId: "mode-note",
      },
      {
        key: "c",
        label: gettext("Consult"),
        description: gettext("Consult a colleague"),
        run: click("do-consult"),
        buttonId: "do-consult",
      },
      {
        key: "t",
        label: gettext("Transfer"),
        description: gettext("Transfer the conversation"),
        run: click("do-transfer"),
        buttonId: "do-transfer",
      },
    ];
    return all.filter(({ buttonId }) => byId(buttonId));
  }

  function matchingCommands(token) {
    const query = foldText(token.query);
    if (/^q(\s|$)/.test(query)) return [];
    const isMatch = ({ key, label }) =>
      !query || key === query || (query.length > 1 && foldText(label).startsWith(query));
    return commands().filter(isMatch).map(createCommandOption);
  }

  function createCommandOption({ key, label, description, run }) {
    const option = createElement("div", { className: "option command", id: `command-${key}` }, [
      createElement("span", { className: "option-head" }, [
        createElement("strong", { textContent: label }),
        createElement("span", { className: "option-end", textContent: `/${key}` }),
      ]),
      createElement("span", { className: "option-text", textContent: description }),
    ]);
    option.setAttribute("role", "option");
    actions.set(option, run);
    return option;
  }

  // -- The token: the slash and the text after it, up to the caret --------------------------------------------------

  function currentToken() {
    if (!field?.isConnected || field.selectionStart !== field.selectionEnd) return null;
    const match = field.value.slice(0, field.selectionStart).match(TOKEN);
    return match && { text: match[1], query: match[2], from: field.selectionStart - match[1].length };
  }

  function removeToken() {
    const token = currentToken();
    if (token) Omnichannel.insertText(field, "", { from: token.from, to: field.selectionStart });
  }

  // -- Quick replies ------------------------------------------------------------------------------------------------

  async function fetchReplies() {
    const url = byId("composer").dataset.quickRepliesUrl;
    if (cache.url === url && Date.now() - cache.fetchedAt < CACHE_MS) return;
    if (cache.url !== url) cache = { url, fetchedAt: 0, html: "" };
    cache.fetchedAt = Date.now();
    try {
      const response = await Omnichannel.fetch(url);
      if (!response.ok) throw new Error(String(response.status));
      cache.html = await response.text();
    } catch {
      cache.fetchedAt = 0;
    }
    if (currentToken()) update();
  }

  // Searches what is stored: the names that are filled in take no part.
  function matchesWords(option, words) {
    const { search, tags } = option.dataset;
    const isMatch = (word) =>
      word.startsWith("#") ? tags.split(" ").some((tag) => tag.startsWith(word.slice(1))) : search.includes(word);
    return words.every(isMatch);
  }

  function matchingReplies(token) {
    if (field.id !== "reply-text") return [];
    const query = token.query.replace(/^q(\s+|$)/i, "");
    const words = foldText(query).split(/\s+/).filter(Boolean);
    const replies = queryAll("[role=option]", parseHtml(cache.html));
    return replies.filter((option) => matchesWords(option, words)).slice(0, MAX_REPLIES);
  }

  // -- The list -----------------------------------------------------------------------------------------------------

  function update() {
    const token = currentToken();
    if (!token || token.text === dismissedText) return close();
    dismissedText = "";
    const isExplicit = /^q(\s|$)/i.test(token.query);
    const [commandOptions, replyOptions] = [matchingCommands(token), matchingReplies(token)];
    // The letter of a command selects it; without text the replies come first.
    const matches = token.query ? [...commandOptions, ...replyOptions] : [...replyOptions, ...commandOptions];
    if (!matches.length && !isExplicit) return close();
    listbox().replaceChildren(...(matches.length ? matches : [createEmptyMessage()]));
    open();
    activate(matches.length ? 0 : -1);
    const { length } = matches;
    Omnichannel.announce(interpolate(ngettext("%s suggestion", "%s suggestions", length), [length]));
  }

  function createEmptyMessage() {
    const text = gettext("No matching quick replies.");
    const message = createElement("p", { className: "command-palette-empty", textContent: text });
    message.setAttribute("role", "presentation");
    return message;
  }

  function open() {
    const list = listbox();
    if (list.parentElement !== field.form) field.form.prepend(list); // the list is shared by reply and note
    list.hidden = false;
    field.setAttribute("aria-controls", "command-palette");
  }

  function close() {
    const list = listbox();
    if (!list || list.hidden) return;
    list.hidden = true;
    activeIndex = -1;
    for (const id of FIELD_IDS) byId(id)?.removeAttribute("aria-activedescendant");
  }

  function activate(index) {
    const all = options();
    activeIndex = all.length ? (index + all.length) % all.length : -1;
    for (const [position, option] of all.entries()) option.setAttribute("aria-selected", position === activeIndex);
    if (activeIndex < 0) return field.removeAttribute("aria-activedescendant");
    field.setAttribute("aria-activedescendant", all[activeIndex].id);
    all[activeIndex].scrollIntoView({ block: "nearest" });
  }

  function choose(option) {
    removeToken();
    close();
    const run = actions.get(option);
    if (run) return run();
    Omnichannel.insertText(field, option.dataset.text);
    Omnichannel.rejectSlug();
  }

  function dismiss() {
    dismissedText = currentToken()?.text ?? "";
    close();
  }

  // -- Event listeners ----------------------------------------------------------------------------------------------

  function handleInput(event) {
    if (!FIELD_IDS.includes(event.target.id)) return;
    field = event.target;
    if (!listbox()) return;
    if (currentToken() && field.id === "reply-text") fetchReplies();
    update();
  }

  document.addEventListener("input", handleInput);
  document.addEventListener("click", handleInput);
  document.addEventListener("focusout", ({ target, relatedTarget }) => {
    if (target === field && !listbox()?.contains(relatedTarget)) close();
  });

  const STEPS = { ArrowDown: 1, ArrowUp: -1 };

  document.addEventListener(
    "keydown",
    (event) => {
      if (event.target !== field || !isOpen() || event.isComposing) return;
      const option = options()[activeIndex];
      if (event.shiftKey && event.key === "Tab") return close();
      const isChosen = option && !event.shiftKey && ["Tab", "Enter"].includes(event.key);
      if (event.key in STEPS) activate(activeIndex + STEPS[event.key]);
      else if (isChosen) choose(option);
      else if (event.key === "Escape") dismiss();
      else if (event.key !== "Enter" || event.shiftKey) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );

  // The field must keep its focus when an option is clicked.
  document.addEventListener("mousedown", (event) => event.target.closest("#command-palette") && event.preventDefault());

  document.addEventListener("click", (event) => {
    const option = event.target.closest("#command-palette [role=option]");
    if (option) return choose(option);
    if (!event.target.closest("#open-quick-replies")) return;
    field = byId("reply-text");
    dismissedText = "";
    if (isOpen()) return close();
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
    if (!currentToken()) Omnichannel.insertText(field, field.value && !field.value.endsWith("\n") ? "\n/" : "/");
    fetchReplies();
    update();
  });

  // The dialog for a personal quick reply starts with the text of the reply.
  document.addEventListener("htmx:afterSwap", () => {
    const message = document.querySelector("#dialog-container #quick-reply-message");
    if (message && !message.value) message.value = byId("reply-text")?.value ?? "";
  });
  document.addEventListener("quick-reply-saved", () => {
    cache.fetchedAt = 0;
    byId("dialog")?.close();
    Omnichannel.showNotice(gettext("Quick reply saved."));
  });

  // A new composer, for example after a delivery status, must not close the list while somebody uses it.
  document.addEventListener("desk:composer-changed", () => currentToken() || close());
})();
