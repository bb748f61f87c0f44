// Keys for what hands do all day. A button, link or field becomes one by data-shortcut="k"; what is on every page is here.
"use strict";

{
  const byId = (id) => document.getElementById(id);
  const SEQUENCE_WITHIN = 1500; // milliseconds between "g" and the letter after it
  const FIELDS = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=file])";
  const OPEN = "dialog[open], details.menu[open], #panel > *, [role=listbox]:not([hidden]), .workspace.show-customer";

  // -- What there is: the overview is made of this, and of whatever else on the page has data-shortcut --------------

  const press =
    (...selectors) =>
    () => {
      const found = selectors.flatMap((one) => [...document.querySelectorAll(one)]).find(isInReach);
      if (!found) return false;
      if (found.matches(FIELDS)) found.focus();
      else found.click();
      return true;
    };

  const isUsable = (element) => !element.disabled && (element.checkVisibility?.() ?? true);
  // What is in a closed menu can't be seen, but done.
  const isInReach = (element) =>
    isUsable(element) || Boolean(!element.disabled && element.closest("details.menu:not([open])"));

  const registry = () => [
    [
      gettext("Everywhere"),
      [
        ["?", gettext("Show this overview"), showOverview],
        ["/", gettext("Search"), press('[data-shortcut="/"]', "#search", '#list [type="search"]')],
        ["g m", gettext("My conversations"), press("#tab-my")],
        ["g o", gettext("Open: what waits for an agent"), press("#tab-open")],
        ["g c", gettext("Closed conversations"), press("#tab-closed")],
        ["a", gettext("Accept what is offered"), press('[data-shortcut="a"]', '#offers [id^="accept-"]', "#come-back")],
        ["Alt 1", gettext("Presence: the first in the menu, Alt 2 the second, and so on")],
        ["Escape", gettext("Leave a field, close what is open, back to the list")],
      ],
    ],
    [
      gettext("In the list"),
      [
        ["j", gettext("Next conversation"), () => step(1)],
        ["k", gettext("Conversation before"), () => step(-1)],
        ["Enter", gettext("Open it")],
        ["x", gettext("Select it"), () => Desk.pick()],
      ],
    ],
    [
      gettext("In a conversation"),
      [
        ["r", gettext("Reply"), () => write("public", "reply-text")],
        ["n", gettext("Note for colleagues"), () => write("note", "note-text")],
        ["e", gettext("End, then close"), press('[data-shortcut="e"]', "#do-end", "#do-close")],
        ["t", gettext("Transfer"), press('[data-shortcut="t"]', "#do-transfer")],
        ["c", gettext("Consult"), press('[data-shortcut="c"]', "#do-consult")],
        ["s", gettext("Snooze"), press('[data-shortcut="s"]', "#do-snooze")],
        ["l", gettext("Labels"), press('[data-shortcut="l"]', "#do-labels")],
        ["[", gettext("To the list"), toList],
        ["]", gettext("To the customer"), toCustomer],
      ],
    ],
  ];

  const key = (element) => element.dataset.shortcut;
  const name = (element) => (element.getAttribute("aria-label") || element.title || element.textContent).trim();

  function groups() {
    const known = registry();
    const keys = new Set(known.flatMap(([, entries]) => entries.map(([one]) => one)));
    const others = [...document.querySelectorAll("[data-shortcut]")].filter(
      (one) => !keys.has(key(one)) && isUsable(one),
    );
    const more = others.map((one) => [key(one), name(one), press(`[data-shortcut="${CSS.escape(key(one))}"]`)]);
    return more.length ? [...known, [gettext("On this page"), more]] : known;
  }

  // -- Doing it -----------------------------------------------------------------------------------------------------

  function rows() {
    return [...document.querySelectorAll("#rows a.row, #rows a.more")].filter(isUsable);
  }

  function step(by) {
    const all = rows();
    const here = all.indexOf(document.activeElement.closest?.("a"));
    const start = here >= 0 ? here : all.findIndex((row) => row.hasAttribute("aria-current"));
    const next = start < 0 ? 0 : Math.min(Math.max(start + by, 0), all.length - 1);
    all[next]?.focus();
    return all.length > 0;
  }

  function write(kind, field) {
    const way = byId(`write-${kind}`);
    if (way && !way.checked) way.click();
    byId(field)?.focus();
    return Boolean(byId(field));
  }

  function toList() {
    const all = rows();
    (all.find((row) => row.hasAttribute("aria-current")) ?? all[0] ?? byId("tab-my"))?.focus();
    return true;
  }

  function toCustomer() {
    const customer = byId("customer");
    if (!customer) return false;
    const door = document.querySelector(".to-customer");
    if (door && isUsable(door)) door.click();
    [...customer.querySelectorAll("a, button, input, select, summary")].find(isUsable)?.focus();
    return true;
  }

  function showPresence(place) {
    const choices = document.querySelectorAll("#presence .menu-item[name=presence]");
    choices[place - 1]?.click();
    return Boolean(choices[place - 1]);
  }

  function leave() {
    const { activeElement } = document;
    if (activeElement.matches(FIELDS)) {
      if (activeElement.closest("#list")) return toList();
      (byId("main") ?? activeElement).focus({ preventScroll: true });
      return activeElement.blur();
    }
    const back = document.querySelector(".talk-head .back");
    if (activeElement.closest("#list")) return false;
    return back && isUsable(back) ? back.click() : toList();
  }

  // -- The overview -------------------------------------------------------------------------------------------------

  function made(tag, text = "", children = []) {
    const element = document.createElement(tag);
    element.append(...(text ? [text] : children));
    return element;
  }

  const keyNames = { Escape: () => gettext("Esc"), Enter: () => gettext("Enter"), Alt: () => gettext("Alt") };
  const shownKeys = (keys) => keys.split(" ").map((one) => made("kbd", keyNames[one]?.() ?? one.toUpperCase()));

  function shownGroup([title, entries]) {
    const list = made("dl");
    for (const [keys, words] of entries)
      list.append(made("div", "", [made("dt", words), made("dd", "", shownKeys(keys))]));
    return made("section", "", [made("h2", title), list]);
  }

  function overview() {
    const dialog = made("dialog");
    dialog.id = "shortcuts";
    dialog.setAttribute("aria-labelledby", "shortcuts-title");
    const title = made("h1", gettext("Keyboard shortcuts"));
    title.id = "shortcuts-title";
    const close = made("button", gettext("Close"));
    close.className = "button small";
    close.addEventListener("click", () => dialog.close());
    const box = made("div", "", groups().map(shownGroup));
    box.className = "shortcut-groups";
    dialog.append(made("header", "", [title, close]), box);
    if (document.body.dataset.shortcuts === undefined) {
      dialog.append(made("p", gettext("Single keys are switched off in your preferences.")));
    }
    return dialog;
  }

  function showOverview() {
    const asker = document.activeElement;
    const dialog = overview();
    document.body.append(dialog);
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      (isUsable(asker) ? asker : byId("main"))?.focus({ preventScroll: true });
    });
    dialog.showModal();
    return true;
  }

  // -- Listening ----------------------------------------------------------------------------------------------------

  let sequence = "";
  let sequenceTimer;

  // Letters where they are printed, also on keyboards of other scripts; brackets that need AltGr.
  function keyOf(event) {
    const letter = /^Key([A-Z])$/.exec(event.code);
    if (letter && !/^[\x20-\x7e]$/.test(event.key)) return letter[1].toLowerCase();
    return event.key.length === 1 ? event.key.toLowerCase() : event.key;
  }

  function isWanted(event) {
    const withModifier = (event.ctrlKey || event.altKey || event.metaKey) && !event.getModifierState("AltGraph");
    return !withModifier && !event.isComposing && !event.repeat && document.body.dataset.shortcuts !== undefined;
  }

  function single(event) {
    const pressed = keyOf(event);
    const typed = sequence ? `${sequence} ${pressed}` : pressed;
    const entries = groups().flatMap(([, entries]) => entries);
    const found = entries.find(([keys, , act]) => act && keys === typed);
    clearTimeout(sequenceTimer);
    sequence = !sequence && entries.some(([keys]) => keys.startsWith(`${pressed} `)) && !found ? pressed : "";
    sequenceTimer = setTimeout(() => (sequence = ""), SEQUENCE_WITHIN);
    return found ? found[2]() : false;
  }

  function answer(event) {
    const { target } = event;
    const digit = /^Digit([1-9])$/.exec(event.code);
    if (event.altKey && !event.ctrlKey && !event.getModifierState("AltGraph") && digit) return showPresence(+digit[1]);
    if (target.matches?.(FIELDS)) return false;
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by && target.closest("#rows")) return step(by);
    return event.key.length === 1 && event.key !== " " && isWanted(event) && single(event);
  }

  // Whether something was open is asked before whoever closes it has done so.
  let wasOpen = false;
  document.addEventListener("keydown", () => (wasOpen = Boolean(document.querySelector(OPEN))), true);

  document.addEventListener("keydown", (event) => {
    if (wasOpen || event.defaultPrevented) return;
    if (event.key === "Escape") leave();
    else if (answer(event)) event.preventDefault();
  });

  document.addEventListener("DOMContentLoaded", () => {
    const entry = byId("show-shortcuts");
    if (!entry) return;
    entry.hidden = false;
    entry.addEventListener("click", () => {
      const menu = entry.closest("details");
      if (menu) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
      showOverview();
    });
  });
}
