// Sounds, notifications and the badge of the tab, for an agent who looks elsewhere. Of all tabs one notifies.
"use strict";

(() => {
  const { byId } = Omnichannel;
  const isEnabled = (preference) => preference in document.body.dataset;
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("desk-notifications") : null;
  const tabId = Math.random();
  const REPORT_INTERVAL_MS = 20000;
  const SAME_SOUND_MS = 600; // events within this time make one sound
  const MAX_NOTIFICATIONS = 3; // at a time; more messages are summarized

  // -- Which conversations the agent sees, in all tabs --------------------------------------------------------------

  // By tab: when it reported, and its conversation id; "" for another page, null when the tab is not in front.
  const tabs = new Map();

  function visibleConversations() {
    const recent = [...tabs.values()].filter(({ at }) => Date.now() - at < 2 * REPORT_INTERVAL_MS);
    return recent.map(({ conversation }) => conversation);
  }

  const isVisible = (id) => visibleConversations().includes(String(id));
  const isAway = () => visibleConversations().every((conversation) => conversation === null);

  function report(conversation) {
    tabs.set(tabId, { conversation, at: Date.now() });
    channel?.postMessage({ tab: tabId, conversation });
  }

  function reportVisible() {
    const isInFront = !document.hidden && document.hasFocus();
    report(isInFront ? (Omnichannel.conversationId?.() ?? "") : null);
  }

  for (const type of ["focus", "blur"]) window.addEventListener(type, reportVisible);
  window.addEventListener("pagehide", () => report(null));
  setInterval(reportVisible, REPORT_INTERVAL_MS);
  document.addEventListener("visibilitychange", reportVisible);
  document.addEventListener("htmx:afterSettle", reportVisible);

  // -- Sounds: generated, so that no file has to be fetched ---------------------------------------------------------

  // Each note is [frequency in hertz, start in seconds, duration in seconds].
  const SOUNDS = {
    message: {
      type: "sine",
      gain: 0.09,
      notes: [
        [659, 0, 0.16],
        [880, 0.11, 0.28],
      ],
    },
    mention: {
      type: "sine",
      gain: 0.09,
      notes: [
        [880, 0, 0.14],
        [880, 0.16, 0.22],
      ],
    },
    offer: {
      type: "triangle",
      gain: 0.12,
      notes: [
        [523, 0, 0.18],
        [659, 0.15, 0.18],
        [784, 0.3, 0.42],
      ],
    },
  };
  let audio;

  // Browsers allow sound only after an interaction with the page.
  function prepareAudio() {
    if (!isEnabled("sounds")) return;
    audio ??= new AudioContext();
    if (audio.state === "suspended") audio.resume();
  }
  for (const type of ["pointerdown", "keydown"]) {
    document.addEventListener(type, prepareAudio, { capture: true, passive: true });
  }

  function playNotes(name) {
    const { type, gain, notes } = SOUNDS[name];
    for (const [frequency, offset, duration] of notes) {
      const tone = new OscillatorNode(audio, { type, frequency });
      const volume = new GainNode(audio, { gain: 0 });
      const start = audio.currentTime + offset;
      volume.gain.setValueAtTime(0, start);
      volume.gain.linearRampToValueAtTime(gain, start + 0.015);
      volume.gain.exponentialRampToValueAtTime(0.0001, start + duration);
      tone.connect(volume).connect(audio.destination);
      tone.start(start);
      tone.stop(start + duration);
    }
    document.dispatchEvent(new CustomEvent("desk:sound-played", { detail: name }));
  }

  // Play the sound in this tab, unless another tab has the lock because it is playing.
  async function play(name) {
    if (!isEnabled("sounds") || !audio) return;
    await audio.resume();
    const playAndWait = () => {
      playNotes(name);
      return new Promise((resolve) => setTimeout(resolve, SAME_SOUND_MS));
    };
    if (!navigator.locks) return playAndWait();
    navigator.locks.request("desk-sound", { ifAvailable: true }, (lock) => lock && playAndWait());
  }

  // Not every tab may play a sound: let all try.
  function playInOneTab(name) {
    channel?.postMessage({ play: name });
    play(name);
  }

  // -- Notifications ------------------------------------------------------------------------------------------------

  const canNotify = () =>
    isEnabled("notifications") && "Notification" in window && Notification.permission === "granted" && isAway();

  function notify(title, body, tag, onClick) {
    const notification = new Notification(title, { body, tag, icon: document.querySelector("link[rel=icon]").href });
    notification.addEventListener("click", () => {
      window.focus();
      notification.close();
      onClick();
    });
  }

  function openConversation(id, url) {
    const row = byId(`row-${id}`);
    if (row) row.click();
    else location.assign(url);
  }

  function showNotifications(notifications) {
    if (!notifications.length || !canNotify()) return;
    if (notifications.length > MAX_NOTIFICATIONS) {
      const title = interpolate(ngettext("%s new message", "%s new messages", notifications.length), [
        notifications.length,
      ]);
      const names = new Set(notifications.map(({ sender_name }) => sender_name));
      return notify(title, [...names].join(", "), "desk-notifications", () => {});
    }
    for (const { kind, id, sender_name: senderName, text, url } of notifications) {
      const title = kind === "mention" ? interpolate(gettext("%s mentions you"), [senderName]) : senderName;
      notify(title, text, `conversation-${id}`, () => openConversation(id, url));
    }
  }

  // -- Polling for notifications: messages and mentions since the last request ----------------------------------------

  let cursor = ""; // after the last notification that was fetched

  // Ignore what is older than the page.
  Omnichannel.setNotificationCursor = (initialCursor) => {
    cursor ||= initialCursor ?? "";
  };

  Omnichannel.refreshNotifications = Omnichannel.oneAtATime(async () => {
    if (!Omnichannel.isLeader || !cursor) return;
    try {
      const response = await Omnichannel.fetch(`/desk/notifications/?since=${encodeURIComponent(cursor)}`);
      if (!response.ok) return;
      const { cursor: nextCursor, notifications } = await response.json();
      cursor = nextCursor;
      channel?.postMessage({ cursor });
      const newItems = notifications.filter(({ id }) => !isVisible(id));
      if (newItems.length) playInOneTab(newItems.some(({ kind }) => kind === "message") ? "message" : "mention");
      showNotifications(newItems);
    } catch {
      // Without a connection the next event or interval asks again from the same cursor.
    }
  });

  Omnichannel.notifyOfOffer = (card) => {
    if (!Omnichannel.isLeader) return;
    playInOneTab("offer");
    const name = card.querySelector(".customer-name").textContent.trim();
    const message = card.querySelector(".offer-message")?.textContent.trim() ?? "";
    const title = interpolate(gettext("Offered to you: %s"), [name]);
    if (canNotify()) notify(title, message, card.id, () => card.focus());
  };

  // -- Badge --------------------------------------------------------------------------------------------------------

  Omnichannel.showBadge = (unreadCount) => {
    const icon = document.querySelector("link[rel=icon]");
    icon.dataset.plain ??= icon.getAttribute("href");
    const href = unreadCount ? icon.dataset.unread : icon.dataset.plain;
    if (href && icon.getAttribute("href") !== href) icon.href = href;
  };

  channel?.addEventListener("message", ({ data }) => {
    if (data.ask) reportVisible();
    if (data.tab) tabs.set(data.tab, { conversation: data.conversation, at: Date.now() });
    if (data.play) play(data.play);
    if (data.cursor && cursor) cursor = data.cursor; // this tab continues from here if it becomes the leader
  });
  document.addEventListener("DOMContentLoaded", () => {
    reportVisible();
    channel?.postMessage({ ask: true });
  });
})();
