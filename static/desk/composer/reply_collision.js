// Somebody else's answer that came while one was writing is shown before one's own goes out.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const MOST = 3;
  const LONGEST = 160;
  let begun = null; // the conversation one writes in, and what was there when one began
  let isAccepted = false;

  const others = () =>
    [...document.querySelectorAll("#thread > .out[data-author]")].filter((li) => {
      const { user } = byId("composer").dataset;
      return li.dataset.author && li.dataset.author !== user;
    });

  function begin() {
    const pk = Desk.workspace()?.dataset.pk;
    if (begun?.pk === pk) return;
    begun = { pk, known: new Set(others().map((li) => li.id)) };
  }

  function news() {
    return begun?.pk === Desk.workspace()?.dataset.pk ? others().filter((li) => !begun.known.has(li.id)) : [];
  }

  // Whether the question is asked: then nothing is sent yet.
  Desk.asksMeanwhile = () => {
    const said = news();
    if (isAccepted || !said.length) {
      isAccepted = false;
      return false;
    }
    byId("meanwhile-said").replaceChildren(...said.slice(-MOST).map(line));
    byId("meanwhile").showModal();
    return true;
  };

  function line(li) {
    const item = document.createElement("li");
    const who = document.createElement("strong");
    who.textContent = li.querySelector(".author")?.textContent.trim() ?? "";
    who.dir = "auto";
    const words = li.querySelector(".body")?.textContent.trim().slice(0, LONGEST) || gettext("File");
    const said = document.createElement("span");
    said.dir = "auto";
    said.textContent = words;
    item.append(who, said);
    return item;
  }

  function close() {
    byId("meanwhile").close();
    begun = null;
    begin();
    byId("reply-text").focus();
  }

  document.addEventListener("click", ({ target }) => {
    const button = target.closest("#meanwhile-look, #meanwhile-send");
    if (!button) return;
    close();
    if (button.id === "meanwhile-look") return Desk.toEnd();
    isAccepted = true;
    byId("reply-text").form.requestSubmit();
  });

  document.addEventListener("input", ({ target }) => {
    if (target.id !== "reply-text") return;
    if (target.value) begin();
    else begun = null;
  });
  document.addEventListener("desk:composer", ({ detail }) => {
    if (detail.wasSent) begun = null;
    if (!detail.root && byId("reply-text")?.value) begin();
  });
})();
