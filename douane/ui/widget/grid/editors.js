/**
 * Editors of one cell, by type. Each is a small object: `element` to put into the cell, `value()` what it says now, and
 * `focus()`; a list that opens under the cell is its `popup`.
 */

import { pattern, read, written } from "./dates.js";
import { plain, shown, t } from "../text.js";

/**
 * @param {any} column
 * @param {string} value
 * @param {{ commit: (step: [number, number]) => void }} on `commit`: take it and move by (rows, columns)
 */
export function editorOf(column, value, on) {
  const choices = choicesOf(column);
  if (choices.length) return column.allowMultiSelect ? several(column, value, choices) : one(column, value, choices, on);
  if (column.type === "Date" && pattern(column)) return date(column, value);
  if (isNumber(column)) return amount(column, value);
  return text(column, value);
}

/** @param {any} column @returns {string[]} */
export function choicesOf(column) {
  if (column.selectValues?.length) return column.selectValues;
  return column.type === "Boolean" ? ["true", "false"] : [];
}

/** @param {any} column */
export function isNumber(column) {
  return column.type === "Number" || column.type === "Double";
}

/** @param {any} column @param {string} value */
function field(column, value) {
  const input = document.createElement("input");
  input.className = "cell-input";
  input.setAttribute("aria-label", column.name);
  input.dir = "auto";
  input.spellcheck = false;
  input.autocomplete = "off";
  input.value = value;
  return input;
}

/** @param {HTMLInputElement | HTMLTextAreaElement} input */
function focusing(input) {
  return (/** @type {boolean} */ all) => {
    input.focus();
    if (all) input.select();
  };
}

/** @param {any} column @param {string} value */
function text(column, value) {
  if (!value.includes("\n") && value.length <= 120) {
    const input = field(column, value);
    if (column.type === "Email") input.inputMode = "email";
    return { element: input, value: () => input.value, focus: focusing(input) };
  }
  const area = document.createElement("textarea");
  area.className = "cell-input long";
  area.setAttribute("aria-label", column.name);
  area.dir = "auto";
  area.spellcheck = false;
  area.value = value;
  return { element: area, value: () => area.value, focus: focusing(area) };
}

/** A number as the person writes numbers: what it is taken for stands below, as soon as it is not the very same text. @param {any} column @param {string} value */
function amount(column, value) {
  const box = document.createElement("div");
  box.className = "cell-list";
  const input = field(column, value);
  input.inputMode = "decimal";
  const hint = document.createElement("div");
  hint.className = "options hint";
  hint.role = "status";
  box.append(input, hint);
  const draw = () => {
    const taken = plain(input.value), meant = taken === null ? "" : shown(taken);
    hint.textContent = taken === null || taken === input.value.trim() && meant === taken ? "" : `= ${meant}`;
    hint.hidden = !hint.textContent;
  };
  input.addEventListener("input", draw);
  draw();
  return { element: box, value: () => plain(input.value) ?? input.value, focus: focusing(input), popup: hint };
}

/** A date, typed or picked in the browser's own calendar; it is written in the column's first format. @param {any} column @param {string} value */
function date(column, value) {
  const box = document.createElement("div");
  box.className = "cell-list with-picker";
  const input = field(column, value);
  input.placeholder = column.dateFormats?.[0] ?? "";
  const picker = document.createElement("input");
  picker.type = "date";
  picker.className = "picker";
  picker.setAttribute("aria-label", t("GRID.PICK_DATE"));
  picker.value = read(value, column.dateFormats);
  picker.addEventListener("change", () => {
    if (!picker.value) return;
    input.value = written(picker.value, pattern(column));
    input.focus();
  });
  input.addEventListener("change", () => { picker.value = read(input.value, column.dateFormats); });
  box.append(input, picker);
  return { element: box, value: () => input.value, focus: focusing(input) };
}

