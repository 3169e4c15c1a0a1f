/** Rows as cards, for screens where a grid is too narrow: the problem, the value and its editor, one row below the other. */

import { Button, Data, html, useEffect, useId, useState } from "../kit.js";
import { textOf } from "../grid/grid.js";
import { number, t } from "../text.js";

const AT_ONCE = 20;

/** @param {any} props */
export function Cards({ shape, rows, onEdit, byHand }) {
  const [most, setMost] = useState(AT_ONCE);
  const [empty, setEmpty] = useState(0);
  useEffect(() => {
    rows.show(0, most);
  }, [most, rows.total]);
  const shown = [];
  for (let position = 0; position < Math.min(most, rows.total); position++) {
    const row = rows.get(position);
    if (row) shown.push(html`<${Card} key=${row.index} position=${position} row=${row} shape=${shape} onEdit=${onEdit} />`);
  }
  for (let at = 0; at < empty; at++) {
    shown.push(html`<${Card} key=${`new-${at}`} position=${rows.total + at} row=${{ index: 0, record: {}, errors: {} }} shape=${shape} onEdit=${onEdit} open />`);
  }
  return html`<div class="cards">
    ${shown}
    ${rows.total > most ? html`<${Button} onClick=${() => setMost(most + AT_ONCE)}>${t("CARDS.MORE", { count: rows.total - most })}<//>` : null}
    ${byHand ? html`<${Button} onClick=${() => setEmpty(1)}>${t("CARDS.ADD")}<//>` : null}
  </div>`;
}

/** @param {any} props */
function Card({ row, shape, position, onEdit, open = false }) {
  const [whole, setWhole] = useState(open);
  const wrong = shape.filter((/** @type {any} */ column) => row.errors?.[column.key] || row.warnings?.[column.key]);
  const edited = whole ? shape : wrong;
  const others = shape.filter((/** @type {any} */ column) => !edited.includes(column)).slice(0, 6);
  return html`<section class=${`row-card ${wrong.length ? "bad" : ""}`} aria-label=${t("SIDE.LINE", { row: row.line || row.index })}>
    <p class="soft">${row.index ? t("SIDE.LINE", { row: row.line || row.index }) : t("CARDS.NEW")}</p>
    ${edited.map((/** @type {any} */ column) => html`<${Cell} key=${column.key} row=${row} column=${column}
      onEdit=${(/** @type {string} */ text) => onEdit([{ position, key: column.key, text }])} />`)}
    ${others.length ? html`<dl>${others.map((/** @type {any} */ column) => html`<dt><${Data} limit=${40}>${column.name}<//></dt><dd><${Data} limit=${80}>${textOf(row.record?.[column.key])}<//></dd>`)}</dl>` : null}
    ${whole ? null : html`<${Button} kind="quiet small" onClick=${() => setWhole(true)}>${t("CARDS.WHOLE")}<//>`}
  </section>`;
}

/** @param {any} props */
function Cell({ row, column, onEdit }) {
  const id = useId();
  const text = textOf(row.record?.[column.key]);
  const error = row.errors?.[column.key], warning = row.warnings?.[column.key];
  const choices = column.type === "Select" && !column.allowMultiSelect ? column.selectValues ?? [] : [];
  const take = (/** @type {any} */ event) => {
    if (event.target.value !== text) onEdit(event.target.value);
  };
  return html`<div class="cell">
    <label for=${id}><${Data} limit=${60}>${column.name}<//></label>
    ${error ? html`<p class="wrong" id=${`${id}-wrong`}><${Data} limit=${300}>${error}<//>${row.explanations?.[column.key] ? html` <${Data} limit=${300}>${row.explanations[column.key]}<//>` : null}</p>`
      : warning ? html`<p id=${`${id}-wrong`}><${Data} limit=${300}>${warning}<//></p>` : null}
    ${choices.length ? html`<select id=${id} aria-describedby=${error ? `${id}-wrong` : null} aria-invalid=${error ? "true" : null} onChange=${take}>
        ${choices.includes(text) ? null : html`<option value=${text} selected>${text || t("SIDE.EMPTY")}</option>`}
        ${choices.map((/** @type {string} */ choice) => html`<option value=${choice} selected=${choice === text}>${choice}</option>`)}
      </select>`
      : html`<input id=${id} dir="auto" value=${text} aria-describedby=${error ? `${id}-wrong` : null} aria-invalid=${error ? "true" : null}
        inputmode=${column.type === "Number" ? "decimal" : column.type === "Email" ? "email" : null} placeholder=${column.type === "Date" ? column.dateFormats?.[0] : null}
        onChange=${take} onKeyDown=${(/** @type {KeyboardEvent} */ event) => { if (event.key === "Enter") /** @type {HTMLElement} */ (event.target).blur(); }} />`}
  </div>`;
}
