// Fragments of pages that are replaced: the focus and what was open are kept.
"use strict";

(() => {
  const { byId, focus, queryAll } = Omnichannel;

  const FOCUSABLE =
    "a[href], button:not([disabled]), input:not([type=hidden]), select, textarea, summary, audio, video, [tabindex]";

  // Remember the focus in an element that is about to be replaced. The returned function restores it in the new one:
  // on the element with the same id, else on the element at the same position. What is typed into a field must not end
  // up in another one, so a field has no such substitute.
  Omnichannel.rememberFocus = (root) => {
    const focused = document.activeElement;
    if (!root.contains(focused)) return () => {};
    const focusable = (element) => queryAll(FOCUSABLE, element).filter((candidate) => candidate.offsetParent);
    const position = focusable(root).indexOf(focused);
    const { id } = focused;
    const isField = focused.matches("input, textarea, select");
    return (replacement) => {
      const candidates = isField ? [] : focusable(replacement);
      const next = (id && byId(id)) || candidates[Math.min(Math.max(position, 0), candidates.length - 1)];
      focus(next || byId("scroller") || byId("main"));
    };
  };

  // Replace the content of an element. The focus stays on the element with the same id.
  Omnichannel.replaceContent = (old, fresh) => {
    const focusedId = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.innerHTML = fresh.innerHTML;
    htmx.process(old);
    if (focusedId) focus(byId(focusedId));
  };

  // Remember which `details` are open in an element that is about to be replaced, by the ids of their summaries. The
  // returned function opens them again.
  Omnichannel.rememberOpenDetails = (root) => {
    const ids = queryAll("details[open] > summary[id]", root).map((summary) => summary.id);
    return () => {
      for (const id of ids) if (byId(id)) byId(id).parentElement.open = true;
    };
  };
})();
