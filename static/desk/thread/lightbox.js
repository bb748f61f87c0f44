// Pictures in a dialog of their own, one after the other; recordings one at a time, at the speed one likes.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const part = (name) => byId("viewer").querySelector(`[data-${name}]`);
  const stage = () => byId("viewer").querySelector(".viewer-stage");
  const pictures = () => [...document.querySelectorAll("#thread .picture")];
  const SWIPE = 50; // pixels
  let shown; // the id of the picture's link: the message may be put anew meanwhile

  const place = () => pictures().findIndex((link) => link.id === shown);

  function show(link) {
    if (!link) return;
    shown = link.id;
    const picture = new Image();
    picture.alt = link.querySelector("img").alt;
    picture.src = link.href;
    stage().replaceChildren(picture);
    zoom(false);
    const all = pictures();
    part("name").textContent = link.dataset.name;
    part("place").textContent = interpolate(gettext("%s of %s"), [place() + 1, all.length]);
    part("download").href = `${link.href}?download=1`;
    byId("viewer").querySelector("[data-step='-1']").disabled = link === all[0];
    byId("viewer").querySelector("[data-step='1']").disabled = link === all.at(-1);
  }

  const step = (by) => show(pictures()[place() + by]);

  function zoom(isReal) {
    byId("viewer").classList.toggle("is-real", isReal);
    part("zoom").setAttribute("aria-pressed", isReal);
  }

  const isReal = () => byId("viewer").classList.contains("is-real");

  document.addEventListener("click", (event) => {
    const viewer = byId("viewer");
    const link = event.target.closest("#thread .picture");
    if (link && viewer && !(event.metaKey || event.ctrlKey || event.shiftKey || event.button)) {
      event.preventDefault();
      viewer.showModal();
      show(link);
    }
    if (!viewer?.contains(event.target)) return;
    const button = event.target.closest("button");
    if (event.target.matches("img") || button?.matches("[data-zoom]")) zoom(!isReal());
    else if (button?.matches("[data-step]")) step(+button.dataset.step);
    else if (button?.matches("[data-shut]") || event.target.matches(".viewer-stage, #viewer")) viewer.close();
  });

  document.addEventListener(
    "close",
    (event) => {
      if (event.target.id !== "viewer") return;
      stage().replaceChildren();
      (byId(shown) || byId("scroller"))?.focus({ preventScroll: true });
    },
    true,
  );

  document.addEventListener("keydown", (event) => {
    if (!byId("viewer")?.open || (isReal() && event.target === stage())) return;
    const forward = document.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    if (["ArrowLeft", "ArrowRight"].includes(event.key)) step(event.key === forward ? 1 : -1);
  });

  let from;
  document.addEventListener(
    "touchstart",
    ({ target, touches }) => (from = target.closest(".viewer-stage") && touches[0].clientX),
    { passive: true },
  );
  document.addEventListener("touchend", ({ changedTouches }) => {
    const by = from ? changedTouches[0].clientX - from : 0;
    from = 0;
    if (Math.abs(by) > SWIPE && !isReal()) step(by < 0 === (document.dir !== "rtl") ? 1 : -1);
  });

  // -- Recordings ---------------------------------------------------------------------------------------------------

  const SPEEDS = [1, 1.5, 2];
  let speed = 1;
  document.documentElement.classList.add("has-script");

  document.addEventListener("click", (event) => {
    if (!event.target.matches(".speed")) return;
    speed = SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length];
    for (const button of document.querySelectorAll(".speed")) button.textContent = `${speed}×`;
    for (const audio of document.querySelectorAll("#thread audio")) audio.playbackRate = speed;
    Desk.say(interpolate(gettext("Playback speed %s"), [speed]));
  });

  document.addEventListener(
    "play",
    ({ target }) => {
      for (const other of document.querySelectorAll("#thread :is(audio, video)")) if (other !== target) other.pause();
      if (!target.matches("audio")) return;
      target.playbackRate = speed;
      target.parentElement.querySelector(".speed").textContent = `${speed}×`;
    },
    true,
  );

  // -- A PDF between the messages -----------------------------------------------------------------------------------

  // The browser's own viewer takes the focus once it has loaded, away from what somebody types: they get it back,
  // unless they went there themselves.
  const AT_LOADING = 1500; // milliseconds
  const loadedAt = new WeakMap();
  let focused = null;
  let tabbedAt = 0;

  function isMeant(frame) {
    return Date.now() - tabbedAt < 200 || Date.now() - (loadedAt.get(frame) ?? Infinity) > AT_LOADING;
  }

  document.addEventListener("load", ({ target }) => target.matches?.(".pdf") && loadedAt.set(target, Date.now()), true);
  document.addEventListener("keydown", ({ key }) => key === "Tab" && (tabbedAt = Date.now()), true);
  document.addEventListener("focusin", ({ target }) => target.matches(".pdf") || (focused = target));
  window.addEventListener("blur", () => {
    const frame = document.activeElement;
    if (!frame?.matches(".pdf") || isMeant(frame)) return;
    setTimeout(() => {
      window.focus();
      (focused?.isConnected ? focused : byId("main"))?.focus({ preventScroll: true });
    });
  });
})();
