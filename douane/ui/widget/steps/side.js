/** Beside the grid: the active cell, what is wrong with it in words, what would make it good, and where it came from. */

import { attempt } from "../flow.js";
import { textOf } from "../grid/grid.js";
import { Button, Data, html, useEffect, useState } from "../kit.js";
import * as look from "../look.js";
import { moment, t } from "../text.js";

/** @param {any} props */
export function Side({ row, column, desk, onTake, onTakeAll }) {
  const text = row && column ? textOf(row.record?.[column.key]) : "";
  const error = row?.errors?.[column?.key], warning = row?.warnings?.[column?.key];
  const [offers, setOffers] = useState(/** @type {any[]} */ ([]));
  const [past, setPast] = useState(/** @type {any} */ (null));
  useEffect(() => {
    setOffers([]);
    setPast(null);
    if (!row || !column) return undefined;
    const control = new AbortController();
    const timer = setTimeout(() => attempt(async () => {
      if (error) setOffers(await look.suggestions(row.index, column.key, control.signal));
      if (row.updated?.[column.key]) setPast(await look.history(row.index, column.key, control.signal));
    }), 150);
    return () => {
      clearTimeout(timer);
      control.abort(new DOMException("stopped", "AbortError"));
    };
  }, [row?.index, column?.key, text, error]);
  if (!row || !column) return html`<aside class="side" aria-label=${t("SIDE.LABEL")}><p class="soft">${t("SIDE.NOTHING")}</p></aside>`;
  const whole = row.errors?.[""] ?? null;
  const said = row.explanations?.[column.key];
  return html`<aside class="side" aria-label=${t("SIDE.LABEL")}>
    <div><h3>${t("SIDE.LINE", { row: row.line || row.index })}</h3><strong><${Data}>${column.name}<//></strong></div>
    <div role="status" aria-live="polite">
      ${error ? html`<p class="sentence"><${Data} limit=${600}>${error}<//></p>` : null}
      ${!error && warning ? html`<p class="sentence warning"><${Data} limit=${600}>${warning}<//></p>` : null}
      ${said ? html`<p><${Data} limit=${600}>${said}<//></p>` : null}
      ${whole ? html`<p class="sentence"><${Data} limit=${600}>${whole}<//></p>` : null}
      ${!error && !warning && !whole ? html`<p class="soft">✓ ${t("SIDE.GOOD")}</p>` : null}
    </div>
    ${offers.length ? html`<div class="suggestions"><h3>${t("SIDE.SUGGESTIONS")}</h3>
      ${offers.slice(0, 4).map((offer, at) => html`<div class="row">
        <${Button} kind="small" data-suggestion=${at ? null : "take"} onClick=${() => onTake(offer.value)}><${Data} limit=${60}>${offer.value}<//>${at ? null : html` <kbd>Alt ↵</kbd>`}<//>
        ${offer.alike > 1 ? html`<${Button} kind="link" data-suggestion=${at ? null : "take-all"} onClick=${() => onTakeAll(text, offer.value)}>${t("SIDE.TAKE_ALL", { count: offer.alike })}<//>` : null}
        <span class="soft">${t(`SUGGESTION.${String(offer.code).toUpperCase()}`)}</span>
      </div>`)}</div>` : null}
    <div><h3>${t("SIDE.VALUE")}</h3><div class="value" dir="auto" tabindex="0">${text.slice(0, 4000) || html`<span class="soft">${t("SIDE.EMPTY")}</span>`}</div></div>
    ${past ? html`<div><h3>${t("SIDE.HISTORY")}</h3><ol>
      <li>${t("SIDE.ORIGINAL")}: <${Data} limit=${80}>${past.original || t("SIDE.EMPTY")}<//></li>
      ${past.changes.map((/** @type {any} */ one) => html`<li class=${one.undone ? "soft" : ""}><${Data} limit=${80}>${one.value || t("SIDE.EMPTY")}<//>
        <span class="soft"> ${moment(new Date(one.at))}${one.by?.name ? ` · ${one.by.name}` : ""}${one.undone ? ` · ${t("SIDE.UNDONE")}` : ""}</span></li>`)}
    </ol></div>` : null}
    ${column.description ? html`<p class="soft">${column.description}</p>` : null}
    ${column.says ? html`<div><h3>${t("SIDE.EXPECTED")}</h3><p>${column.says}</p></div>` : null}
  </aside>`;
}
