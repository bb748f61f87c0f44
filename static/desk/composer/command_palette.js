// Quick replies and commands: / or /q in the reply opens a list above it, narrowed by what is typed on.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const TOKEN = /(?:^|\n)(\/([^\n]*))$/;
  const FRESH_FOR = 15000; // milliseconds: names change, and an administrator adds replies
  const MOST = 60;
  const FIELDS = ["reply-text", "note-text"];
  let replies = { address: "", at: 0, html: "" };
  let field; // the one that is typed in
  let dismissed = ""; // what Escape was pressed at
  let place = -1;

  const list = () => byId("slash-list");
  const isOpen = () => Boolean(list() && !list().hidden);
  const options = () => [...list().querySelectorAll("[role=option]:not([hidden])")];

  // -- Commands -----------------------------------------------------------------------------------------------------

  const way = (name, id) => () => {
    const choice = byId(`write-${name}`);
    if (choice && !choice.checked) choice.click();
    byId(id)?.focus();
  };
  const door = (id) => () => byId(id)?.click();

  const commands = () =>
    [
      ["p", gettext("Public"), gettext("Write to the customer"), way("public", "reply-text"), "write-public"],
      [
        "i",
        gettext("Internal"),
        gettext("Write to colleagues: the customer never sees it"),
        way("note", "note-text"),
        "write-note",
      ],
      ["n", gettext("Note"), gettext("A note for colleagues"), way("note", "note-text"), "write-note"],
      ["c", gettext("Consult"), gettext("Ask a colleague into the conversation"), door("do-consult"), "do-consult"],
      ["t", gettext("Transfer"), gettext("Pass the conversation on"), door("do-transfer"), "do-transfer"],
    ].filter(([, , , , needs]) => byId(needs));

  // -- What was typed -----------------------------------------------------------------------------------------------

  function token() {
    if (!field?.isConnected || field.selectionStart !== field.selectionEnd) return null;
    const found = field.value.slice(0, field.selectionStart).match(TOKEN);
    return found && { text: found[1], words: found[2], from: field.selectionStart - found[1].length };
  }

  function remove() {
    const typed = token();
    if (typed) Desk.type(field, "", { from: typed.from, to: field.selectionStart });
  }

  // -- Quick replies ------------------------------------------------------------------------------------------------

  async function fetchReplies() {
    const address = byId("composer").dataset.quickReplies;
    if (replies.address === address && Date.now() - replies.at < FRESH_FOR) return;
    if (replies.address !== address) replies = { address, at: 0, html: "" };
    replies.at = Date.now();
    try {
      const answer = await Desk.fetch(address);
      if (!answer.ok) throw new Error();
      replies.html = await answer.text();
    } catch {
      replies.at = 0;
    }
    if (token()) narrow();
  }

  function matches(option, words) {
    const tags = option.dataset.tags.split(" ").filter(Boolean);
    const text = option.textContent.toLowerCase();
    return words.every((word) =>
      word.startsWith("#") ? tags.some((tag) => tag.startsWith(word.slice(1))) : text.includes(word),
    );
  }

  function made(tag, className, text = "") {
    return Object.assign(document.createElement(tag), { className, textContent: text });
  }

  function commandOption([key, label, about, act]) {
    const option = made("div", "option command");
    const head = made("span", "option-head");
    option.id = `command-${key}`;
    option.setAttribute("role", "option");
    head.append(made("strong", "", label), made("span", "option-end", `/${key}`));
    option.append(head, made("span", "option-text", about));
    option.act = act;
    return option;
  }

  function commandsFor(typed) {
    const word = typed.words.toLowerCase();
    if (/^q(\s|$)/.test(word)) return [];
    const fitting = commands().filter(
      ([key, label]) => !word || key === word || (word.length > 1 && label.toLowerCase().startsWith(word)),
    );
    return fitting.map(commandOption);
  }

  function repliesFor(typed) {
    if (field.id !== "reply-text") return [];
    const words = typed.words
      .replace(/^q(\s+|$)/i, "")
      .toLowerCase()
      .split(/\s+/)
      .filter(Boolean);
    const found = new DOMParser().parseFromString(replies.html, "text/html").querySelectorAll("[role=option]");
    return [...found].filter((option) => matches(option, words)).slice(0, MOST);
  }

  // -- The list -----------------------------------------------------------------------------------------------------

  function narrow() {
    const typed = token();
    if (!typed || typed.text === dismissed) return close();
    dismissed = "";
    const isAsked = /^q(\s|$)/i.test(typed.words);
    // Exactly a command's letter: the command first; nothing typed yet: the replies first.
    const [acts, texts] = [commandsFor(typed), repliesFor(typed)];
    const found = typed.words ? [...acts, ...texts] : [...texts, ...acts];
    if (!found.length && !isAsked) return close();
    list().replaceChildren(...(found.length ? found : [nothing()]));
    open();
    point(found.length ? 0 : -1);
    Desk.say(interpolate(ngettext("%s suggestion", "%s suggestions", found.length), [found.length]));
  }

  function nothing() {
    const words = made("p", "slash-nothing", gettext("No quick reply has these words."));
    words.setAttribute("role", "presentation");
    return words;
  }

  function open() {
    const box = list();
    // Beside the field that is typed in, whichever of the two that is.
    if (box.parentElement !== field.form) field.form.prepend(box);
    box.hidden = false;
    field.setAttribute("aria-controls", "slash-list");
  }

  function close() {
    const box = list();
    if (!box || box.hidden) return;
    box.hidden = true;
    place = -1;
    for (const one of FIELDS.map(byId).filter(Boolean)) one.removeAttribute("aria-activedescendant");
  }

  function point(at) {
    const all = options();
    place = all.length ? (at + all.length) % all.length : -1;
    all.forEach((option, index) => option.setAttribute("aria-selected", index === place));
    if (place < 0) return field.removeAttribute("aria-activedescendant");
    field.setAttribute("aria-activedescendant", all[place].id);
    all[place].scrollIntoView({ block: "nearest" });
  }

  function choose(option) {
    remove();
    close();
    if (option.act) return option.act();
    Desk.type(field, option.dataset.text);
    Desk.slugLeft();
  }

  // -- What people do -----------------------------------------------------------------------------------------------

  function typed(event) {
    if (!FIELDS.includes(event.target.id)) return;
    field = event.target;
    if (!list()) return;
    if (token() && field.id === "reply-text") fetchReplies();
    narrow();
  }

  document.addEventListener("input", typed);
  document.addEventListener("click", typed);
  document.addEventListener("focusout", ({ target, relatedTarget }) => {
    if (target === field && !list()?.contains(relatedTarget)) close();
  });

  const STEPS = { ArrowDown: 1, ArrowUp: -1 };

  document.addEventListener(
    "keydown",
    (event) => {
      if (event.target !== field || !isOpen() || event.isComposing) return;
      const option = options()[place];
      if (event.shiftKey && event.key === "Tab") return close();
      const isChosen = option && !event.shiftKey && ["Tab", "Enter"].includes(event.key);
      if (event.key in STEPS) point(place + STEPS[event.key]);
      else if (isChosen) choose(option);
      else if (event.key === "Escape") dismiss();
      else if (event.key !== "Enter" || event.shiftKey) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );

  function dismiss() {
    dismissed = token()?.text ?? "";
    close();
  }

  // The field keeps the focus, whatever is clicked in the list.
  document.addEventListener("mousedown", (event) => event.target.closest("#slash-list") && event.preventDefault());
  document.addEventListener("click", (event) => {
    const option = event.target.closest("#slash-list [role=option]");
    if (option) return choose(option);
    if (!event.target.closest("#open-quick")) return;
    field = byId("reply-text");
    dismissed = "";
    if (isOpen()) return close();
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
    if (!token()) Desk.type(field, field.value && !field.value.endsWith("\n") ? "\n/" : "/");
    fetchReplies();
    narrow();
  });

  // What was written becomes a quick reply of one's own.
  document.addEventListener("htmx:afterSwap", () => {
    const message = document.querySelector("#panel #own-message");
    if (message && !message.value) message.value = byId("reply-text")?.value ?? "";
  });
  document.addEventListener("quick-reply-kept", () => {
    replies.at = 0;
    byId("dialog")?.close();
    Desk.notice(gettext("Your quick reply is saved."));
  });
  // A tick or a customer's message is no reason to take the list from who chooses from it.
  document.addEventListener("desk:composer", () => token() || close());
})();
