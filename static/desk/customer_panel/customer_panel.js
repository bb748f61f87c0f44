// The customer panel: collapsible sections, refreshing, copying, and an earlier conversation next to the open one.
"use strict";

(() => {
  const { byId, focus, isBeingEdited, parseHtml, queryAll, storage } = Omnichannel;

  // -- Sections: which are open is remembered in this browser -------------------------------------------------------

  const STORAGE_KEY = "open-panel-sections";
  const openSections = () => new Set(storage.getList(STORAGE_KEY));

  function rememberSection(section) {
    const names = openSections();
    if (section.open) names.add(section.dataset.section);
    else names.delete(section.dataset.section);
    storage.setList(STORAGE_KEY, [...names]);
  }

  function restoreSections() {
    const names = openSections();
    for (const section of queryAll("#customer [data-section]")) section.open = names.has(section.dataset.section);
  }

  document.addEventListener("toggle", (event) => event.target.dataset?.section && rememberSection(event.target), true);
  document.addEventListener("DOMContentLoaded", restoreSections);
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "workspace") restoreSections();
  });

  // The button that was pressed may be missing from the response: keep the focus in its section.
  document.addEventListener("htmx:afterSettle", (event) => {
    const { requestConfig, pathInfo } = event.detail;
    const isSkillForm = requestConfig?.verb === "post" && pathInfo?.requestPath?.includes("/required-skills/");
    if (isSkillForm && document.activeElement === document.body) focus(byId("customer-details"));
  });

  // -- Refreshing: only what has been fetched before ----------------------------------------------------------------

  function hasUnsavedInput(root) {
    const fields = queryAll("input:not([type=hidden])", root);
    return fields.some((field) => field.value !== field.defaultValue);
  }

  Omnichannel.refreshCustomerPanel = () => {
    const details = byId("customer-details");
    if (details && !isBeingEdited(details) && !hasUnsavedInput(details)) htmx.trigger(details, "refresh");
    for (const section of queryAll("#customer [data-section][open]")) htmx.trigger(section, "refresh");
  };

  // What was open in a list stays open when the list is fetched again.
  let reopenDetails = () => {};
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.target.matches(".panel-section-content")) reopenDetails = Omnichannel.rememberOpenDetails(detail.target);
  });
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target.matches(".panel-section-content")) reopenDetails();
  });

  // -- Copying ------------------------------------------------------------------------------------------------------

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.classList.add("is-done");
      byId("announce").textContent = interpolate(gettext("Copied: %s"), [button.dataset.copy]);
      setTimeout(() => button.classList.remove("is-done"), 1500);
    } catch {
      Omnichannel.showNotice(gettext("Your browser blocked copying. Select the number and copy it."));
    }
  });

  // -- An earlier conversation --------------------------------------------------------------------------------------

  let openerId;
  let panelScrollTop = 0;

  function closePreview() {
    const preview = byId("conversation-preview");
    if (!preview?.firstElementChild) return;
    preview.replaceChildren();
    byId("customer").scrollTop = panelScrollTop;
    focus(byId(openerId) || byId("customer"));
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target.id === "conversation-preview") openerId = event.detail.elt.id;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "conversation-preview") return;
    const panel = byId("customer");
    if (panel.scrollTop) panelScrollTop = panel.scrollTop;
    panel.scrollTop = 0;
    focus(byId("conversation-preview-title"));
    const thread = document.querySelector(".conversation-preview-thread");
    if (thread) thread.scrollTop = thread.scrollHeight;
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-close-preview]")) return;
    event.preventDefault();
    closePreview();
  });
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape" || !byId("conversation-preview")?.contains(document.activeElement)) return;
      event.stopPropagation();
      closePreview();
    },
    true,
  );

  // -- A conversation that the agent has lost access to -------------------------------------------------------------

  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.xhr.status === 410 && detail.elt.isConnected) Omnichannel.showNoAccess(detail.xhr.responseText);
  });

  // Replace the conversation with the explanation of the server.
  Omnichannel.showNoAccess = (html) => {
    const fresh = parseHtml(html).getElementById("workspace");
    const old = byId("workspace");
    if (!fresh || !old) return location.reload();
    old.replaceWith(fresh);
    htmx.process(fresh);
    focus(byId("main"));
    byId("announce").textContent = fresh.querySelector("h1").textContent;
  };
})();
