// Emoji to choose from: native characters, found by their names in English and German; fetched when first opened.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const RECENT = "recent-emoji";
  const MOST_RECENT = 16;
  const GROUPS = [
    [
      gettext("Faces"),
      `😀 grinning smile happy lachen grinsen|😃 smiley happy froh|😄 smile laugh lachen|😁 beaming grin strahlen|😅 sweat relief schweiss erleichtert|😂 joy tears laugh freudentränen|🤣 rolling laughing kugeln|🙂 slight smile lächeln|🙃 upside down kopfüber|😉 wink zwinkern|😊 blush smile freundlich|😇 angel halo engel|🥰 love hearts verliebt|😍 heart eyes herzaugen|😘 kiss kuss|😋 yummy lecker|😎 cool sunglasses sonnenbrille|🤩 star struck begeistert|🥳 party celebrate feiern|🤗 hug umarmung|🤔 thinking denken|🤨 raised eyebrow skeptisch|😐 neutral|😶 speechless sprachlos|🙄 eye roll augenrollen|😏 smirk|😴 sleep schlafen|😷 mask sick maske krank|🤒 ill fever fieber|🤯 mind blown|😕 confused verwirrt|😟 worried besorgt|🙁 frown traurig|😮 surprised überrascht|😳 flushed verlegen|🥺 pleading bitte|😢 cry sad weinen traurig|😭 sob weinen|😞 disappointed enttäuscht|😓 sweat|😤 frustrated|😡 angry wütend|😱 scream schreck|🤦 facepalm|🤷 shrug schulterzucken|🙈 monkey see no evil affe`,
    ],
    [
      gettext("Hands and people"),
      `👍 thumbs up yes good daumen hoch ja|👎 thumbs down no daumen runter nein|👌 ok perfect|🙏 please thanks bitte danke|👏 clap applaus klatschen|🙌 hooray hurra|🤝 handshake deal handschlag|👋 wave hello bye winken hallo|✌️ peace victory|🤞 fingers crossed daumen drücken|💪 strong stark|👉 point right rechts|👈 point left links|👆 point up oben|👇 point down unten|☝️ one index|✍️ writing schreiben|👀 eyes look augen schauen|🧑 person|👨 man mann|👩 woman frau|👶 baby|👨‍👩‍👧 family familie|🧑‍💻 technologist computer|🧑‍🔧 mechanic repair reparatur|🚶 walk gehen|🏃 run laufen`,
    ],
    [
      gettext("Hearts and signs"),
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
  ].map(([name, all]) => [
    name,
    all.split("|").map((one) => [one.slice(0, one.indexOf(" ")), one.slice(one.indexOf(" ") + 1)]),
  ]);
  const NAMES = new Map(GROUPS.flatMap(([, all]) => all));

  function recent() {
    try {
      return JSON.parse(localStorage.getItem(RECENT) ?? "[]").filter((sign) => NAMES.has(sign));
    } catch {
      return [];
    }
  }

  function remember(sign) {
    const signs = [sign, ...recent().filter((one) => one !== sign)].slice(0, MOST_RECENT);
    try {
      localStorage.setItem(RECENT, JSON.stringify(signs));
    } catch {
      // Then there are no recent ones.
    }
  }

  function made(tag, fields, children = []) {
    const element = Object.assign(document.createElement(tag), fields);
    element.append(...children);
    return element;
  }

  function button([sign, names]) {
    const one = made("button", { type: "button", textContent: sign, title: names, tabIndex: -1 });
    one.setAttribute("aria-label", names);
    return one;
  }

  function fill(grid, words) {
    const fits = ([, names]) => words.every((word) => names.includes(word));
    const known = recent().map((sign) => [sign, NAMES.get(sign)]);
    const groups = words.length ? GROUPS : [[gettext("Recent"), known], ...GROUPS];
    const shown = groups.map(([name, all]) => [name, all.filter(fits)]).filter(([, all]) => all.length);
    const parts = shown.flatMap(([name, all]) => [made("h3", { textContent: name }), ...all.map(button)]);
    grid.replaceChildren(...(parts.length ? parts : [made("p", { textContent: gettext("No emoji has this name.") })]));
    const first = grid.querySelector("button");
    if (first) first.tabIndex = 0;
  }

  function make() {
    const search = made("input", { className: "input", type: "search", id: "emoji-search", autocomplete: "off" });
    search.placeholder = gettext("Find an emoji");
    search.setAttribute("aria-label", gettext("Find an emoji"));
    const grid = made("div", { className: "emoji-grid", id: "emoji-grid" });
    const box = made("div", { className: "emoji", id: "emoji" }, [search, grid]);
    box.setAttribute("role", "dialog");
    box.setAttribute("aria-label", gettext("Emoji"));
    search.addEventListener("input", () => fill(grid, search.value.toLowerCase().split(/\s+/).filter(Boolean)));
    box.addEventListener("keydown", (event) => keys(event, box, search, grid));
    grid.addEventListener("click", ({ target }) => target.matches("button") && choose(target.textContent));
    fill(grid, []);
    return box;
  }

  function keys(event, box, search, grid) {
    const all = [...grid.querySelectorAll("button")];
    const here = all.indexOf(document.activeElement);
    const across = Math.max(1, getComputedStyle(grid).gridTemplateColumns.split(" ").length);
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across };
    if (event.key === "Escape") close({ focus: true });
    else if (event.key === "Enter" && document.activeElement === search) all.length && choose(all[0].textContent);
    else if (event.key === "ArrowDown" && document.activeElement === search) focus(all, 0);
    else if (event.key === "ArrowUp" && here >= 0 && here < across) search.focus();
    else if (here >= 0 && event.key in steps)
      focus(all, Math.min(all.length - 1, Math.max(0, here + steps[event.key])));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function focus(all, place) {
    all.forEach((one, index) => (one.tabIndex = index === place ? 0 : -1));
    all[place]?.focus();
  }

  function choose(sign) {
    remember(sign);
    close();
    Desk.type(byId("reply-text"), sign);
  }

  function close({ focus: goesBack = false } = {}) {
    byId("emoji")?.remove();
    byId("open-emoji")?.setAttribute("aria-expanded", "false");
    if (goesBack) byId("open-emoji")?.focus();
  }

  document.addEventListener("click", (event) => {
    if (byId("emoji") && !event.target.closest("#emoji, #open-emoji") && event.target.isConnected) close();
  });
  document.addEventListener(
    "focusin",
    ({ target }) => byId("emoji") && !target.closest("#emoji, #open-emoji") && close(),
  );

  Desk.emoji = (opener) => {
    if (byId("emoji")) return close({ focus: true });
    opener.closest("form").prepend(make());
    opener.setAttribute("aria-expanded", "true");
    byId("emoji-search").focus();
  };
})();
