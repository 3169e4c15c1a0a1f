/**
 * Editors of one cell, by type. Each is a small object: `element` to put into the cell, `value()` what it says now, and
 * `focus()`. Lists open under the cell and are searched by typing.
 */

import { t } from "../text.js";

/**
 * @param {any} column
 * @param {string} value
 * @param {{ commit: (step: [number, number]) => void }} on `commit`: take it and move by (rows, columns)
 */
export function editorOf(column, value, on) {
  if (column.type === "Select" || column.type === "Boolean") {
    const choices = column.selectValues?.length ? column.selectValues : column.type === "Boolean" ? ["true", "false"] : [];
    if (choices.length) return column.allowMultiSelect ? several(column, value, choices) : one(column, value, choices, on);
  }
  return text(column, value);
}

/** @param {any} column @param {string} value */
function text(column, value) {
  const multiline = value.includes("\n") || value.length > 120;
  const input = /** @type {HTMLInputElement | HTMLTextAreaElement} */ (document.createElement(multiline ? "textarea" : "input"));
  input.className = multiline ? "cell-input long" : "cell-input";
  input.setAttribute("aria-label", column.name);
  input.dir = "auto";
  input.spellcheck = false;
  input.autocomplete = "off";
  if (column.type === "Number") input.inputMode = "decimal";
  else if (column.type === "Email") input.inputMode = "email";
  if (column.type === "Date" && column.dateFormats?.length && "placeholder" in input) input.placeholder = column.dateFormats[0];
  input.value = value;
  return { element: input, value: () => input.value, focus: (/** @type {boolean} */ all) => { input.focus(); if (all) input.select(); } };
}

/** @param {any} column @param {string} value @param {string[]} choices @param {any} on */
function one(column, value, choices, on) {
  const box = document.createElement("div");
  box.className = "cell-list";
  const input = document.createElement("input");
  input.className = "cell-input";
  input.dir = "auto";
  input.autocomplete = "off";
  input.value = value;
  const list = document.createElement("ul");
  list.className = "options";
  list.role = "listbox";
  list.id = "cell-options";
  list.setAttribute("aria-label", column.name);
  const labels = { role: "combobox", "aria-label": column.name, "aria-controls": list.id, "aria-expanded": "true", "aria-autocomplete": "list" };
  for (const [name, label] of Object.entries(labels)) input.setAttribute(name, label);
  box.append(input, list);
  let at = -1;
  /** @type {string[]} */
  let shown = [];

  const draw = (/** @type {string} */ typed) => {
    const wanted = typed.trim().toLocaleLowerCase();
    const starts = choices.filter((choice) => choice.toLocaleLowerCase().startsWith(wanted));
    const others = choices.filter((choice) => !starts.includes(choice) && choice.toLocaleLowerCase().includes(wanted));
    shown = (wanted ? [...starts, ...others] : choices).slice(0, 100);
    list.replaceChildren(...shown.map((choice, place) => {
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
    if (!shown.length) {
      const none = document.createElement("li");
      none.className = "soft";
      none.textContent = t("GRID.NO_CHOICE");
      list.append(none);
    }
    mark(shown.indexOf(value) >= 0 && !typed ? shown.indexOf(value) : shown.length && typed ? 0 : -1);
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
      if (shown.length) mark((at + (event.key === "ArrowDown" ? 1 : -1) + shown.length) % shown.length);
    } else if ((event.key === "Enter" || event.key === "Tab") && at >= 0 && !event.isComposing) input.value = shown[at];
  });
  draw("");
  return { element: box, value: () => input.value, focus: (/** @type {boolean} */ all) => { input.focus(); if (all) input.select(); else draw(input.value); }, popup: list };
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
  for (const choice of choices) {
    const label = document.createElement("label");
    const tick = document.createElement("input");
    tick.type = "checkbox";
    tick.checked = chosen.has(choice);
    tick.addEventListener("change", () => (tick.checked ? chosen.add(choice) : chosen.delete(choice)));
    label.append(tick, ` ${choice}`);
    label.dir = "auto";
    list.append(label);
  }
  box.append(list);
  return {
    element: box,
    // In the list's order; what is on no list stays, for a person wrote it.
    value: () => [...choices.filter((choice) => chosen.has(choice)), ...[...chosen].filter((part) => !choices.includes(part))].join(between),
    focus: () => list.querySelector("input")?.focus(),
    popup: list,
  };
}
