// The messages of the open conversation: merging new ones, paging in both directions, folding runs of events.
"use strict";

(() => {
  const { byId, createElement, focus, queryAll } = Omnichannel;
  const END_TOLERANCE = 60; // pixels
  const PREFETCH_MARGIN = 600; // pixels
  const MAX_ENTRIES = 400; // on the page; entries further away are removed and fetched again on demand
  const ENTRIES_AFTER_TRIM = 300;

  const entries = () => [...(byId("thread")?.children ?? [])];
  const pagingLink = (end) => document.querySelector(`#${end}:not([hidden]) a`);

  // -- Scroll position ----------------------------------------------------------------------------------------------

  // The list is laid out from its end: scrollTop is 0 at the newest message and negative above it.
  const isAtEnd = () => Math.abs(byId("scroller")?.scrollTop ?? 0) < END_TOLERANCE && !Omnichannel.hasLaterMessages();

  // Whether messages are missing between those on the page and the newest.
  Omnichannel.hasLaterMessages = () => Boolean(pagingLink("later"));

  Omnichannel.newestMessage = () => {
    const newest = +(Omnichannel.workspace()?.dataset.newest ?? 0);
    return Math.max(newest, ...entries().map((li) => +li.dataset.pk || 0));
  };

  Omnichannel.scrollToEnd = () => {
    if (Omnichannel.hasLaterMessages()) return Omnichannel.openConversation(Omnichannel.workspace().dataset.url);
    const scroller = byId("scroller");
    if (scroller) scroller.scrollTop = 0;
    updateNewestButton();
  };

  // Make a change above or below the visible messages without moving them.
  Omnichannel.keepScrollPosition = (change) => {
    const scroller = byId("scroller");
    if (!scroller || isAtEnd()) return change();
    const top = scroller.getBoundingClientRect().top;
    const anchor = entries().find((li) => li.offsetParent && li.getBoundingClientRect().bottom > top);
    const before = anchor?.getBoundingClientRect().top;
    change();
    const current = anchor && (anchor.isConnected ? anchor : byId(anchor.id));
    if (current) scroller.scrollTop += current.getBoundingClientRect().top - before;
  };

  // Pictures and videos have no height until they are loaded. Growing below the reading position would push it up.
  const heights = new WeakMap();
  const resizeObserver = new ResizeObserver((changes) => {
    const scroller = byId("scroller");
    const top = scroller?.getBoundingClientRect().top;
    let growth = 0;
    for (const { target } of changes.reverse()) {
      const { height, bottom } = target.getBoundingClientRect();
      if (heights.has(target) && bottom + growth > top) growth += height - heights.get(target);
      heights.set(target, height);
    }
    if (growth && scroller && !isAtEnd()) scroller.scrollTop -= growth;
  });

  function observeMedia() {
    for (const element of queryAll("#thread :is(.picture img, .video)")) resizeObserver.observe(element);
  }

  // -- The button to the newest message -----------------------------------------------------------------------------

  let unseenCount = 0;

  function updateNewestButton() {
    const button = byId("to-newest");
    if (!button) return;
    if (isAtEnd()) unseenCount = 0;
    const scroller = byId("scroller");
    const isFar = Math.abs(scroller.scrollTop) > scroller.clientHeight || Omnichannel.hasLaterMessages();
    button.hidden = !unseenCount && !isFar;
    button.classList.toggle("has-new-messages", unseenCount > 0);
    button.querySelector("span").textContent = unseenCount
      ? interpolate(ngettext("%s new message", "%s new messages", unseenCount), [unseenCount])
      : gettext("Newest messages");
  }

  // -- Merging entries ----------------------------------------------------------------------------------------------

  // Insert a message, event or day at its position in time. Return whether it is new on this page.
  function mergeEntry(fresh, swap) {
    const old = byId(fresh.id);
    if (old) {
      if (old.dataset.version !== fresh.dataset.version) swap(old, fresh);
      return false;
    }
    const thread = byId("thread");
    let previous = thread.lastElementChild;
    while (previous && previous.dataset.order > fresh.dataset.order) previous = previous.previousElementSibling;
    thread.insertBefore(fresh, previous ? previous.nextElementSibling : thread.firstElementChild);
    htmx.process(fresh);
    return true;
  }

  // Whether the entry lies outside the loaded range: it is fetched when somebody scrolls there.
  function isOutOfRange(li, loaded) {
    if (byId(li.id)) return false;
    const isBefore = pagingLink("earlier") && loaded.length && li.dataset.order < loaded[0].dataset.order;
    return isBefore || (Omnichannel.hasLaterMessages() && li.dataset.order > loaded.at(-1)?.dataset.order);
  }

  Omnichannel.mergeEntries = (root, { fromForm, swap, end }) => {
    const wasAtEnd = isAtEnd();
    const newest = Omnichannel.newestMessage();
    const fresh = queryAll(":scope > ol > li", root);
    const isUpdate = "renderedAt" in root.dataset || "singleMessage" in root.dataset || fromForm;
    const loaded = entries();
    const newMessages = fresh.filter((li) => +li.dataset.pk > newest);
    const inbound = newMessages.filter((li) => li.classList.contains("in"));
    const inRange = fresh.filter((li) => !isUpdate || !isOutOfRange(li, loaded));
    if (isUpdate && document.hidden && inbound.length) insertUnreadDivider(inbound[0]);
    for (const li of inRange.filter((entry) => mergeEntry(entry, swap))) {
      li.classList.toggle("is-new", newMessages.includes(li));
    }
    Omnichannel.workspace().dataset.newest = Math.max(newest, ...newMessages.map((li) => +li.dataset.pk));
    Omnichannel.foldEvents();
    trim(end);
    observeEnds();
    observeMedia();
    Omnichannel.announceMessages(inbound);
    if (isUpdate && !wasAtEnd) unseenCount += inbound.length;
    if (fromForm && newMessages.length) Omnichannel.scrollToEnd();
    else updateNewestButton();
    Omnichannel.markRead(); // the last gap may be closed now
  };

  // Mark where the agent stopped reading when the page was hidden. The line stays until another conversation is opened.
  function insertUnreadDivider(firstUnread) {
    if (byId(firstUnread.id)) return;
    byId("unread-divider")?.remove();
    const label = createElement("span", { textContent: gettext("Unread messages") });
    const line = createElement("li", { id: "unread-divider", className: "unread-divider" }, [label]);
    line.dataset.order = `${firstUnread.dataset.order.split("-")[0]}-1-~`;
    mergeEntry(line);
  }

  // -- Paging -------------------------------------------------------------------------------------------------------

  let endObserver;

  function observeEnds() {
    endObserver?.disconnect();
    const scroller = byId("scroller");
    if (!scroller) return;
    endObserver = new IntersectionObserver(
      (changes) => {
        for (const change of changes) if (change.isIntersecting) change.target.querySelector("a").click();
      },
      { root: scroller, rootMargin: `${PREFETCH_MARGIN}px 0px` },
    );
    for (const end of ["earlier", "later"]) if (pagingLink(end)) endObserver.observe(byId(end));
  }

  // Remove the entries furthest from the reading position, so that the page stays small in a long conversation.
  function trim(fetchedEnd) {
    const all = entries();
    if (all.length <= MAX_ENTRIES || !(fetchedEnd || isAtEnd())) return;
    const end = fetchedEnd === "earlier" ? "later" : "earlier";
    const removed = end === "later" ? all.slice(ENTRIES_AFTER_TRIM) : all.slice(0, all.length - ENTRIES_AFTER_TRIM);
    for (const li of removed) li.remove();
    const edge = entries()
      .filter((li) => li.dataset.pk)
      .at(end === "later" ? -1 : 0);
    if (edge) updatePagingLink(end, edge);
  }

  // Let the link fetch the messages beyond `edge`; its position is encoded in `data-order`.
  function updatePagingLink(end, edge) {
    const [at, , pk] = edge.dataset.order.split("-");
    const [, ...parts] = at.match(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{6})$/);
    const time = `${parts.slice(0, 3).join("-")}T${parts.slice(3, 6).join(":")}.${parts[6]}Z`;
    const query = `?${end === "earlier" ? "before" : "after"}=${encodeURIComponent(`${time}~${+pk}`)}`;
    const old = byId(end);
    const fresh = old.cloneNode(true);
    const { url, messagesUrl } = Omnichannel.workspace().dataset;
    fresh.querySelector("a").href = url + query;
    fresh.querySelector("a").setAttribute("hx-get", messagesUrl + query);
    fresh.dataset.version = query;
    fresh.hidden = false;
    old.replaceWith(fresh);
    htmx.process(fresh);
  }

  // -- Folding: of more than two events in a row only the newest is shown -------------------------------------------

  const unfolded = new Set(); // ids of events that were shown on request

  Omnichannel.foldEvents = () => {
    let run = [];
    const folds = new Set();
    for (const li of [...entries().filter((entry) => !entry.matches(".fold")), null]) {
      if (li?.matches(".event")) run.push(li);
      else {
        if (run.length > 2) folds.add(foldRun(run).id);
        else for (const event of run) event.hidden = false;
        run = [];
      }
    }
    for (const fold of queryAll("#thread > .fold")) if (!folds.has(fold.id)) fold.remove();
  };

  function foldRun(run) {
    const folded = run.slice(0, -1);
    const isOpen = folded.some((li) => unfolded.has(li.id));
    for (const li of folded) {
      if (isOpen) unfolded.add(li.id);
      li.hidden = !isOpen;
    }
    run.at(-1).hidden = false;
    const fold = byId(`fold-${run[0].id}`) ?? insertFold(run[0]);
    const button = fold.querySelector("button");
    const text = interpolate(ngettext("%s earlier event", "%s earlier events", folded.length), [folded.length]);
    if (button.textContent !== text) button.textContent = text;
    button.setAttribute("aria-expanded", isOpen);
    return fold;
  }

  function insertFold(firstEvent) {
    const [at, , pk] = firstEvent.dataset.order.split("-");
    const button = createElement("button", { type: "button" });
    const fold = createElement("li", { id: `fold-${firstEvent.id}`, className: "fold" }, [button]);
    fold.dataset.order = `${at}-1!${pk}`;
    firstEvent.before(fold);
    return fold;
  }

  function toggleFold(button) {
    const isOpen = button.getAttribute("aria-expanded") === "true";
    let li = button.parentElement.nextElementSibling;
    for (; li?.nextElementSibling?.matches(".event"); li = li.nextElementSibling) {
      if (isOpen) unfolded.delete(li.id);
      else unfolded.add(li.id);
    }
    Omnichannel.keepScrollPosition(Omnichannel.foldEvents);
    updateNewestButton();
  }

  // -- Details of events --------------------------------------------------------------------------------------------

  function toggleDetails(details) {
    Omnichannel.keepScrollPosition(() => {
      details.open = !details.open;
    });
    updateNewestButton();
  }

  // -- Jumping to a message -----------------------------------------------------------------------------------------

  Omnichannel.showMessage = (pk, url) => {
    const message = byId(`message-${pk}`);
    if (!message) return Omnichannel.openConversation(url);
    message.scrollIntoView({ block: "center", behavior: message.matches(".is-requested") ? "instant" : "smooth" });
    message.classList.add("is-highlighted");
    setTimeout(() => message.classList.remove("is-highlighted"), 2000);
  };

  // Called for the conversation of a new page, and after another one was opened.
  Omnichannel.initThread = () => {
    unseenCount = 0;
    const workspace = Omnichannel.workspace();
    if (!workspace) return endObserver?.disconnect();
    Omnichannel.foldEvents();
    const requested = byId(`message-${workspace.dataset.targetMessage}`);
    requested?.classList.add("is-requested");
    if (requested) Omnichannel.showMessage(workspace.dataset.targetMessage);
    else scrollToUnread();
    delete workspace.dataset.targetMessage;
    observeEnds();
    observeMedia();
    updateNewestButton();
  };

  function scrollToUnread() {
    const line = byId("unread-divider");
    if (line && line.getBoundingClientRect().top < byId("scroller").getBoundingClientRect().top) line.scrollIntoView();
  }

  // -- Event listeners ----------------------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const target = event.target.closest(".to-newest, a.quote, .fold button, #thread .event summary");
    if (!target) return;
    if (target.matches(".to-newest")) {
      Omnichannel.scrollToEnd();
      focus(byId("scroller"));
    } else if (target.matches("a.quote")) {
      event.preventDefault();
      Omnichannel.showMessage(target.hash.replace("#message-", ""), target.getAttribute("href").split("#")[0]);
    } else if (target.matches("summary")) {
      event.preventDefault(); // opening is left to `toggleDetails`, which does not move what is being read
      toggleDetails(target.parentElement);
    } else toggleFold(target);
  });

  let scrollFrame;
  document.addEventListener(
    "scroll",
    (event) => {
      if (event.target.id !== "scroller" || scrollFrame) return;
      scrollFrame = requestAnimationFrame(() => {
        scrollFrame = null;
        updateNewestButton();
      });
    },
    true,
  );
})();