/** @param {any} column @param {string} value @param {string[]} choices @param {any} on */
function one(column, value, choices, on) {
  const box = document.createElement("div");
  box.className = "cell-list";
  const input = field(column, value);
  const list = document.createElement("ul");
  list.className = "options";
  list.role = "listbox";
  list.id = "cell-options";
  list.setAttribute("aria-label", column.name);
  const labels = { role: "combobox", "aria-controls": list.id, "aria-expanded": "true", "aria-autocomplete": "list" };
  for (const [name, label] of Object.entries(labels)) input.setAttribute(name, label);
  box.append(input, list);
  let at = -1;
  /** @type {string[]} */
  let offered = [];

  const draw = (/** @type {string} */ typed) => {
    const wanted = typed.trim().toLocaleLowerCase();
    const starts = choices.filter((choice) => choice.toLocaleLowerCase().startsWith(wanted));
    const others = choices.filter((choice) => !starts.includes(choice) && choice.toLocaleLowerCase().includes(wanted));
    offered = (wanted ? [...starts, ...others] : choices).slice(0, 100);
    list.replaceChildren(...offered.map((choice, place) => {
      const item = document.createElement("li");
      item.role = "option";
      item.id = `cell-option-${place}`;
      item.textContent = choice;
      item.dir = "auto";
      item.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        input.value = choice;
        on.commit([0, 0]);
      });
      return item;
    }));
    if (!offered.length) {
      const none = document.createElement("li");
      none.className = "soft";
      none.role = "option";
      none.ariaDisabled = "true";
      none.textContent = t("GRID.NO_CHOICE");
      list.append(none);
    }
    mark(offered.indexOf(value) >= 0 && !typed ? offered.indexOf(value) : offered.length && typed ? 0 : -1);
  };
  const mark = (/** @type {number} */ place) => {
    at = place;
    [...list.children].forEach((item, here) => item.setAttribute("aria-selected", String(here === at)));
    if (at >= 0) {
      input.setAttribute("aria-activedescendant", `cell-option-${at}`);
      list.children[at]?.scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  };
  input.addEventListener("input", () => draw(input.value));
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      event.stopPropagation();
      if (offered.length) mark((at + (event.key === "ArrowDown" ? 1 : -1) + offered.length) % offered.length);
    } else if ((event.key === "Enter" || event.key === "Tab") && at >= 0 && !event.isComposing) input.value = offered[at];
  });
  draw("");
  const focus = focusing(input);
  return { element: box, value: () => input.value, focus: (/** @type {boolean} */ all) => { focus(all); if (!all) draw(input.value); }, popup: list };
}

/** @param {any} column @param {string} value @param {string[]} choices */
function several(column, value, choices) {
  const between = column.delimiter || ",";
  const chosen = new Set(value.split(between).map((part) => part.trim()).filter(Boolean));
  const box = document.createElement("div");
  box.className = "cell-list";
  const list = document.createElement("div");
  list.className = "options several";
  list.role = "group";
  list.setAttribute("aria-label", column.name);
  const said = document.createElement("div");
  said.className = "cell-text";
  // In the list's order; what is on no list stays until it is unticked, for a person wrote it.
  const strangers = [...chosen].filter((part) => !choices.includes(part));
  const joined = () => [...choices.filter((choice) => chosen.has(choice)), ...strangers.filter((part) => chosen.has(part))].join(between);
  said.textContent = value;
  for (const choice of [...strangers, ...choices]) {
    const label = document.createElement("label");
    const tick = document.createElement("input");
    tick.type = "checkbox";
    tick.checked = chosen.has(choice);
    tick.addEventListener("change", () => {
      if (tick.checked) chosen.add(choice);
      else chosen.delete(choice);
      said.textContent = joined();
    });
    if (strangers.includes(choice)) label.className = "stranger";
    label.append(tick, ` ${choice}`);
    label.dir = "auto";
    list.append(label);
  }
  list.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    event.stopPropagation();
    const ticks = [...list.querySelectorAll("input")], at = ticks.indexOf(/** @type {any} */ (document.activeElement));
    ticks[(at + (event.key === "ArrowDown" ? 1 : -1) + ticks.length) % ticks.length]?.focus();
  });
  box.append(said, list);
  return {
    element: box,
    value: () => (said.textContent === value ? value : joined()),
    focus: () => list.querySelector("input")?.focus(),
    popup: list,
  };
}
