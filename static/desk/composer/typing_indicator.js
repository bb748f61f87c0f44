// Who else looks at the open conversation and writes in it; and the colleagues learn that of this page.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const LOOK_EVERY = 20000;
  const TYPE_EVERY = 10000;
  const STILL_AFTER = 6000; // without a key
  const SAID_AGAIN_AFTER = 60000;
  const FADES_AFTER = 15000; // the server's own patience with whoever says no more

  const token = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value;
  let shown; // the addresses of the conversation on the page
  let fading;
  let toldAt = 0;
  let stillness;

  function post(address, fields = {}) {
    const body = new URLSearchParams({ csrfmiddlewaretoken: token(), ...fields });
    return Desk.fetch(address, { method: "POST", body, keepalive: true });
  }

  // -- Looking ------------------------------------------------------------------------------------------------------

  function put(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("viewers");
    const old = byId("viewers");
    if (!fresh || !old) return;
    if (old.innerHTML !== fresh.innerHTML) old.innerHTML = fresh.innerHTML;
    sayWriting(byId("writing")?.textContent.trim());
    clearTimeout(fading);
    if (byId("writing")) fading = setTimeout(Desk.refreshViewers, FADES_AFTER);
  }

  let said = {};

  function sayWriting(words) {
    if (!words || (said.words === words && Date.now() - said.at < SAID_AGAIN_AFTER)) return;
    said = { words, at: Date.now() };
    Desk.say(words);
  }

  async function ask(how) {
    const workspace = Desk.workspace();
    if (!workspace || !token()) return;
    try {
      const answer = await how(workspace.dataset.viewers);
      if (answer.ok && workspace === Desk.workspace()) put(await answer.text());
    } catch {
      // No connection: the stream's state says so.
    }
  }

  Desk.refreshViewers = Desk.oneAtATime(() => ask(Desk.fetch));
  const look = () => document.hidden || ask(post);

  function leave() {
    if (!shown) return;
    clearTimeout(stillness);
    toldAt = 0;
    navigator.sendBeacon(shown.viewers, new URLSearchParams({ csrfmiddlewaretoken: shown.token, gone: 1 }));
    shown = null;
  }

  // The conversation on the page is another one, or none.
  function opened() {
    const { viewers, typing } = Desk.workspace()?.dataset ?? {};
    if (viewers === shown?.viewers) return;
    leave();
    if (!viewers) return;
    shown = { viewers, typing, token: token() };
    look();
  }

  document.addEventListener("DOMContentLoaded", () => {
    opened();
    setInterval(look, LOOK_EVERY);
  });
  document.addEventListener("htmx:afterSettle", opened);
  document.addEventListener("visibilitychange", look);
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => event.persisted && opened());

  // -- Writing ------------------------------------------------------------------------------------------------------

  function stop() {
    clearTimeout(stillness);
    if (!toldAt || !shown) return;
    toldAt = 0;
    post(shown.typing, { stopped: 1 }).catch(() => {});
  }

  document.addEventListener("input", ({ target }) => {
    if (!shown || !target.matches("#reply-text, #note-text")) return;
    if (!target.value.trim()) return stop();
    clearTimeout(stillness);
    stillness = setTimeout(stop, STILL_AFTER);
    if (Date.now() - toldAt < TYPE_EVERY) return;
    toldAt = Date.now();
    post(shown.typing, target.id === "reply-text" ? { reply: 1 } : {}).catch(() => {});
  });

  document.addEventListener("htmx:beforeRequest", ({ detail }) => detail.elt.matches("form.composer") && stop());
})();
