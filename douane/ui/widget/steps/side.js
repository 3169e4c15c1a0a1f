/** Beside the grid: the active cell, what is wrong with it in words, what would make it good, and where it came from. */

import { choicesOf } from "../grid/editors.js";
import { textOf } from "../grid/grid.js";
import { Button, Data, Select, html, useEffect, useState } from "../kit.js";
import * as look from "../look.js";
import { moment, t } from "../text.js";
import { expected, saying } from "../words.js";

/** So long on a cell, and what there is to know about it is asked for. */
const RESTING_MS = 150;

/**
 * @param {any} props `onTake`, `onTakeAll`: a text for this cell, for all alike; `onDelete`: the row, null where rows stay; `onMend`:
 *   `many` bad cells of the column at once
 */
export function Side({ row, column, onTake, onTakeAll, onDelete, onMend, many }) {
  const text = row && column ? textOf(row.record?.[column.key]) : "";
  const wrong = row && column ? saying(row, column, text) : null;
  const error = row?.errors?.[column?.key];
  const [offers, setOffers] = useState(/** @type {any[]} */ ([]));
  const [past, setPast] = useState(/** @type {any} */ (null));
  useEffect(() => {
    setOffers([]);
    setPast(null);
    if (!row || !column) return undefined;
    const control = new AbortController();
    // What cannot be had is left out: neither is needed to go on.
    const timer = setTimeout(() => {
      if (error) look.suggestions(row.index, column.key, control.signal).then(setOffers, () => {});
      if (row.updated?.[column.key]) look.history(row.index, column.key, control.signal).then(setPast, () => {});
    }, RESTING_MS);
    return () => {
      clearTimeout(timer);
      control.abort(new DOMException("stopped", "AbortError"));
    };
  }, [row?.index, column?.key, text, error]);
  if (!column) return html`<aside class="side" aria-label=${t("SIDE.LABEL")}><p class="soft">${t("SIDE.NOTHING")}</p></aside>`;
  // What a row that is still to be typed in should hold.
  if (!row) return html`<aside class="side" aria-label=${t("SIDE.LABEL")}>
    <div class="which"><span class="soft">${t("CARDS.NEW")}</span> <span><strong><${Data} limit=${80}>${column.name}<//></strong>${column.isRequired ? html` <span class="tag">${t("COMMON.REQUIRED")}</span>` : null}</span></div>
    ${expected(column) || column.description ? html`<p class="more"><${Data} limit=${600}>${[expected(column), column.description].filter(Boolean).join(" · ")}<//></p>` : null}</aside>`;
  const expects = expected(column), choices = error && !column.allowMultiSelect ? choicesOf(column) : [];
  const droppable = error && text && !column.isRequired;
  return html`<aside class="side" aria-label=${t("SIDE.LABEL")} tabindex="0">
    <div class="which"><span class="soft">${row.line ? t("SIDE.LINE", { row: row.line }) : t("CARDS.NEW")}</span> <strong><${Data} limit=${80}>${column.name}<//></strong></div>
    <div role="status" aria-live="polite">
      ${wrong ? html`<p class=${wrong.warning ? "sentence warning" : "sentence"}>${wrong.own ? wrong.text : html`<${Data} limit=${600}>${wrong.text}<//>`}</p>
        ${wrong.more ? html`<p class="more"><${Data} limit=${600}>${wrong.more}<//></p>` : null}`
        : html`<p class="all-good">✓ ${t("SIDE.GOOD")}</p>`}
    </div>
    ${offers.length ? html`<div class="suggestions"><h2>${t("SIDE.SUGGESTIONS")}</h2>
      ${offers.slice(0, 4).map((offer, at) => html`<div class="row">
        <${Button} kind="small" data-suggestion=${at ? null : "take"} onClick=${() => onTake(offer.value)}><${Data} limit=${60}>${offer.value}<//>${at ? null : html` <kbd>Alt ↵</kbd>`}<//>
        ${offer.alike > 1 ? html`<${Button} kind="link" data-suggestion=${at ? null : "take-all"} onClick=${() => onTakeAll(text, offer.value)}>${t("SIDE.TAKE_ALL", { count: offer.alike })}<//>` : null}
        ${offers[at - 1]?.code === offer.code ? null : html`<span class="soft">${t(`SUGGESTION.${String(offer.code).toUpperCase()}`)}</span>`}
      </div>`)}</div>` : null}
    ${error ? html`<div class="ways">
      ${choices.length ? html`<${Select} key=${`${row.index} ${column.key}`} label=${t("SIDE.CHOOSE")} hideLabel value="" onChange=${(/** @type {string} */ text) => text && onTake(text)}
        options=${[["", t("SIDE.CHOOSE")], ...choices.map((choice) => [choice, choice])]} />` : null}
      ${many > 1 ? html`<${Button} kind="small" onClick=${onMend}>${t("SIDE.MEND_ALL", { count: many })}<//>` : null}
      ${droppable ? html`<${Button} kind="small" onClick=${() => onTake("")}>${t("SIDE.LEAVE_EMPTY")}<//>` : null}
      ${onDelete ? html`<${Button} kind="small" onClick=${onDelete}>${t("CARDS.DELETE")}<//>` : null}</div>` : null}
    <div><h2>${t("SIDE.VALUE")}</h2><div class="value" dir="auto" tabindex="0">${text.slice(0, 4000) || html`<span class="soft">${t("SIDE.EMPTY")}</span>`}</div></div>
    ${past ? html`<div><h2>${t("SIDE.HISTORY")}</h2><ol>
      <li>${t("SIDE.ORIGINAL")}: <${Data} limit=${80}>${past.original || t("SIDE.EMPTY")}<//></li>
      ${past.changes.map((/** @type {any} */ one) => html`<li class=${one.undone ? "soft" : ""}><${Data} limit=${80}>${one.value || t("SIDE.EMPTY")}<//>
        <span class="soft"> ${moment(new Date(one.at))}${one.by?.name ? ` · ${one.by.name}` : ""}${one.undone ? ` · ${t("SIDE.UNDONE")}` : ""}</span></li>`)}
    </ol></div>` : null}
    ${(expects && expects !== wrong?.more) || column.description ? html`<div><h2>${t("SIDE.EXPECTED")}</h2>
      ${expects && expects !== wrong?.more ? html`<p><${Data} limit=${600}>${expects}<//></p>` : null}${column.description ? html`<p class="soft"><${Data} limit=${600}>${column.description}<//></p>` : null}</div>` : null}
  </aside>`;
}
