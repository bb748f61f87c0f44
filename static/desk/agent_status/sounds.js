// An agent who looks elsewhere is told: by a soft sound, by a notification, by the tab's icon. One tab speaks for all.
"use strict";

(() => {
  const wants = (what) => what in document.body.dataset;
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("desk-news") : null;
  const tab = Math.random();
  const SAID_EVERY = 20000; // milliseconds
  const QUIET = 600; // milliseconds that belong to one sound
  const MOST = 3; // notifications at once; more are one

  // -- Which conversation is before the agent's eyes, in whichever tab ----------------------------------------------

  const fronts = new Map(); // by tab: its conversation, "" for another page, null when it is not in front; and when it said so
  const now = () => [...fronts.values()].filter(({ at }) => Date.now() - at < 2 * SAID_EVERY).map(({ front }) => front);
  const isInFront = (id) => now().includes(String(id));

  function say(front) {
    fronts.set(tab, { front, at: Date.now() });
    channel?.postMessage({ tab, front });
  }

  function tellFront() {
    const isFront = !document.hidden && document.hasFocus();
    say(isFront ? (Desk.workspace()?.dataset.pk ?? "") : null);
  }

  for (const kind of ["focus", "blur"]) addEventListener(kind, tellFront);
  addEventListener("pagehide", () => say(null));
  setInterval(tellFront, SAID_EVERY);
  document.addEventListener("visibilitychange", tellFront);
  document.addEventListener("htmx:afterSettle", tellFront);

  // -- Sounds: made here, so that there is no file to fetch ---------------------------------------------------------

  // Notes as frequency, beginning and length in seconds.
  const SOUNDS = {
    message: {
      wave: "sine",
      loud: 0.09,
      notes: [
        [659, 0, 0.16],
        [880, 0.11, 0.28],
      ],
    },
    mention: {
      wave: "sine",
      loud: 0.09,
      notes: [
        [880, 0, 0.14],
        [880, 0.16, 0.22],
      ],
    },
    offer: {
      wave: "triangle",
      loud: 0.12,
      notes: [
        [523, 0, 0.18],
        [659, 0.15, 0.18],
        [784, 0.3, 0.42],
      ],
    },
  };
  let audio;

  // Browsers let a page sound only after somebody has done something on it.
  function allow() {
    if (!wants("sounds")) return;
    audio ??= new AudioContext();
    if (audio.state === "suspended") audio.resume();
  }
  for (const kind of ["pointerdown", "keydown"])
    document.addEventListener(kind, allow, { capture: true, passive: true });

  function sound(kind) {
    const { wave, loud, notes } = SOUNDS[kind];
    for (const [frequency, begins, lasts] of notes) {
      const tone = new OscillatorNode(audio, { type: wave, frequency });
      const volume = new GainNode(audio, { gain: 0 });
      const at = audio.currentTime + begins;
      volume.gain.setValueAtTime(0, at);
      volume.gain.linearRampToValueAtTime(loud, at + 0.015);
      volume.gain.exponentialRampToValueAtTime(0.0001, at + lasts);
      tone.connect(volume).connect(audio.destination);
      tone.start(at);
      tone.stop(at + lasts);
    }
    document.dispatchEvent(new CustomEvent("desk:sounded", { detail: kind }));
  }

  // Of the tabs that may sound, one does; and what happens at the same moment sounds once.
  async function play(kind) {
    if (!wants("sounds") || !audio) return;
    await audio.resume();
    const once = () => (sound(kind), new Promise((done) => setTimeout(done, QUIET)));
    if (!navigator.locks) return once();
    navigator.locks.request("desk-sound", { ifAvailable: true }, (lock) => lock && once());
  }

  function playSomewhere(kind) {
    channel?.postMessage({ play: kind });
    play(kind);
  }

  // -- Notifications ------------------------------------------------------------------------------------------------

  const mayNotify = () => wants("notifies") && "Notification" in window && Notification.permission === "granted";
  const isAway = () => now().every((front) => front === null);

  function notify(title, body, tag, act) {
    const shown = new Notification(title, { body, tag, icon: document.querySelector("link[rel=icon]").href });
    shown.addEventListener("click", () => {
      window.focus();
      shown.close();
      act();
    });
  }

  function open(id, address) {
    const row = document.getElementById(`row-${id}`);
    if (row) row.click();
    else location.assign(address);
  }

  function notifyOf(news) {
    if (!mayNotify() || !isAway() || !news.length) return;
    if (news.length > MOST) {
      const words = interpolate(ngettext("%s new message", "%s new messages", news.length), [news.length]);
      return notify(words, [...new Set(news.map((one) => one.who))].join(", "), "desk-news", () => {});
    }
    for (const { kind, id, who, text, address } of news) {
      const title = kind === "mention" ? interpolate(gettext("%s mentions you"), [who]) : who;
      notify(title, text, `conversation-${id}`, () => open(id, address));
    }
  }

  // -- What is told -------------------------------------------------------------------------------------------------

  let place = ""; // what came before it is not news

  Desk.newsFrom = (told) => (place ||= told ?? "");

  Desk.refreshNews = Desk.oneAtATime(async () => {
    if (!Desk.speaks || !place) return;
    try {
      const answer = await Desk.fetch(`/desk/news/?since=${encodeURIComponent(place)}`);
      if (!answer.ok) return;
      const told = await answer.json();
      place = told.place;
      channel?.postMessage({ place });
      const news = told.news.filter((one) => !isInFront(one.id));
      if (news.length) playSomewhere(news.some((one) => one.kind === "message") ? "message" : "mention");
      notifyOf(news);
    } catch {
      // No connection: the stream's state says so, and the next hint asks again from the same place.
    }
  });

  // A card came that was not there when the page was opened.
  Desk.offered = (card) => {
    if (!Desk.speaks) return;
    playSomewhere("offer");
    const who = card.querySelector(".who").textContent.trim();
    const said = card.querySelector(".said")?.textContent.trim() ?? "";
    if (mayNotify() && isAway())
      notify(interpolate(gettext("Offered to you: %s"), [who]), said, card.id, () => card.focus());
  };

  // -- The tab's icon -----------------------------------------------------------------------------------------------

  Desk.badge = (unread) => {
    const icon = document.querySelector("link[rel=icon]");
    icon.dataset.plain ??= icon.getAttribute("href");
    const wanted = unread ? icon.dataset.unread : icon.dataset.plain;
    if (wanted && icon.getAttribute("href") !== wanted) icon.href = wanted;
  };

  channel?.addEventListener("message", ({ data }) => {
    if (data.ask) tellFront();
    if (data.tab) fronts.set(data.tab, { front: data.front, at: Date.now() });
    if (data.play) play(data.play);
    if (data.place && place) place = data.place; // should this tab speak one day, it goes on from there
  });
  document.addEventListener("DOMContentLoaded", () => {
    tellFront();
    channel?.postMessage({ ask: true });
  });
})();
