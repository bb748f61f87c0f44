// Keyboard shortcuts and their overview. Elements with data-shortcut="k" add their own to the common ones below.
"use strict";

(() => {
  const { byId, createElement, focus, queryAll } = Omnichannel;
  const SEQUENCE_MS = 1500; // between "g" and the letter after it
  const FIELDS = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=file])";
  const OVERLAYS =
    "dialog[open], details.menu[open], #dialog-container > *, [role=listbox]:not([hidden]), .workspace.show-customer";

  const isUsable = (element) => !element.disabled && (element.checkVisibility?.() ?? true);
  // The items of a closed menu are invisible, but their shortcuts work.
  const isReachable = (element) =>
    isUsable(element) || Boolean(!element.disabled && element.closest("details.menu:not([open])"));

  // -- The shortcuts: [keys, description, action]; an action returns false if it does not apply ---------------------

  // Focus or click the first usable element that matches, in the order of the selectors.
  const press =
    (...selectors) =>
    () => {
      const element = selectors.flatMap((selector) => queryAll(selector)).find(isReachable);
      if (!element) return false;
      if (element.matches(FIELDS)) element.focus();
      else element.click();
      return true;
    };

  // The same for the open conversation: while another one is being opened, the key is meant for that one.
  const act =
    (...selectors) =>
    () =>
      !Omnichannel.isOpeningConversation() && press(...selectors)();

  const globalShortcuts = () => [
    ["?", gettext("Show keyboard shortcuts"), showOverview],
    ["/", gettext("Search"), press('[data-shortcut="/"]', "#search", '#list [type="search"]')],
    ["g m", gettext("My conversations"), press("#tab-my")],
    ["g o", gettext("Open: unassigned conversations"), press("#tab-open")],
    ["g c", gettext("Closed conversations"), press("#tab-closed")],
    ["a", gettext("Accept offer"), press('[data-shortcut="a"]', '#offers [id^="accept-"]', "#return-from-inactive")],
    ["Ctrl Shift O", gettext("Go to offers (↑ ↓ to choose, Delete to reject)")],
    ["Alt 1", gettext("Set presence by position in the menu (Alt 1, Alt 2, …)")],
    ["Escape", gettext("Leave field, close dialog, back to list")],
  ];

  const listShortcuts = () => [
    ["j", gettext("Next conversation"), () => focusRow(1)],
    ["k", gettext("Previous conversation"), () => focusRow(-1)],
    ["Enter", gettext("Open conversation")],
    ["x", gettext("Select conversation"), () => Omnichannel.toggleSelection()],
  ];

  const conversationShortcuts = () => [
    ["r", gettext("Reply"), () => Omnichannel.write("public")],
    ["n", gettext("Note for colleagues"), () => Omnichannel.write("note")],
    ["e", gettext("End, then close"), act('[data-shortcut="e"]', "#do-end", "#do-close")],
    ["t", gettext("Transfer"), act('[data-shortcut="t"]', "#do-transfer")],
    ["c", gettext("Consult"), act('[data-shortcut="c"]', "#do-consult")],
    ["s", gettext("Snooze"), act('[data-shortcut="s"]', "#do-snooze")],
    ["l", gettext("Labels"), act('[data-shortcut="l"]', "#do-labels")],
    ["[", gettext("Go to list"), focusList],
    ["]", gettext("Go to customer details"), focusCustomer],
  ];

  const nameOf = (element) => (element.getAttribute("aria-label") || element.title || element.textContent).trim();

  // All groups: [title, shortcuts]. The last group has the shortcuts of elements of this page.
  function shortcutGroups() {
    const groups = [
      [gettext("Everywhere"), globalShortcuts()],
      [gettext("In the list"), listShortcuts()],
      [gettext("In a conversation"), conversationShortcuts()],
    ];
    const knownKeys = new Set(groups.flatMap(([, shortcuts]) => shortcuts.map(([keys]) => keys)));
    const pageShortcuts = queryAll("[data-shortcut]")
      .filter((element) => !knownKeys.has(element.dataset.shortcut) && isUsable(element))
      .map((element) => {
        const keys = element.dataset.shortcut;
        return [keys, nameOf(element), act(`[data-shortcut="${CSS.escape(keys)}"]`)];
      });
    if (pageShortcuts.length) groups.push([gettext("On this page"), pageShortcuts]);
    return groups;
  }

  // -- Actions ------------------------------------------------------------------------------------------------------

  const rows = () => queryAll("#rows a.row, #rows a.more").filter(isUsable);

  function focusRow(offset) {
    const all = rows();
    const focused = all.indexOf(document.activeElement.closest?.("a"));
    const current = focused >= 0 ? focused : all.findIndex((row) => row.hasAttribute("aria-current"));
    const next = current < 0 ? 0 : Math.min(Math.max(current + offset, 0), all.length - 1);
    all[next]?.focus();
    return all.length > 0;
  }

  function focusList() {
    const all = rows();
    (all.find((row) => row.hasAttribute("aria-current")) ?? all[0] ?? byId("tab-my"))?.focus();
    return true;
  }

  function focusCustomer() {
    const customer = byId("customer");
    if (!customer) return false;
    const button = document.querySelector(".to-customer"); // on narrow screens, where the panel is hidden
    if (button && isUsable(button)) button.click();
    queryAll("a, button, input, select, summary", customer).find(isUsable)?.focus();
    return true;
  }

  function choosePresence(number) {
    const choice = queryAll("#presence .menu-item[name=presence]")[number - 1];
    choice?.click();
    return Boolean(choice);
  }

  // Escape: leave a field, else go back to the list.
  function leave() {
    const { activeElement } = document;
    const isInList = activeElement.closest("#list");
    if (activeElement.matches(FIELDS)) {
      if (isInList) return focusList();
      focus(byId("main") ?? activeElement);
      return activeElement.blur();
    }
    if (isInList) return false;
    const backLink = document.querySelector(".conversation-header .back");
    return backLink && isUsable(backLink) ? backLink.click() : focusList();
  }

  // -- The overview -------------------------------------------------------------------------------------------------

  const KEY_NAMES = { Escape: () => gettext("Esc"), Enter: () => gettext("Enter"), Alt: () => gettext("Alt") };

  function createKeys(keys) {
    return keys.split(" ").map((key) => createElement("kbd", { textContent: KEY_NAMES[key]?.() ?? key.toUpperCase() }));
  }

  function createEntry([keys, description]) {
    return createElement("div", {}, [
      createElement("dt", { textContent: description }),
      createElement("dd", {}, createKeys(keys)),
    ]);
  }

  function createGroup([title, shortcuts]) {
    const heading = createElement("h2", { textContent: title });
    return createElement("section", {}, [heading, createElement("dl", {}, shortcuts.map(createEntry))]);
  }

  function createOverview() {
    const title = createElement("h1", { id: "shortcuts-title", textContent: gettext("Keyboard shortcuts") });
    const closeButton = createElement("button", { className: "button small", textContent: gettext("Close") });
    const dialog = createElement("dialog", { id: "shortcuts" }, [
      createElement("header", {}, [title, closeButton]),
      createElement("div", { className: "shortcut-groups" }, shortcutGroups().map(createGroup)),
    ]);
    dialog.setAttribute("aria-labelledby", title.id);
    closeButton.addEventListener("click", () => dialog.close());
    if (document.body.dataset.shortcuts === undefined) {
      dialog.append(
        createElement("p", { textContent: gettext("Single-key shortcuts are turned off in your preferences.") }),
      );
    }
    return dialog;
  }

  function showOverview() {
    const opener = document.activeElement;
    const dialog = createOverview();
    document.body.append(dialog);
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      focus(isUsable(opener) ? opener : byId("main"));
    });
    dialog.showModal();
    return true;
  }

  // -- Event listeners ----------------------------------------------------------------------------------------------

  let sequence = ""; // the first key of a sequence such as "g m"
  let sequenceTimer;

  // On keyboards of other scripts the Latin letter of the key counts, else the typed character.
  function keyOf(event) {
    const letter = /^Key([A-Z])$/.exec(event.code);
    if (letter && !/^[\x20-\x7e]$/.test(event.key)) return letter[1].toLowerCase();
    return event.key.length === 1 ? event.key.toLowerCase() : event.key;
  }

  // AltGr is part of typing some characters, such as brackets.
  function isSingleKey(event) {
    const hasModifier = (event.ctrlKey || event.altKey || event.metaKey) && !event.getModifierState("AltGraph");
    if (hasModifier || event.isComposing || event.repeat) return false;
    return event.key.length === 1 && event.key !== " " && document.body.dataset.shortcuts !== undefined;
  }

  function runShortcut(event) {
    const key = keyOf(event);
    const keys = sequence ? `${sequence} ${key}` : key;
    const shortcuts = shortcutGroups().flatMap(([, group]) => group);
    const match = shortcuts.find(([candidate, , action]) => action && candidate === keys);
    const startsSequence = !sequence && !match && shortcuts.some(([candidate]) => candidate.startsWith(`${key} `));
    clearTimeout(sequenceTimer);
    sequence = startsSequence ? key : "";
    sequenceTimer = setTimeout(() => {
      sequence = "";
    }, SEQUENCE_MS);
    return match ? match[2]() : false;
  }

  // Somebody who types does not notice at once that the field was removed: such keys are no shortcuts.
  const TYPING_MS = 1500; // between two keys
  let typedField = null;
  let typedAt = 0;

  function isTypingOn(event) {
    const isField = event.target.matches?.(FIELDS);
    const continues = !isField && typedField && !typedField.isConnected && Date.now() - typedAt < TYPING_MS;
    if (isField) typedField = event.target;
    if (isField || continues) typedAt = Date.now();
    return Boolean(continues);
  }

  // Return whether the key did something.
  function handleKey(event) {
    const { target } = event;
    const digit = /^Digit([1-9])$/.exec(event.code);
    const isAltOnly = event.altKey && !event.ctrlKey && !event.getModifierState("AltGraph");
    if (isAltOnly && digit) return choosePresence(+digit[1]);
    if (isTypingOn(event) || target.matches?.(FIELDS)) return false;
    const offset = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (offset && target.closest("#rows")) return focusRow(offset);
    return isSingleKey(event) && runShortcut(event);
  }

  // Checked in the capture phase: another listener may close the overlay before the one below is called.
  let hadOverlay = false;
  document.addEventListener(
    "keydown",
    () => {
      hadOverlay = Boolean(document.querySelector(OVERLAYS));
    },
    true,
  );

  document.addEventListener("keydown", (event) => {
    if (hadOverlay || event.defaultPrevented) return;
    if (event.key === "Escape") {
      typedField = null;
      leave();
    } else if (handleKey(event)) event.preventDefault();
  });

  document.addEventListener("DOMContentLoaded", () => {
    const menuItem = byId("show-shortcuts");
    if (!menuItem) return;
    menuItem.hidden = false;
    menuItem.addEventListener("click", () => {
      const menu = menuItem.closest("details");
      if (menu) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
      showOverview();
    });
  });
})();
