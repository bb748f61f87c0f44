// The list of conversations: updated in place, with selection, menus and filters.
"use strict";

(() => {
  const { byId, focus, foldText, parseHtml, queryAll } = Omnichannel;

  const rowItems = (list) => [...list.children].filter((li) => !li.classList.contains("more-row"));
  const checkboxOf = (li) => li.querySelector(".row-checkbox input");

  // -- Updating in place: scroll position, selection and focus are kept ---------------------------------------------

  const contents = new WeakMap(); // li: its HTML as the server sent it

  // The HTML of a row without the countdown, which the page updates itself.
  function contentOf(li) {
    if (contents.has(li)) return contents.get(li);
    const copy = li.cloneNode(true);
    copy.querySelector(".time-left")?.remove();
    copy.querySelector(".row").removeAttribute("aria-current");
    contents.set(li, copy.innerHTML);
    return copy.innerHTML;
  }

  // Return the item for the list: the old one, with its row replaced if it changed.
  function mergeItem(old, fresh) {
    if (!old) {
      htmx.process(fresh);
      return fresh;
    }
    if (contentOf(old) === contentOf(fresh)) return old;
    contents.set(old, contentOf(fresh));
    const [oldRow, freshRow] = [old, fresh].map((li) => li.querySelector(".row"));
    const hadFocus = oldRow === document.activeElement;
    oldRow.replaceWith(freshRow);
    htmx.process(freshRow);
    if (hadFocus) focus(freshRow);
    return old;
  }

  // Whether rows below the fetched ones are visible or selected. Otherwise they are removed, and fetched on scrolling.
  function isInUse(below) {
    if (!below.length) return false;
    const { bottom } = byId("rows").getBoundingClientRect();
    return below[0].getBoundingClientRect().top < bottom || below.some((li) => checkboxOf(li)?.checked);
  }

  function mergeRows(list, freshList) {
    const oldItems = rowItems(list);
    const oldById = new Map(oldItems.map((li) => [li.id, li]));
    const freshItems = rowItems(freshList);
    const freshIds = new Set(freshItems.map((li) => li.id));
    const freshMore = freshList.querySelector(":scope > .more-row");
    const lastKnown = Math.max(-1, ...freshItems.map((li) => oldItems.indexOf(oldById.get(li.id))));
    const hasBelow = freshMore && oldItems.length > freshItems.length;
    const below = hasBelow ? oldItems.slice(lastKnown + 1).filter((li) => !freshIds.has(li.id)) : [];
    const rest = isInUse(below) ? below : [];
    const more = rest.length ? list.querySelector(":scope > .more-row") : freshMore;
    const merged = freshItems.map((li) => mergeItem(oldById.get(li.id), li));
    const focused = document.activeElement;
    arrange(list, [...merged, ...rest, ...(more ? [more] : [])]);
    if (more) htmx.process(more);
    if (focused !== document.activeElement && focused.isConnected) focus(focused);
  }

  function arrange(list, items) {
    for (const [index, li] of items.entries()) {
      if (list.children[index] !== li) list.insertBefore(li, list.children[index] ?? null);
    }
    while (list.children.length > items.length) list.lastElementChild.remove();
  }

  // Keep the topmost visible row where it is, whatever is inserted above.
  function keepScrollPosition(rows, change) {
    const top = rows.getBoundingClientRect().top;
    const isVisible = (li) => li.getBoundingClientRect().bottom > top;
    const anchor = rows.scrollTop > 0 && queryAll("li", rows).find(isVisible);
    const before = anchor ? anchor.getBoundingClientRect().top : 0;
    change();
    if (anchor?.isConnected) rows.scrollTop += anchor.getBoundingClientRect().top - before;
  }

  function mergePart(id, fresh) {
    const old = byId(id);
    if (!old || !fresh || old.innerHTML === fresh.innerHTML) return;
    const { scrollTop } = old;
    Omnichannel.replaceContent(old, fresh);
    old.scrollTop = scrollTop;
  }

  // Merge a link before or after the rows.
  function mergeLink(rows, freshRows, id, position) {
    const [old, fresh] = [rows, freshRows].map((root) => root.querySelector(`#${id}`));
    if (old?.outerHTML === fresh?.outerHTML) return;
    old?.remove();
    if (!fresh) return;
    rows.insertAdjacentElement(position, fresh);
    htmx.process(fresh);
  }

  function mergeRowsPart(freshRows) {
    const rows = byId("rows");
    const [list, freshList] = [rows, freshRows].map((root) => root.querySelector("#row-list"));
    if (!list || !freshList) return mergePart("rows", freshRows);
    keepScrollPosition(rows, () => {
      mergeRows(list, freshList);
      mergeLink(rows, freshRows, "show-snoozed", "afterbegin");
      mergeLink(rows, freshRows, "show-older", "beforeend");
    });
    showSelectedCount();
  }

  const showNews = (text) => Omnichannel.showNotice(text, { isNews: true });

  function announceChanges(fresh) {
    const openId = Omnichannel.conversationId();
    for (const row of queryAll(".row", fresh)) {
      const old = byId(row.id);
      const name = row.querySelector(".customer-name").textContent.trim();
      const snoozeEnded = "snoozeOver" in row.dataset && !(old && "snoozeOver" in old.dataset);
      if (snoozeEnded) showNews(interpolate(gettext("Snooze ended: %s"), [name]));
      if (row.dataset.pk === openId || !old || +row.dataset.unread <= +old.dataset.unread) continue;
      Omnichannel.announce(interpolate(gettext("New message from %s"), [name]));
    }
  }

  let refreshCount = 0;
  let isRefreshing = false;
  let refreshCountAtSwap = null; // while htmx fetches another list: the count when it was requested

  const refresh = Omnichannel.oneAtATime(async () => {
    isRefreshing = true;
    await fetchList(byId("list"));
    isRefreshing = false;
  });

  Omnichannel.refreshList = () => {
    refreshCount += 1;
    return refresh();
  };

  async function fetchList(list) {
    if (!list?.dataset.view) return;
    const shown = queryAll("#row-list .row", list).length;
    try {
      const url = `${byId("bulk").dataset.inboxUrl}?${list.dataset.query}&shown=${shown}`;
      const response = await Omnichannel.fetch(url, { headers: { "HX-Target": "list" } });
      if (!response.ok) return;
      const fresh = parseHtml(await response.text()).getElementById("list");
      if (!fresh || byId("list") !== list || fresh.dataset.query !== list.dataset.query) return;
      mergeList(list, fresh);
    } catch {
      // Without a connection the status line of the stream is shown.
    }
  }

  function mergeList(list, fresh) {
    announceChanges(fresh);
    list.dataset.unread = fresh.dataset.unread;
    mergePart("tabs", fresh.querySelector("#tabs"));
    mergeRowsPart(fresh.querySelector("#rows"));
    Omnichannel.highlightOpenRow();
    Omnichannel.updateCountdowns();
  }

  // A conversation was read, in this tab or elsewhere: refresh unless the list shows it as read already.
  Omnichannel.refreshUnreadMarks = (pk) => {
    const row = byId(`row-${pk}`);
    const isSettled = !isRefreshing && refreshCountAtSwap === null;
    if (!isSettled || !row || row.querySelector(".unread, .mention")) Omnichannel.refreshList();
  };

  // Called after another conversation was opened or the list was replaced.
  Omnichannel.highlightOpenRow = () => {
    const pk = Omnichannel.conversationId();
    for (const row of queryAll(".row")) {
      if (pk && row.dataset.pk === pk) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
    Omnichannel.showUnreadCount();
  };

  // Unread conversations and offers, in the title and the icon of the tab.
  Omnichannel.showUnreadCount = () => {
    const count = +(byId("list")?.dataset.unread || 0) + queryAll("[data-expires-in]").length;
    const title = document.title.replace(/^\(\d+\) /, "");
    document.title = count ? `(${count}) ${title}` : title;
    Omnichannel.showBadge(count);
  };

  // -- The menu of a conversation: closed after a choice ------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const item = event.target.closest(".more-menu .menu-item");
    if (!item) return;
    setTimeout(() => {
      item.closest("details").open = false;
    });
  });

  // -- Search results: arrow keys lead from the search field through the results and back ---------------------------

  document.addEventListener("keydown", (event) => {
    const field = byId("search");
    const results = queryAll("#search-results a.row");
    const isStep = ["ArrowDown", "ArrowUp"].includes(event.key) && !event.altKey && !event.ctrlKey && !event.metaKey;
    const index = results.indexOf(event.target);
    if (!isStep || !results.length || (index < 0 && event.target !== field)) return;
    const next = index + (event.key === "ArrowDown" ? 1 : -1);
    if (next >= results.length || (index < 0 && next < 0)) return;
    event.preventDefault();
    (results[next] ?? field).focus();
  });

  // -- Selection: checkboxes, the x key, shift for a range ----------------------------------------------------------

  const MAX_SELECTED = 200;
  const checkboxes = () => queryAll("#row-list .row-checkbox input");
  let lastSelected = "";

  function showSelectedCount() {
    const count = checkboxes().filter((checkbox) => checkbox.checked).length;
    const label = byId("selected-count");
    if (!label) return;
    byId("list").classList.toggle("is-selecting", count > 0);
    const text = count ? interpolate(ngettext("%s selected", "%s selected", count), [count]) : "";
    if (label.textContent !== text) label.textContent = text;
  }

  function selectRange(checkbox) {
    const all = checkboxes();
    const from = all.findIndex((candidate) => candidate.value === lastSelected);
    const to = all.indexOf(checkbox);
    if (from < 0) return;
    for (const other of all.slice(Math.min(from, to), Math.max(from, to) + 1)) other.checked = checkbox.checked;
  }

  function selectAll(isSelected) {
    for (const [index, checkbox] of checkboxes().entries()) checkbox.checked = isSelected && index < MAX_SELECTED;
    showSelectedCount();
  }

  // Toggle the selection of the focused row, else of the open conversation. Return whether there was one.
  Omnichannel.toggleSelection = () => {
    const focused = document.activeElement.closest?.("#row-list > li");
    const li = focused ?? document.querySelector("#row-list .row[aria-current]")?.closest("li");
    const checkbox = li && checkboxOf(li);
    if (!checkbox) return false;
    checkbox.checked = !checkbox.checked;
    lastSelected = checkbox.value;
    showSelectedCount();
    return true;
  };

  document.addEventListener("click", (event) => {
    if (event.target.matches("#row-list .row-checkbox input")) {
      if (event.shiftKey) selectRange(event.target);
      lastSelected = event.target.value;
      showSelectedCount();
    }
    if (event.target.id === "select-all") selectAll(true);
    if (event.target.id === "select-none") selectAll(false);
  });

  document.body.addEventListener("bulk-done", (event) => {
    const { message, failed_count: failedCount } = event.detail;
    // After a failure the dialog stays open: it lists the conversations that failed.
    if (!failedCount) {
      byId("dialog")?.close();
      Omnichannel.showNotice(message);
    }
    selectAll(false);
    Omnichannel.refreshList();
    Omnichannel.refreshConversation();
  });

  // -- Filtering the choices of a dialog: labels, colleagues, queues ------------------------------------------------

  const normalize = (text) => foldText(text.trim());
  const choicesOf = (field) => queryAll(field.dataset.filterChoices, field.form);

  function filterChoices(field) {
    const query = normalize(field.value);
    let hasExactMatch = !query;
    for (const choice of choicesOf(field)) {
      const text = normalize(choice.textContent);
      choice.classList.toggle("is-filtered-out", !text.includes(query));
      hasExactMatch ||= text === query;
    }
    const newLabel = byId("new-label");
    if (!newLabel) return;
    newLabel.hidden = hasExactMatch;
    byId("new-label-name").textContent = field.value.trim();
    if (hasExactMatch) newLabel.querySelector("input").checked = false;
  }

  // Enter chooses the only match, else offers to create the label, else chooses the first match.
  function chooseMatch(field) {
    const matches = choicesOf(field).filter((choice) => !choice.classList.contains("is-filtered-out"));
    const newLabel = byId("new-label");
    const choice = matches.length === 1 || !newLabel || newLabel.hidden ? matches[0] : newLabel;
    const input = choice?.querySelector("input");
    if (!input) return;
    input.checked = input.type === "radio" || !input.checked;
    if (choice !== newLabel) field.value = "";
    filterChoices(field);
  }

  document.addEventListener("input", (event) => event.target.dataset.filterChoices && filterChoices(event.target));

  document.addEventListener(
    "keydown",
    (event) => {
      const { target, key } = event;
      if (target.dataset?.filterChoices && key === "Enter" && target.value.trim()) {
        event.preventDefault();
        chooseMatch(target);
      }
      if (target.id === "search" && key === "Escape" && target.value) {
        event.preventDefault();
        event.stopImmediatePropagation();
        target.value = "";
        byId("search-results").replaceChildren();
      }
    },
    true,
  );

  document.addEventListener("search", (event) => {
    if (event.target.id === "search" && !event.target.value) byId("search-results").replaceChildren();
  });

  // -- Lists fetched by htmx ----------------------------------------------------------------------------------------

  let requesterId = "";
  let focusIndex = -1; // of the first row of the next page, if "more" has the focus

  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, target } = event.detail;
    if (target?.id === "list") {
      requesterId = elt.closest(".sort-menu") ? "sort-by" : elt.id;
      refreshCountAtSwap = refreshCount;
    }
    focusIndex = elt.matches(".more") && elt === document.activeElement ? checkboxes().length : -1;
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt.matches("[data-close-on-submit]")) byId("dialog")?.close();
    if (event.detail.target?.id !== "list") return;
    // Changes that were reported after the request may be missing from the response.
    const isStale = refreshCountAtSwap !== refreshCount;
    refreshCountAtSwap = null;
    if (isStale) Omnichannel.refreshList();
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "dialog-container")
      for (const field of queryAll("#dialog-container [data-filter-choices]")) filterChoices(field);
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    const { target } = event.detail;
    if (target.id === "list" && document.activeElement === document.body) {
      focus(byId(requesterId) || byId("do-filter"));
    }
    if (target.id !== "list" && !byId("list")?.contains(event.target)) return;
    if (focusIndex >= 0) focus(checkboxes()[focusIndex]?.closest("li").querySelector(".row"));
    focusIndex = -1;
    Omnichannel.highlightOpenRow();
    Omnichannel.updateCountdowns();
    showSelectedCount();
  });
})();
