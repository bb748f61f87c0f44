// Media of the conversation: a lightbox for pictures, playback speed of recordings, focus of embedded PDF files.
"use strict";

(() => {
  const { byId, focus, queryAll } = Omnichannel;

  // -- Lightbox -----------------------------------------------------------------------------------------------------

  const MIN_SWIPE = 50; // pixels
  const control = (name) => byId("lightbox").querySelector(`[data-${name}]`);
  const stage = () => byId("lightbox").querySelector(".lightbox-stage");
  const pictures = () => queryAll("#thread .picture");
  let shownId; // of the link of the picture; an id, because the message may be replaced while it is shown

  const position = () => pictures().findIndex((link) => link.id === shownId);

  function show(link) {
    if (!link) return;
    shownId = link.id;
    const picture = new Image();
    picture.alt = link.querySelector("img").alt;
    picture.src = link.href;
    stage().replaceChildren(picture);
    setActualSize(false);
    const all = pictures();
    control("name").textContent = link.dataset.name;
    control("position").textContent = interpolate(gettext("%s of %s"), [position() + 1, all.length]);
    control("download").href = `${link.href}?download=1`;
    byId("lightbox").querySelector("[data-step='-1']").disabled = link === all[0];
    byId("lightbox").querySelector("[data-step='1']").disabled = link === all.at(-1);
  }

  const step = (offset) => show(pictures()[position() + offset]);

  const isActualSize = () => byId("lightbox").classList.contains("is-actual-size");

  function setActualSize(enabled) {
    byId("lightbox").classList.toggle("is-actual-size", enabled);
    control("zoom").setAttribute("aria-pressed", enabled);
  }

  document.addEventListener("click", (event) => {
    const lightbox = byId("lightbox");
    const link = event.target.closest("#thread .picture");
    if (link && lightbox && !(event.metaKey || event.ctrlKey || event.shiftKey || event.button)) {
      event.preventDefault();
      lightbox.showModal();
      show(link);
    }
    if (!lightbox?.contains(event.target)) return;
    const button = event.target.closest("button");
    if (event.target.matches("img") || button?.matches("[data-zoom]")) setActualSize(!isActualSize());
    else if (button?.matches("[data-step]")) step(+button.dataset.step);
    else if (button?.matches("[data-close-lightbox]") || event.target.matches(".lightbox-stage, #lightbox"))
      lightbox.close();
  });

  document.addEventListener(
    "close",
    (event) => {
      if (event.target.id !== "lightbox") return;
      stage().replaceChildren();
      focus(byId(shownId) || byId("scroller"));
    },
    true,
  );

  document.addEventListener("keydown", (event) => {
    if (!byId("lightbox")?.open || (isActualSize() && event.target === stage())) return;
    const forward = document.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    if (["ArrowLeft", "ArrowRight"].includes(event.key)) step(event.key === forward ? 1 : -1);
  });

  let swipeStart = 0;
  document.addEventListener(
    "touchstart",
    ({ target, touches }) => {
      swipeStart = target.closest(".lightbox-stage") ? touches[0].clientX : 0;
    },
    { passive: true },
  );
  document.addEventListener("touchend", ({ changedTouches }) => {
    const distance = swipeStart ? changedTouches[0].clientX - swipeStart : 0;
    swipeStart = 0;
    if (Math.abs(distance) > MIN_SWIPE && !isActualSize()) step(distance < 0 === (document.dir !== "rtl") ? 1 : -1);
  });

  // -- Recordings ---------------------------------------------------------------------------------------------------

  const SPEEDS = [1, 1.5, 2];
  let speed = 1;
  document.documentElement.classList.add("has-script");

  document.addEventListener("click", (event) => {
    if (!event.target.matches(".playback-speed")) return;
    speed = SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length];
    for (const button of queryAll(".playback-speed")) button.textContent = `${speed}×`;
    for (const audio of queryAll("#thread audio")) audio.playbackRate = speed;
    Omnichannel.announce(interpolate(gettext("Playback speed %s"), [speed]));
  });

  document.addEventListener(
    "play",
    ({ target }) => {
      for (const other of queryAll("#thread :is(audio, video)")) if (other !== target) other.pause();
      if (!target.matches("audio")) return;
      target.playbackRate = speed;
      target.parentElement.querySelector(".playback-speed").textContent = `${speed}×`;
    },
    true,
  );

  // -- Embedded PDF files -------------------------------------------------------------------------------------------

  // The browser's PDF viewer takes the focus when it has loaded, while somebody may be typing: give the focus back,
  // unless the person moved it there.
  const LOAD_GRACE_MS = 1500;
  const TAB_GRACE_MS = 200;
  const loadedAt = new WeakMap();
  let lastFocused = null;
  let tabPressedAt = 0;

  function isIntended(frame) {
    const wasTabbed = Date.now() - tabPressedAt < TAB_GRACE_MS;
    return wasTabbed || Date.now() - (loadedAt.get(frame) ?? Infinity) > LOAD_GRACE_MS;
  }

  document.addEventListener(
    "load",
    ({ target }) => {
      if (target.matches?.(".pdf")) loadedAt.set(target, Date.now());
    },
    true,
  );
  document.addEventListener(
    "keydown",
    ({ key }) => {
      if (key === "Tab") tabPressedAt = Date.now();
    },
    true,
  );
  document.addEventListener("focusin", ({ target }) => {
    if (!target.matches(".pdf")) lastFocused = target;
  });
  window.addEventListener("blur", () => {
    const frame = document.activeElement;
    if (!frame?.matches(".pdf") || isIntended(frame)) return;
    setTimeout(() => {
      window.focus();
      focus(lastFocused?.isConnected ? lastFocused : byId("main"));
    });
  });
})();
