// The messages: put in their places, more of them fetched at both ends, what happened between them folded.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const NEAR_THE_END = 60; // pixels
  const FETCHED_AHEAD = 600; // pixels
  const MOST = 400; // entries on the page; what is further away is fetched again when it is wanted
  const KEPT = 300;

  const entries = () => [...(byId("thread")?.children ?? [])];
  const linkAt = (end) => document.querySelector(`#${end}:not([hidden]) a`);

  // -- Where one reads ----------------------------------------------------------------------------------------------

  // The list is laid out from its end: 0 is the newest, further up is negative.
  const isAtEnd = () => Math.abs(byId("scroller")?.scrollTop ?? 0) < NEAR_THE_END && !Desk.isApart();

  // Whether messages are missing between those on the page and the newest.
  Desk.isApart = () => Boolean(linkAt("later"));

  Desk.newest = () => {
    const known = +(Desk.workspace()?.dataset.newest ?? 0);
    return Math.max(known, ...entries().map((li) => +li.dataset.pk || 0));
  };

  Desk.toEnd = () => {
    if (Desk.isApart()) return Desk.open(Desk.workspace().dataset.here);
    const scroller = byId("scroller");
    if (scroller) scroller.scrollTop = 0;
    showNewest();
  };

  // Whatever changes above or below: what is before one's eyes stays where it is.
  Desk.keepPlace = (change) => {
    const scroller = byId("scroller");
    if (!scroller || isAtEnd()) return change();
    const top = scroller.getBoundingClientRect().top;
    const seen = entries().find((li) => li.offsetParent && li.getBoundingClientRect().bottom > top);
    const before = seen?.getBoundingClientRect().top;
    change();
    const now = seen && (seen.isConnected ? seen : byId(seen.id));
    if (now) scroller.scrollTop += now.getBoundingClientRect().top - before;
  };

  // A picture or film has no height until it has come. What grows below the place one reads at would push it away.
  const heights = new WeakMap();
  const growing = new ResizeObserver((seen) => {
    const scroller = byId("scroller");
    const top = scroller?.getBoundingClientRect().top;
    let below = 0;
    for (const { target } of seen.reverse()) {
      const { height, bottom } = target.getBoundingClientRect();
      if (heights.has(target) && bottom + below > top) below += height - heights.get(target);
      heights.set(target, height);
    }
    if (below && scroller && !isAtEnd()) scroller.scrollTop -= below;
  });

  function watchGrowing() {
    for (const one of document.querySelectorAll("#thread :is(.picture img, .film)")) growing.observe(one);
  }

  // -- The way to the newest ----------------------------------------------------------------------------------------

  let missed = 0;

  function showNewest() {
    const button = byId("to-newest");
    if (!button) return;
    if (isAtEnd()) missed = 0;
    const isFar = Math.abs(byId("scroller").scrollTop) > byId("scroller").clientHeight || Desk.isApart();
    button.hidden = !missed && !isFar;
    button.classList.toggle("has-news", missed > 0);
    button.querySelector("span").textContent = missed
      ? interpolate(ngettext("%s new message", "%s new messages", missed), [missed])
      : gettext("Newest messages");
  }

  // -- Putting entries in place -------------------------------------------------------------------------------------

  // A message, an event, a day: in its place by time. Answers whether it is new here.
  function put(fresh, swap) {
    const old = byId(fresh.id);
    if (old) {
      if (old.dataset.version !== fresh.dataset.version) swap(old, fresh);
      return false;
    }
    const thread = byId("thread");
    let after = thread.lastElementChild;
    while (after && after.dataset.order > fresh.dataset.order) after = after.previousElementSibling;
    thread.insertBefore(fresh, after ? after.nextElementSibling : thread.firstElementChild);
    htmx.process(fresh);
    return true;
  }

  // Beyond what is on the page nothing is put in place: it comes when one goes there.
  function isBeyond(li, all) {
    if (byId(li.id)) return false;
    const isAbove = linkAt("earlier") && all.length && li.dataset.order < all[0].dataset.order;
    return isAbove || (Desk.isApart() && li.dataset.order > all.at(-1)?.dataset.order);
  }

  Desk.putEntries = (root, { fromForm, swap, end }) => {
    const wasAtEnd = isAtEnd();
    const known = Desk.newest();
    const fresh = [...root.querySelectorAll(":scope > ol > li")];
    const isNews = "at" in root.dataset || "one" in root.dataset || fromForm;
    const all = entries();
    const said = fresh.filter((li) => +li.dataset.pk > known);
    const theirs = said.filter((li) => li.classList.contains("in"));
    const here = fresh.filter((li) => !isNews || !isBeyond(li, all));
    if (isNews && document.hidden && theirs.length) markUnread(theirs[0]);
    here.filter((li) => put(li, swap)).forEach((li) => li.classList.toggle("is-new", said.includes(li)));
    Desk.workspace().dataset.newest = Math.max(known, ...said.map((li) => +li.dataset.pk));
    Desk.fold();
    trim(end);
    watchEnds();
    watchGrowing();
    Desk.sayMessages(theirs);
    if (isNews && !wasAtEnd) missed += theirs.length;
    if (fromForm && said.length) Desk.toEnd();
    else showNewest();
    Desk.markRead(); // the last gap may be closed now
  };

  // Where one was when the page went out of sight, until the conversation is left.
  function markUnread(first) {
    if (byId(first.id)) return;
    byId("unread-line")?.remove();
    const line = document.createElement("li");
    line.id = "unread-line";
    line.className = "unread-line";
    line.dataset.order = `${first.dataset.order.split("-")[0]}-1-~`;
    const words = document.createElement("span");
    words.textContent = gettext("Unread messages");
    line.append(words);
    put(line);
  }

  // -- More of them -------------------------------------------------------------------------------------------------

  let watcher;

  function watchEnds() {
    watcher?.disconnect();
    const scroller = byId("scroller");
    if (!scroller) return;
    watcher = new IntersectionObserver(
      (seen) => seen.filter((one) => one.isIntersecting).forEach((one) => one.target.querySelector("a").click()),
      { root: scroller, rootMargin: `${FETCHED_AHEAD}px 0px` },
    );
    for (const end of ["earlier", "later"]) if (linkAt(end)) watcher.observe(byId(end));
  }

  // What is furthest from where one reads makes room: a long conversation is never on the page as a whole.
  function trim(fetched) {
    const all = entries();
    if (all.length <= MOST || !(fetched || isAtEnd())) return;
    const end = fetched === "earlier" ? "later" : "earlier";
    const gone = end === "later" ? all.slice(KEPT) : all.slice(0, all.length - KEPT);
    gone.forEach((li) => li.remove());
    const edge = entries()
      .filter((li) => li.dataset.pk)
      .at(end === "later" ? -1 : 0);
    if (edge) pointTo(end, edge);
  }

  function pointTo(end, li) {
    const [at, , pk] = li.dataset.order.split("-");
    const [, ...parts] = at.match(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{6})$/);
    const moment = `${parts.slice(0, 3).join("-")}T${parts.slice(3, 6).join(":")}.${parts[6]}Z`;
    const query = `?${end === "earlier" ? "before" : "after"}=${encodeURIComponent(`${moment}~${+pk}`)}`;
    const old = byId(end);
    const fresh = old.cloneNode(true);
    const { here, earlier } = Desk.workspace().dataset;
    fresh.querySelector("a").href = here + query;
    fresh.querySelector("a").setAttribute("hx-get", earlier + query);
    fresh.dataset.version = query;
    fresh.hidden = false;
    old.replaceWith(fresh);
    htmx.process(fresh);
  }

  // -- Folding: of more than two lines in a row the newest is shown, the others on request --------------------------

  const unfolded = new Set();

  Desk.fold = () => {
    let run = [];
    const folds = new Set();
    for (const li of [...entries().filter((one) => !one.matches(".fold")), null]) {
      if (li?.matches(".event")) run.push(li);
      else {
        if (run.length > 2) folds.add(fold(run).id);
        else run.forEach((one) => (one.hidden = false));
        run = [];
      }
    }
    for (const one of document.querySelectorAll("#thread > .fold")) if (!folds.has(one.id)) one.remove();
  };

  function fold(run) {
    const folded = run.slice(0, -1);
    const isOpen = folded.some((li) => unfolded.has(li.id));
    if (isOpen) folded.forEach((li) => unfolded.add(li.id));
    folded.forEach((li) => (li.hidden = !isOpen));
    run.at(-1).hidden = false;
    const bar = byId(`fold-${run[0].id}`) ?? makeFold(run[0]);
    const button = bar.querySelector("button");
    const words = interpolate(ngettext("%s earlier event", "%s earlier events", folded.length), [folded.length]);
    if (button.textContent !== words) button.textContent = words;
    button.setAttribute("aria-expanded", isOpen);
    return bar;
  }

  function makeFold(first) {
    const bar = document.createElement("li");
    bar.id = `fold-${first.id}`;
    bar.className = "fold";
    bar.dataset.order = `${first.dataset.order.split("-")[0]}-1!${first.dataset.order.split("-")[2]}`;
    const button = document.createElement("button");
    button.type = "button";
    bar.append(button);
    first.before(bar);
    return bar;
  }

  function toggleFold(button) {
    const isOpen = button.getAttribute("aria-expanded") === "true";
    let li = button.parentElement.nextElementSibling;
    for (; li?.nextElementSibling?.matches(".event"); li = li.nextElementSibling) {
      if (isOpen) unfolded.delete(li.id);
      else unfolded.add(li.id);
    }
    Desk.keepPlace(Desk.fold);
    showNewest();
  }

  // -- A message that is looked for ---------------------------------------------------------------------------------

  Desk.showMessage = (pk, address) => {
    const found = byId(`message-${pk}`);
    if (!found) return Desk.open(address);
    found.scrollIntoView({ block: "center", behavior: found.matches(".is-asked") ? "instant" : "smooth" });
    found.classList.add("is-shown");
    setTimeout(() => found.classList.remove("is-shown"), 2000);
  };

  // After another conversation was opened, or the first one with the page.
  Desk.threadShown = () => {
    missed = 0;
    const workspace = Desk.workspace();
    if (!workspace) return watcher?.disconnect();
    Desk.fold();
    const asked = byId(`message-${workspace.dataset.shown}`);
    asked?.classList.add("is-asked");
    if (asked) Desk.showMessage(workspace.dataset.shown);
    else showUnread();
    delete workspace.dataset.shown;
    watchEnds();
    watchGrowing();
    showNewest();
  };

  function showUnread() {
    const line = byId("unread-line");
    if (line && line.getBoundingClientRect().top < byId("scroller").getBoundingClientRect().top) line.scrollIntoView();
  }

  // -- What people do -----------------------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const target = event.target.closest(".to-newest, .quote, .fold button");
    if (!target) return;
    if (target.matches(".to-newest")) {
      Desk.toEnd();
      byId("scroller")?.focus({ preventScroll: true });
    } else if (target.matches(".quote")) {
      event.preventDefault();
      Desk.showMessage(target.hash.replace("#message-", ""), target.getAttribute("href").split("#")[0]);
    } else toggleFold(target);
  });

  let isScrolling;
  document.addEventListener(
    "scroll",
    (event) => {
      if (event.target.id !== "scroller" || isScrolling) return;
      isScrolling = requestAnimationFrame(() => {
        isScrolling = null;
        showNewest();
      });
    },
    true,
  );
})();
