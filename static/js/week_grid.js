// The week of operating hours: adds, removes and copies periods, and draws the bars while somebody types.
// Without JavaScript each day has an empty row, and Copy posts the form.
"use strict";

(() => {
  const { createElement, queryAll } = Omnichannel;
  const week = document.querySelector("[data-week]");
  const template = week?.querySelector("template[data-empty-period]");
  if (!template) return;

  const DAY = 24 * 60;
  // A shorter bar has no room for its label.
  const MIN_LABELLED = 5 * 60;
  const SVG = "http://www.w3.org/2000/svg";
  const prefix = week.dataset.week;
  const days = queryAll("[data-weekday]", week);
  const status = week.querySelector("[data-week-status]");
  const totalForms = document.getElementsByName(`${prefix}-TOTAL_FORMS`)[0];

  // -- Periods ------------------------------------------------------------------------------------------------------

  const rowsOf = (day) => queryAll("[data-period]", day);
  const shownRowsOf = (day) => rowsOf(day).filter((row) => !row.hidden);
  const inputsOf = (row) => queryAll("input[type=text]", row);
  const isEmpty = (row) => inputsOf(row).every((input) => input.value.trim() === "");
  const filledRowsOf = (day) => shownRowsOf(day).filter((row) => !isEmpty(row));

  // The same rules as on the server: minutes since midnight, or null.
  function parseTime(text) {
    const match = /^(\d{1,2})(?:[:.h]?(\d{2}))?(?::00)?\s*(am|pm)?$/i.exec(text.trim());
    if (!match) return null;
    let hour = Number(match[1]);
    const minute = Number(match[2] ?? 0);
    if (match[3]) {
      if (hour < 1 || hour > 12) return null;
      hour = (hour % 12) + (match[3].toLowerCase() === "pm" ? 12 : 0);
    }
    const minutes = hour * 60 + minute;
    return minute < 60 && minutes <= DAY ? minutes : null;
  }

  const twoDigits = (number) => String(number).padStart(2, "0");
  const formatTime = (minutes) => `${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`;

  // Return start and end in minutes; the end is above a day's minutes when it is on the next day.
  function readPeriod(row) {
    const [opens, closes] = inputsOf(row).map((input) => parseTime(input.value));
    if (opens === null || closes === null || opens === undefined || opens === DAY) return null;
    return { start: opens, end: closes > opens ? closes : closes + DAY };
  }

  function showRow(row) {
    row.hidden = false;
  }

  function clearRow(row) {
    for (const input of inputsOf(row)) input.value = "";
    row.querySelector(".week-errors")?.remove();
    row.hidden = true; // empty times remove the period when the form is saved
  }

  function addRow(day) {
    let row = rowsOf(day).find((each) => each.hidden);
    if (!row) {
      const html = template.innerHTML.replaceAll("__prefix__", totalForms.value);
      totalForms.value = Number(totalForms.value) + 1;
      row = createElement("div");
      row.innerHTML = html;
      row = row.firstElementChild;
      day.querySelector(".week-buttons").before(row);
      row.querySelector("input[name$=-weekday]").value = day.dataset.weekday;
      for (const [number, input] of inputsOf(row).entries()) {
        input.setAttribute("aria-label", `${day.dataset.label}, ${number === 0 ? "opens" : "closes"}`);
      }
      enhanceRow(row);
    }
    showRow(row);
    return row;
  }

  // -- Bars ---------------------------------------------------------------------------------------------------------

  function createSvg(name, attributes, children = []) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  const percent = (minutes) => `${(minutes * 100) / DAY}%`;

  function createBar(start, end, label, isContinued) {
    const className = isContinued ? "bar continued" : "bar";
    return createSvg("svg", { x: percent(start), width: percent(end - start), height: 26, class: className }, [
      createSvg("rect", { x: 0, y: 4, width: "100%", height: 18, rx: 3 }),
      createSvg("text", { x: 6, y: 17 }, end - start >= MIN_LABELLED ? [label] : []),
    ]);
  }

  const createClosedLabel = () => createSvg("text", { x: "50%", y: 17, "text-anchor": "middle" }, ["Closed"]);

  function createBars(periods, periodsBefore) {
    const continued = periodsBefore
      .filter(({ end }) => end > DAY)
      .map(({ end }) => createBar(0, end - DAY, `until ${formatTime(end - DAY)}`, true));
    const begun = periods.map(({ start, end }) =>
      end > DAY
        ? createBar(start, DAY, `${formatTime(start)} →`, false)
        : createBar(start, end, `${formatTime(start)}–${formatTime(end)}`, false),
    );
    const bars = [...continued, ...begun];
    return bars.length ? bars : [createClosedLabel()];
  }

  function updateRow(row) {
    const period = readPeriod(row);
    row.querySelector("[data-next-day]").hidden = !period || period.end <= DAY;
  }

  function update() {
    const periods = days.map((day) => shownRowsOf(day).map(readPeriod).filter(Boolean));
    for (const [number, day] of days.entries()) {
      const before = periods[(number + days.length - 1) % days.length];
      day.querySelector(".week-track g").replaceChildren(...createBars(periods[number], before));
      for (const row of rowsOf(day)) updateRow(row);
      const hasHours = shownRowsOf(day).length > 0;
      day.querySelector("[data-add-period] span").textContent = hasHours ? "Add" : "Add hours";
      day.querySelector("[name=_copy_day]").hidden = filledRowsOf(day).length === 0;
    }
    const minutes = periods.flat().reduce((sum, { start, end }) => sum + end - start, 0);
    const rest = minutes % 60 ? ` ${minutes % 60} min` : "";
    week.querySelector("[data-open-time]").textContent = `${Math.floor(minutes / 60)} h${rest} open`;
  }

  // -- Copying ------------------------------------------------------------------------------------------------------

  const timesOf = (day) => filledRowsOf(day).map((row) => inputsOf(row).map((input) => input.value));

  function setTimes(day, periods) {
    for (const row of rowsOf(day)) clearRow(row);
    for (const times of periods) {
      const row = addRow(day);
      for (const [number, input] of inputsOf(row).entries()) input.value = times[number];
    }
  }

  function offerUndo(text, before) {
    const undo = createElement("button", { type: "button", className: "button quiet", textContent: "Undo" });
    undo.addEventListener("click", () => {
      for (const [number, day] of days.entries()) setTimes(day, before[number]);
      update();
      status.textContent = "Undone.";
    });
    status.replaceChildren(text, undo);
  }

  function copyDay(day) {
    const before = days.map(timesOf);
    const isWorkday = Number(day.dataset.weekday) < 5;
    const targets = isWorkday ? days.slice(0, 5) : days.slice(5);
    for (const target of targets) if (target !== day) setTimes(target, timesOf(day));
    update();
    offerUndo(`${day.dataset.label} was copied to ${isWorkday ? "Mon–Fri" : "Sat–Sun"}. Save to apply. `, before);
  }

  // -- Events -------------------------------------------------------------------------------------------------------

  function enhanceRow(row) {
    const checkbox = row.querySelector("[data-delete] input");
    if (checkbox?.checked) clearRow(row);
    row.querySelector("[data-delete]")?.remove();
    row.querySelector("[data-remove-period]").hidden = false;
  }

  // Show a time as it will be stored: "930" becomes "09:30".
  function normalizeTime(input) {
    const minutes = parseTime(input.value);
    if (minutes !== null) input.value = formatTime(minutes);
  }

  for (const day of days) {
    for (const row of rowsOf(day)) {
      enhanceRow(row);
      if (isEmpty(row)) row.hidden = true;
    }
    const add = day.querySelector("[data-add-period]");
    add.hidden = false;
    add.addEventListener("click", () => {
      inputsOf(addRow(day))[0].focus();
      update();
    });
    const copy = day.querySelector("[name=_copy_day]");
    copy.type = "button";
    copy.addEventListener("click", () => copyDay(day));
    day.addEventListener("click", (event) => {
      const remove = event.target.closest("[data-remove-period]");
      if (!remove) return;
      clearRow(remove.closest("[data-period]"));
      update();
      add.focus();
    });
    day.addEventListener("input", update);
    day.addEventListener("change", (event) => {
      if (event.target.matches("input[type=text]")) normalizeTime(event.target);
      update();
    });
  }
  update();
})();
