// Reply collision: a colleague's message that arrived while a reply was typed is shown before the reply is sent.
"use strict";

(() => {
  const { byId, createElement, queryAll } = Omnichannel;
  const MAX_SHOWN = 3;
  const MAX_LENGTH = 160;
  let draftStart = null; // the conversation and its messages by colleagues when typing began
  let isConfirmed = false;

  function colleagueMessages() {
    const { user } = byId("composer").dataset;
    return queryAll("#thread > .out[data-author]").filter((li) => li.dataset.author && li.dataset.author !== user);
  }

  function startDraft() {
    const pk = Omnichannel.conversationId();
    if (draftStart?.pk === pk) return;
    draftStart = { pk, knownIds: new Set(colleagueMessages().map((li) => li.id)) };
  }

  function newMessages() {
    if (draftStart?.pk !== Omnichannel.conversationId()) return [];
    return colleagueMessages().filter((li) => !draftStart.knownIds.has(li.id));
  }

  // Show new messages of colleagues and ask whether to send anyway. Return whether the agent is asked.
  Omnichannel.confirmCollision = () => {
    const messages = newMessages();
    if (isConfirmed || !messages.length) {
      isConfirmed = false;
      return false;
    }
    byId("reply-collision-messages").replaceChildren(...messages.slice(-MAX_SHOWN).map(createItem));
    byId("reply-collision").showModal();
    return true;
  };

  function createItem(li) {
    const author = li.querySelector(".author")?.textContent.trim() ?? "";
    const text = li.querySelector(".body")?.textContent.trim().slice(0, MAX_LENGTH) || gettext("File");
    return createElement("li", {}, [
      createElement("strong", { dir: "auto", textContent: author }),
      createElement("span", { dir: "auto", textContent: text }),
    ]);
  }

  function closeDialog() {
    byId("reply-collision").close();
    draftStart = null;
    startDraft();
    byId("reply-text").focus();
  }

  document.addEventListener("click", ({ target }) => {
    const button = target.closest("#reply-collision-review, #reply-collision-send");
    if (!button) return;
    closeDialog();
    if (button.id === "reply-collision-review") return Omnichannel.scrollToEnd();
    isConfirmed = true;
    byId("reply-text").form.requestSubmit();
  });

  document.addEventListener("input", ({ target }) => {
    if (target.id !== "reply-text") return;
    if (target.value) startDraft();
    else draftStart = null;
  });

  document.addEventListener("desk:composer-changed", ({ detail }) => {
    if (detail.wasSent) draftStart = null;
    if (!detail.root && byId("reply-text")?.value) startDraft();
  });
})();
