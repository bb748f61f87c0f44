// Helpers of all scripts: desk, administration and simulator. Defines `Omnichannel`, the only global of our scripts.
"use strict";

window.Omnichannel = {};

(() => {
  const byId = (id) => document.getElementById(id);

  const queryAll = (selector, root = document) => [...root.querySelectorAll(selector)];

  const parseHtml = (html) => new DOMParser().parseFromString(html, "text/html");

  function createElement(tag, properties = {}, children = []) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  // Without scrolling: the page often has just restored its scroll position.
  function focus(element) {
    element?.focus({ preventScroll: true });
  }

  // Replacing a field that somebody is typing in would lose the text.
  function isBeingEdited(root) {
    const field = document.activeElement;
    return root.contains(field) && field.matches("input, textarea, select");
  }

  // The letters that Unicode does not decompose, as in conversations/search/index.py.
  const LETTERS = { ß: "ss", ẞ: "ss", æ: "ae", Æ: "ae", œ: "oe", Œ: "oe", ø: "o", Ø: "o", ł: "l", Ł: "l" };
  Object.assign(LETTERS, { đ: "d", Đ: "d", ı: "i", ё: "е", Ё: "е" });
  const LETTER_PATTERN = new RegExp(`[${Object.keys(LETTERS).join("")}]`, "g");

  // The text in lower case without accents on Latin letters, as `fold_text` on the server: "Olá" becomes "ola".
  function foldText(text) {
    const plain = text.replace(LETTER_PATTERN, (letter) => LETTERS[letter]);
    const withoutAccents = plain.normalize("NFD").replace(/([A-Za-z])[\u0300-\u036f]+/g, "$1");
    return withoutAccents.normalize("NFC").toLowerCase();
  }

  const csrfToken = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value;

  // Browser storage may be full or switched off: then a value lasts no longer than the page.
  const storage = {
    get(key) {
      try {
        return localStorage.getItem(key) ?? "";
      } catch {
        return "";
      }
    },
    set(key, value) {
      try {
        if (value) localStorage.setItem(key, value);
        else localStorage.removeItem(key);
      } catch {
        // The value is optional everywhere.
      }
    },
    getList(key) {
      try {
        const list = JSON.parse(storage.get(key) || "[]");
        return Array.isArray(list) ? list : [];
      } catch {
        return [];
      }
    },
    setList(key, list) {
      storage.set(key, JSON.stringify(list));
    },
  };

  Object.assign(Omnichannel, {
    byId,
    createElement,
    csrfToken,
    focus,
    foldText,
    isBeingEdited,
    parseHtml,
    queryAll,
    storage,
  });
})();
