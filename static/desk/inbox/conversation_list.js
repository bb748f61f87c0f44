// The list of conversations: brought up to date in place, and which one is open.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);

  const items = (list) => [...list.children].filter((li) => !li.classList.contains("more-row"));
  const boxOf = (li) => li.querySelector(".row-pick input");

  // -- Brought up to date in place: scrolling, selection and focus stay where they are ------------------------------

  const keys = new WeakMap();

  // What a row says, but for the time left, which counts on by itself.
  function keyOf(li) {
    if (keys.has(li)) return keys.get(li);
    const copy = li.cloneNode(true);
    copy.querySelector(".window")?.remove();
    copy.querySelector(".row").removeAttribute("aria-current");
    keys.set(li, copy.innerHTML);
    return copy.innerHTML;
  }

  function brought(old, fresh) {
    if (!old) {
      htmx.process(fresh);
      return fresh;
    }
    if (keyOf(old) === keyOf(fresh)) return old;
    keys.set(old, keyOf(fresh));
    const [row, now] = [old, fresh].map((li) => li.querySelector(".row"));
    const hadFocus = row === document.activeElement;
    row.replaceWith(now);
    htmx.process(now);
    if (hadFocus) now.focus({ preventScroll: true });
    return old;
  }

  // Rows nobody looks at and nobody has picked make room: they come anew, as they are then, when one scrolls there.
  function isInUse(below) {
    if (!below.length) return false;
    const { bottom } = byId("rows").getBoundingClientRect();
    return below[0].getBoundingClientRect().top < bottom || below.some((li) => boxOf(li)?.checked);
  }

  function mergeRows(list, fresh) {
    const before = items(list);
    const known = new Map(before.map((li) => [li.id, li]));
    const wanted = items(fresh);
    const ids = new Set(wanted.map((li) => li.id));
    const more = fresh.querySelector(":scope > .more-row");
    // Further down than what was asked for.
    const end = Math.max(-1, ...wanted.map((li) => before.indexOf(known.get(li.id))));
    const below = more && before.length > wanted.length ? before.slice(end + 1).filter((li) => !ids.has(li.id)) : [];
    const rest = isInUse(below) ? below : [];
    const after = rest.length ? list.querySelector(":scope > .more-row") : more;
    const all = [...wanted.map((li) => brought(known.get(li.id), li)), ...rest, ...(after ? [after] : [])];
    const focused = document.activeElement;
    all.forEach((li, place) => list.children[place] !== li && list.insertBefore(li, list.children[place] ?? null));
    while (list.children.length > all.length) list.lastElementChild.remove();
    if (after) htmx.process(after);
    if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
  }

  // The row at the top of what is seen stays there, whatever came above it.
  function keepingPlace(rows, change) {
    const top = rows.getBoundingClientRect().top;
    const anchor =
      rows.scrollTop > 0 && [...rows.querySelectorAll("li")].find((li) => li.getBoundingClientRect().bottom > top);
    const was = anchor ? anchor.getBoundingClientRect().top : 0;
    change();
    if (anchor && anchor.isConnected) rows.scrollTop += anchor.getBoundingClientRect().top - was;
  }

  function putPart(id, fresh) {
    const old = byId(id);
    if (!old || !fresh || old.innerHTML === fresh.innerHTML) return;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    const scrolled = old.scrollTop;
    old.innerHTML = fresh.innerHTML;
    htmx.process(old);
    old.scrollTop = scrolled;
    if (focused) byId(focused)?.focus({ preventScroll: true });
  }

  function putBeside(rows, fresh, id, place) {
    const [old, now] = [rows, fresh].map((part) => part.querySelector(`#${id}`));
    if (old?.outerHTML === now?.outerHTML) return;
    old?.remove();
    if (!now) return;
    rows.insertAdjacentElement(place, now);
    htmx.process(now);
  }

  function putRows(fresh) {
    const rows = byId("rows");
    const [list, now] = [rows, fresh].map((part) => part.querySelector("#row-list"));
    if (!list || !now) return putPart("rows", fresh);
    keepingPlace(rows, () => {
      mergeRows(list, now);
      putBeside(rows, fresh, "show-snoozed", "afterbegin");
      putBeside(rows, fresh, "show-older", "beforeend");
    });
    showPicked();
  }

  function announce(fresh) {
    const open = Desk.workspace()?.dataset.pk;
    for (const row of fresh.querySelectorAll(".row")) {
      const [before, who] = [byId(row.id), row.querySelector(".who").textContent.trim()];
      const isBack = "back" in row.dataset && !(before && "back" in before.dataset);
      if (isBack) Desk.notice(interpolate(gettext("Snooze ended: %s"), [who]));
      if (row.dataset.pk === open || !before || +row.dataset.unread <= +before.dataset.unread) continue;
      Desk.say(interpolate(gettext("%s wrote"), [who]));
    }
  }

  let wishes = 0;
  let isAsking = false;
  let coming = null; // another list is on its way: what had been wished for when it was asked for

  const askAgain = Desk.oneAtATime(async () => {
    isAsking = true;
    await ask(byId("list"));
    isAsking = false;
  });

  Desk.refreshList = () => {
    wishes += 1;
    return askAgain();
  };

  async function ask(list) {
    if (!list?.dataset.view) return;
    const shown = list.querySelectorAll("#row-list .row").length;
    try {
      const address = `${byId("bulk").dataset.inbox}?${list.dataset.query}&shown=${shown}`;
      const answer = await Desk.fetch(address, { headers: { "HX-Target": "list" } });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("list");
      if (!fresh || byId("list") !== list || fresh.dataset.query !== list.dataset.query) return;
      announce(fresh);
      list.dataset.unread = fresh.dataset.unread;
      putPart("tabs", fresh.querySelector("#tabs"));
      putRows(fresh.querySelector("#rows"));
      Desk.listShown();
      Desk.tick();
    } catch {
      // No connection: the stream's state says so.
    }
  }

  // A conversation was read, here or elsewhere: a list that shows it so already has nothing to ask.
  Desk.refreshMarks = (pk) => {
    const row = byId(`row-${pk}`);
    if (isAsking || coming !== null || !row || row.querySelector(".unread, .mention")) Desk.refreshList();
  };

  // After another conversation was opened, or the list came anew.
  Desk.listShown = () => {
    const pk = Desk.workspace()?.dataset.pk;
    for (const row of document.querySelectorAll(".row")) {
      if (pk && row.dataset.pk === pk) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
    Desk.showUnread();
  };

  Desk.showUnread = () => {
    const unread = +(byId("list")?.dataset.unread || 0) + document.querySelectorAll("[data-expires-in]").length;
    const title = document.title.replace(/^\(\d+\) /, "");
    document.title = unread ? `(${unread}) ${title}` : title;
    Desk.badge(unread);
  };

  // -- Menus: closed by what is chosen in them, walked through with the arrows ---------------------------------------

  const itemsOf = (menu) => [...menu.querySelectorAll("a[href], button, input, select")];

  document.addEventListener("click", (event) => {
    const item = event.target.closest(".more-menu .menu-item");
    if (item) setTimeout(() => (item.closest("details").open = false));
  });

  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.("details.menu");
    if (!menu || !["ArrowDown", "ArrowUp"].includes(event.key) || event.target.matches("input, select")) return;
    event.preventDefault();
    menu.open = true;
    const items = itemsOf(menu);
    const step = event.key === "ArrowDown" ? 1 : -1;
    const place = items.indexOf(document.activeElement);
    items[(place < 0 ? (step > 0 ? 0 : items.length - 1) : place + step + items.length) % items.length]?.focus();
  });

  // -- Selecting: boxes beside the rows, x, shift for a range ---------------------------------------------------------

  const MOST_PICKED = 200;
  const boxes = () => [...document.querySelectorAll("#row-list .row-pick input")];
  let lastPicked = "";

  function showPicked() {
    const picked = boxes().filter((box) => box.checked).length;
    const words = byId("picked-count");
    if (!words) return;
    byId("list").classList.toggle("is-picking", picked > 0);
    const text = picked ? interpolate(ngettext("%s selected", "%s selected", picked), [picked]) : "";
    if (words.textContent !== text) words.textContent = text;
  }

  function pickRange(box) {
    const all = boxes();
    const [from, to] = [all.findIndex((one) => one.value === lastPicked), all.indexOf(box)];
    if (from < 0) return;
    for (const one of all.slice(Math.min(from, to), Math.max(from, to) + 1)) one.checked = box.checked;
  }

  function pickAll(isPicked) {
    boxes().forEach((box, place) => (box.checked = isPicked && place < MOST_PICKED));
    showPicked();
  }

  // The row that has the focus, or the one that is open.
  Desk.pick = () => {
    const focused = document.activeElement.closest?.("#row-list > li");
    const li = focused ?? document.querySelector("#row-list .row[aria-current]")?.closest("li");
    const box = li && boxOf(li);
    if (!box) return false;
    box.checked = !box.checked;
    lastPicked = box.value;
    showPicked();
    return true;
  };

  document.addEventListener("click", (event) => {
    if (event.target.matches("#row-list .row-pick input")) {
      if (event.shiftKey) pickRange(event.target);
      lastPicked = event.target.value;
      showPicked();
    }
    if (event.target.id === "pick-all") pickAll(true);
    if (event.target.id === "pick-none") pickAll(false);
  });

  document.body.addEventListener("bulk-done", (event) => {
    const { words, failed } = event.detail;
    // What could not be done is in the dialog, row by row.
    if (!failed) byId("dialog")?.close();
    if (!failed) Desk.notice(words);
    pickAll(false);
    Desk.refreshList();
    Desk.refresh();
  });

  // -- Finding in a dialog: a label, a colleague, a queue -------------------------------------------------------------

  const plain = (text) => text.trim().toLocaleLowerCase();

  function choicesOf(field) {
    return [...field.form.querySelectorAll(field.dataset.find)];
  }

  function find(field) {
    const wanted = plain(field.value);
    let isThere = !wanted;
    for (const choice of choicesOf(field)) {
      const words = plain(choice.textContent);
      choice.classList.toggle("is-filtered-out", !words.includes(wanted));
      isThere ||= words === wanted;
    }
    const create = byId("new-label");
    if (!create) return;
    create.hidden = isThere;
    byId("new-label-name").textContent = field.value.trim();
    if (isThere) create.querySelector("input").checked = false;
  }

  function chooseFound(field) {
    const found = choicesOf(field).filter((choice) => !choice.classList.contains("is-filtered-out"));
    const create = byId("new-label");
    const choice = found.length === 1 || !create || create.hidden ? found[0] : create;
    const box = choice?.querySelector("input");
    if (!box) return;
    box.checked = box.type === "radio" || !box.checked;
    if (choice !== create) field.value = "";
    find(field);
  }

  document.addEventListener("input", (event) => event.target.dataset.find && find(event.target));

  document.addEventListener(
    "keydown",
    (event) => {
      const { target, key } = event;
      if (target.dataset?.find && key === "Enter" && target.value.trim()) {
        event.preventDefault();
        chooseFound(target);
      }
      if (target.id === "search" && key === "Escape" && target.value) {
        event.preventDefault();
        event.stopImmediatePropagation();
        target.value = "";
        byId("found").replaceChildren();
      }
    },
    true,
  );

  document.addEventListener("search", (event) => {
    if (event.target.id === "search" && !event.target.value) byId("found").replaceChildren();
  });

  // -- What is shown anew -------------------------------------------------------------------------------------------

  let asker = "";
  let moreAt = -1;

  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, target } = event.detail;
    if (target?.id === "list") {
      asker = elt.closest(".sort-menu") ? "sort-by" : elt.id;
      coming = wishes;
    }
    moreAt = elt.matches(".more") && elt === document.activeElement ? boxes().length : -1;
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt.matches("[data-closes]")) byId("dialog")?.close();
    if (event.detail.target?.id !== "list") return;
    // What happened while this list was on its way it may not show.
    const isStale = coming !== wishes;
    coming = null;
    if (isStale) Desk.refreshList();
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "panel") document.querySelectorAll("#panel [data-find]").forEach(find);
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    const { target } = event.detail;
    if (target.id === "list" && document.activeElement === document.body) {
      (byId(asker) || byId("do-filter"))?.focus({ preventScroll: true });
    }
    if (target.id !== "list" && !byId("list")?.contains(event.target)) return;
    if (moreAt >= 0) boxes()[moreAt]?.closest("li").querySelector(".row").focus({ preventScroll: true });
    moreAt = -1;
    Desk.listShown();
    Desk.tick();
    showPicked();
  });
})();
