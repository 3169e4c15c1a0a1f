/** Rows as cards, for screens where a grid is too narrow: the problem, the value and its editor, one row below the other. */

import { Button, Data, html, useEffect, useId, useState } from "../kit.js";
import { pattern, read, written } from "../grid/dates.js";
import { choicesOf, isNumber } from "../grid/editors.js";
import { textOf } from "../grid/grid.js";
import { suggestions } from "../look.js";
import { plain, t } from "../text.js";
import { saying } from "../words.js";

const AT_ONCE = 20;
/** So much of a text stands in a list. */
const SHOWN = 80;

/** @param {any} props */
export function Cards({ shape, rows, onEdit, onDelete, adding }) {
  const [most, setMost] = useState(AT_ONCE);
  const [empty, setEmpty] = useState(0);
  useEffect(() => {
    rows.show(0, most);
  }, [most, rows.total]);
  const shown = [];
  for (let position = 0; position < Math.min(most, rows.total); position++) {
    const row = rows.get(position);
    if (row) shown.push(html`<${Card} key=${row.index} position=${position} row=${row} shape=${shape} onEdit=${onEdit} onDelete=${onDelete} />`);
  }
  for (let at = 0; at < empty; at++) {
    shown.push(html`<${Card} key=${`new-${at}`} position=${rows.total + at} row=${{ index: 0, record: {}, errors: {} }} shape=${shape} onEdit=${onEdit} open />`);
  }
  return html`<div class="cards">
    ${shown}
    ${rows.total > most ? html`<${Button} onClick=${() => setMost(most + AT_ONCE)}>${t("CARDS.MORE", { count: rows.total - most })}<//>` : null}
    ${adding ? html`<${Button} onClick=${() => setEmpty(1)}>${t("CARDS.ADD")}<//>` : null}
  </div>`;
}

/** @param {any} props */
function Card({ row, shape, position, onEdit, onDelete = null, open = false }) {
  const [whole, setWhole] = useState(open);
  const wrong = shape.filter((/** @type {any} */ column) => row.errors?.[column.key] || row.warnings?.[column.key]);
  const edited = whole ? shape : wrong;
  const others = shape.filter((/** @type {any} */ column) => !edited.includes(column)).slice(0, 6);
  const bad = Object.keys(row.errors ?? {}).length > 0, mended = !bad && Object.values(row.updated ?? {}).some(Boolean);
  return html`<section class=${`row-card ${bad ? "bad" : mended ? "mended" : ""}`} aria-label=${row.line ? t("SIDE.LINE", { row: row.line }) : t("CARDS.NEW")}>
    <p class="soft">${row.line ? t("SIDE.LINE", { row: row.line }) : t("CARDS.NEW")}${mended ? html` <span class="all-good">✓</span>` : null}</p>
    ${edited.map((/** @type {any} */ column) => html`<${Cell} key=${column.key} row=${row} column=${column}
      onEdit=${(/** @type {string} */ text) => onEdit([{ position, key: column.key, text }])} />`)}
    ${others.length ? html`<dl>${others.map((/** @type {any} */ column) => html`<dt><${Data} limit=${40}>${column.name}<//></dt><dd><${Data} limit=${80}>${textOf(row.record?.[column.key])}<//></dd>`)}</dl>` : null}
    <div class="row">${whole ? null : html`<${Button} kind="quiet small" onClick=${() => setWhole(true)}>${t("CARDS.WHOLE")}<//>`}
      ${onDelete && row.index ? html`<${Button} kind="quiet small" onClick=${() => onDelete(position)}>${t("CARDS.DELETE")}<//>` : null}</div>
  </section>`;
}

/** @param {any} props */
function Cell({ row, column, onEdit }) {
  const id = useId();
  const text = textOf(row.record?.[column.key]);
  const wrong = saying(row, column, text), error = wrong && !wrong.warning;
  const number = isNumber(column), droppable = error && text && !column.isRequired;
  const choices = column.allowMultiSelect ? [] : choicesOf(column);
  const form = column.type === "Date" ? pattern(column) : "";
  const take = (/** @type {any} */ event) => {
    const typed = event.target.value, value = number ? plain(typed) ?? typed : typed;
    if (value !== text) onEdit(value);
  };
  // What is being typed stays, whatever arrives meanwhile.
  const [typed, setTyped] = useState(text);
  useEffect(() => setTyped(text), [text]);
  const [offers, setOffers] = useState(/** @type {any[]} */ ([]));
  useEffect(() => {
    setOffers([]);
    if (!error || !row.index) return undefined;
    const control = new AbortController();
    suggestions(row.index, column.key, control.signal).then(setOffers, () => {});
    return () => control.abort(new DOMException("stopped", "AbortError"));
  }, [row.index, column.key, text, Boolean(error)]);
  return html`<div class="cell">
    <label for=${id}><${Data} limit=${60}>${column.name}<//></label>
    ${wrong ? html`<p class=${error ? "wrong" : ""} id=${`${id}-wrong`}>${wrong.own ? wrong.text : html`<${Data} limit=${300}>${wrong.text}<//>`}${wrong.more ? html`<span class="more"><${Data} limit=${300}>${wrong.more}<//></span>` : null}</p>` : null}
    ${choices.length ? html`<select id=${id} aria-describedby=${error ? `${id}-wrong` : null} aria-invalid=${error ? "true" : null} onChange=${take}>
        ${choices.includes(text) ? null : html`<option value=${text} selected>${text.slice(0, SHOWN) || t("SIDE.EMPTY")}</option>`}
        ${choices.map((/** @type {string} */ choice) => html`<option value=${choice} selected=${choice === text}>${choice}</option>`)}
      </select>`
      : html`<span class=${form ? "with-picker" : ""}><input id=${id} dir="auto" value=${typed} onInput=${(/** @type {any} */ event) => setTyped(event.target.value)} aria-describedby=${error ? `${id}-wrong` : null} aria-invalid=${error ? "true" : null}
        inputmode=${number ? "decimal" : column.type === "Email" ? "email" : null} placeholder=${column.type === "Date" ? column.dateFormats?.[0] : null}
        onChange=${take} onKeyDown=${(/** @type {KeyboardEvent} */ event) => { if (event.key === "Enter") /** @type {HTMLElement} */ (event.target).blur(); }} />
        ${form ? html`<input type="date" class="picker" aria-label=${t("GRID.PICK_DATE")} value=${read(text, column.dateFormats)} onChange=${(/** @type {any} */ event) => { if (event.target.value) onEdit(written(event.target.value, form)); }} />` : null}</span>`}
    ${offers.length || droppable ? html`<p class="row">${offers.slice(0, 3).map((offer) => html`<${Button} kind="small" onClick=${() => onEdit(offer.value)}><${Data} limit=${40}>${offer.value}<//><//>`)}
      ${droppable ? html`<${Button} kind="small" onClick=${() => onEdit("")}>${t("SIDE.LEAVE_EMPTY")}<//>` : null}</p>` : null}
  </div>`;
}
