// What screen readers are told: in one place, one thing at a time, however much happens at once.
"use strict";

(() => {
  const EVERY = 2000; // milliseconds
  const LONGEST = 140;
  const MOST = 3;
  let waiting = [];
  let timer;
  let saidAt = 0;

  Desk.say = (text) => {
    if (!waiting.includes(text)) waiting.push(text);
    timer ??= setTimeout(speak, Math.max(50, saidAt + EVERY - Date.now()));
  };

  function speak() {
    timer = null;
    saidAt = Date.now();
    const more = waiting.length - MOST;
    const said = waiting.slice(-MOST);
    if (more > 0) said.push(interpolate(ngettext("and %s more", "and %s more", more), [more]));
    waiting = [];
    const region = document.getElementById("announce");
    if (region) region.textContent = said.join(". ");
  }

  // Messages of the open conversation, in their own words.
  Desk.sayMessages = (messages) => {
    const { name } = Desk.workspace().dataset;
    for (const li of messages) {
      const what = li.querySelector(".body, .card-words strong, .mark-line");
      const words = what ? what.textContent.trim().slice(0, LONGEST) : gettext("sent a file");
      Desk.say(`${name}: ${words}`);
    }
  };
})();
