// The emoji picker: native characters, searchable by English and German names. Fetched when it is first opened.
"use strict";

(() => {
  const { byId, createElement, foldText, queryAll, storage } = Omnichannel;
  const RECENT_KEY = "recent-emoji";
  const MAX_RECENT = 16;

  // Each entry is the emoji, a space and its names; entries are separated by "|".
  const GROUPS = [
    [
      gettext("Smileys"),
      `😀 grinning smile happy lachen grinsen|😃 smiley happy froh|😄 smile laugh lachen|😁 beaming grin strahlen|😅 sweat relief schweiss erleichtert|😂 joy tears laugh freudentränen|🤣 rolling laughing kugeln|🙂 slight smile lächeln|🙃 upside down kopfüber|😉 wink zwinkern|😊 blush smile freundlich|😇 angel halo engel|🥰 love hearts verliebt|😍 heart eyes herzaugen|😘 kiss kuss|😋 yummy lecker|😎 cool sunglasses sonnenbrille|🤩 star struck begeistert|🥳 party celebrate feiern|🤗 hug umarmung|🤔 thinking denken|🤨 raised eyebrow skeptisch|😐 neutral|😶 speechless sprachlos|🙄 eye roll augenrollen|😏 smirk|😴 sleep schlafen|😷 mask sick maske krank|🤒 ill fever fieber|🤯 mind blown|😕 confused verwirrt|😟 worried besorgt|🙁 frown traurig|😮 surprised überrascht|😳 flushed verlegen|🥺 pleading bitte|😢 cry sad weinen traurig|😭 sob weinen|😞 disappointed enttäuscht|😓 sweat|😤 frustrated|😡 angry wütend|😱 scream schreck|🤦 facepalm|🤷 shrug schulterzucken|🙈 monkey see no evil affe`,
    ],
    [
      gettext("Hands and people"),
      `👍 thumbs up yes good daumen hoch ja|👎 thumbs down no daumen runter nein|👌 ok perfect|🙏 please thanks bitte danke|👏 clap applaus klatschen|🙌 hooray hurra|🤝 handshake deal handschlag|👋 wave hello bye winken hallo|✌️ peace victory|🤞 fingers crossed daumen drücken|💪 strong stark|👉 point right rechts|👈 point left links|👆 point up oben|👇 point down unten|☝️ one index|✍️ writing schreiben|👀 eyes look augen schauen|🧑 person|👨 man mann|👩 woman frau|👶 baby|👨‍👩‍👧 family familie|🧑‍💻 technologist computer|🧑‍🔧 mechanic repair reparatur|🚶 walk gehen|🏃 run laufen`,
    ],
    [
      gettext("Hearts and symbols"),
      `❤️ red heart love herz liebe|🧡 orange heart herz|💛 yellow heart herz|💚 green heart herz|💙 blue heart herz|💜 purple heart herz|🤍 white heart herz|💔 broken heart herz|✨ sparkles funkeln|⭐ star stern|🌟 glowing star stern|🔥 fire feuer|💯 hundred hundert|✅ check done yes haken fertig ja|☑️ checked haken|❌ cross no wrong nein falsch|⚠️ warning warnung achtung|❗ exclamation ausrufezeichen|❓ question frage|ℹ️ info information|🆗 ok|🆕 new neu|➡️ right arrow pfeil rechts|⬅️ left arrow pfeil links|⬆️ up arrow pfeil oben|⬇️ down arrow pfeil unten|🔄 again repeat wiederholen|🔔 bell glocke|🔒 lock schloss sicher|🔑 key schlüssel|💡 idea lamp light idee lampe licht|💬 speech message nachricht|💤 sleep schlaf`,
    ],
    [
      gettext("Shop and office"),
      `📦 parcel package box paket|🚚 delivery truck lieferung lkw|✈️ plane flight flugzeug|🛒 cart shopping einkauf wagen|🛍️ bags shopping einkaufen|🎁 gift present geschenk|🧾 receipt invoice rechnung beleg|💳 card payment karte zahlung|💶 euro money geld|💵 dollar money geld|💰 money bag geld|🏷️ label price preis etikett|📋 clipboard list liste|📝 note memo notiz|📄 page document dokument seite|📎 paperclip attachment büroklammer anhang|📅 calendar date kalender datum|⏰ alarm clock time wecker uhr|⏳ hourglass wait sanduhr warten|📞 phone call telefon anruf|📱 mobile phone handy|💻 laptop computer|📧 email mail|📍 pin place ort|🏠 home house haus zuhause|🏬 store shop laden geschäft|🏢 office büro|🔧 wrench tool werkzeug|🛠️ tools repair werkzeug reparatur|🔍 search suche lupe|📷 camera photo kamera foto|🎉 party celebration feier|🎂 cake birthday kuchen geburtstag|🏆 trophy pokal`,
    ],
    [
      gettext("Nature and food"),
      `☀️ sun sonne|🌤️ sunny cloud wolke|🌧️ rain regen|❄️ snow schnee|🌈 rainbow regenbogen|🌙 moon mond|🌍 earth world erde welt|🌱 plant pflanze|🌸 blossom blüte|🌹 rose|🌻 sunflower sonnenblume|🍀 clover luck glück klee|🌳 tree baum|🐶 dog hund|🐱 cat katze|🐝 bee biene|🦋 butterfly schmetterling|☕ coffee kaffee|🍵 tea tee|🍺 beer bier|🥂 cheers glasses prost|🍕 pizza|🍞 bread brot|🥐 croissant|🍎 apple apfel|🍓 strawberry erdbeere|🍰 cake kuchen|🍫 chocolate schokolade|🍽️ meal essen`,
    ],
  ].map(([title, entries]) => [title, entries.split("|").map(parseEntry)]);
  const NAMES = new Map(GROUPS.flatMap(([, entries]) => entries));

  function parseEntry(entry) {
    const space = entry.indexOf(" ");
    return [entry.slice(0, space), entry.slice(space + 1)];
  }

  const recentEmoji = () => storage.getList(RECENT_KEY).filter((emoji) => NAMES.has(emoji));

  function rememberEmoji(emoji) {
    const others = recentEmoji().filter((recent) => recent !== emoji);
    storage.setList(RECENT_KEY, [emoji, ...others].slice(0, MAX_RECENT));
  }

  // -- Creating the picker ------------------------------------------------------------------------------------------

  function createButton([emoji, names]) {
    const button = createElement("button", { type: "button", textContent: emoji, title: names, tabIndex: -1 });
    button.setAttribute("aria-label", names);
    return button;
  }

  function createGroup([title, entries]) {
    return [createElement("h3", { textContent: title }), ...entries.map(createButton)];
  }

  function fillGrid(grid, words) {
    const isMatch = ([, names]) => words.every((word) => foldText(names).includes(word));
    const recent = recentEmoji().map((emoji) => [emoji, NAMES.get(emoji)]);
    const groups = words.length ? GROUPS : [[gettext("Recent"), recent], ...GROUPS];
    const matches = groups.map(([title, entries]) => [title, entries.filter(isMatch)]);
    const elements = matches.filter(([, entries]) => entries.length).flatMap(createGroup);
    if (!elements.length) elements.push(createElement("p", { textContent: gettext("No matching emoji.") }));
    grid.replaceChildren(...elements);
    const first = grid.querySelector("button");
    if (first) first.tabIndex = 0;
  }

  function createPicker() {
    const label = gettext("Find an emoji");
    const search = createElement("input", { type: "search", id: "emoji-search", className: "input" });
    Object.assign(search, { autocomplete: "off", placeholder: label });
    search.setAttribute("aria-label", label);
    const grid = createElement("div", { className: "emoji-grid", id: "emoji-grid" });
    const picker = createElement("div", { className: "emoji", id: "emoji" }, [search, grid]);
    picker.setAttribute("role", "dialog");
    picker.setAttribute("aria-label", gettext("Emoji"));
    search.addEventListener("input", () => fillGrid(grid, foldText(search.value).split(/\s+/).filter(Boolean)));
    picker.addEventListener("keydown", (event) => handleKey(event, search, grid));
    grid.addEventListener("click", ({ target }) => target.matches("button") && choose(target.textContent));
    fillGrid(grid, []);
    return picker;
  }

  // -- Using it -----------------------------------------------------------------------------------------------------

  function handleKey(event, search, grid) {
    const buttons = queryAll("button", grid);
    const current = buttons.indexOf(document.activeElement);
    const isInSearch = document.activeElement === search;
    const columns = Math.max(1, getComputedStyle(grid).gridTemplateColumns.split(" ").length);
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
    if (event.key === "Escape") close({ restoreFocus: true });
    else if (event.key === "Enter" && isInSearch) {
      if (buttons.length) choose(buttons[0].textContent);
    } else if (event.key === "ArrowDown" && isInSearch) focusButton(buttons, 0);
    else if (event.key === "ArrowUp" && current >= 0 && current < columns) search.focus();
    else if (current >= 0 && event.key in steps) {
      focusButton(buttons, Math.min(buttons.length - 1, Math.max(0, current + steps[event.key])));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // One button at a time can be reached with Tab.
  function focusButton(buttons, index) {
    for (const [position, button] of buttons.entries()) button.tabIndex = position === index ? 0 : -1;
    buttons[index]?.focus();
  }

  function choose(emoji) {
    rememberEmoji(emoji);
    close();
    Omnichannel.insertText(byId("reply-text"), emoji);
  }

  function close({ restoreFocus = false } = {}) {
    byId("emoji")?.remove();
    byId("open-emoji")?.setAttribute("aria-expanded", "false");
    if (restoreFocus) byId("open-emoji")?.focus();
  }

  const isOutside = (element) => byId("emoji") && !element.closest("#emoji, #open-emoji");

  document.addEventListener("click", ({ target }) => {
    if (isOutside(target) && target.isConnected) close();
  });
  document.addEventListener("focusin", ({ target }) => {
    if (isOutside(target)) close();
  });

  Omnichannel.toggleEmojiPicker = (opener) => {
    if (byId("emoji")) return close({ restoreFocus: true });
    opener.closest("form").prepend(createPicker());
    opener.setAttribute("aria-expanded", "true");
    byId("emoji-search").focus();
  };
})();
