/** The line that says what was decided about the file, each with a way back. */

import { remap, state } from "../flow.js";
import { Button, Data, html, useEffect, useState, useValue } from "../kit.js";
import { file, phase, reading, typed, upload } from "../store.js";
import { number, replaced, t } from "../text.js";
import { noted } from "../words.js";

/** So many notes and headings are shown; the rest is one click away. On a phone that is all but the name and what was matched. */
const NAMES = 5, NOTES = 2;
/** So many typed-in rows (contract 9.6). */
const RECOMMENDED_ROWS = 5000;
const isNarrow = () => window.innerWidth < 700;

/** @param {any} props `shape`: the columns; without them, while they are still being matched, the file alone */
export function Facts({ shape = null }) {
  const current = useValue(upload);
  const given = useValue(file);
  const byHand = useValue(typed);
  const now = useValue(reading);
  const [all, setAll] = useState(false);
  useEffect(() => {
    // A line about the file is not worth a complaint.
    if (!byHand && shape) state().catch(() => {});
  }, [current._id]);
  if (byHand) return html`<p class="facts">${t("PHASE1-2.RECOMMENDED_LIMIT", { records: RECOMMENDED_ROWS })}</p>`;
  const fed = now && shape ? now.columns.filter((/** @type {any} */ column) => column.heading !== null).length : shape?.length ?? 0;
  const name = given?.name ?? current.fileName ?? current.originalFileName ?? "";
  const read = now?.reading;
  /** @type {{ note: string, key?: string, values?: Record<string, any> }[]} */
  const notes = current.noticed ?? [];
  /** @type {string[]} */
  const ignored = (current.ignoredHeadings ?? []).filter(Boolean);
  const short = !all && Boolean(shape) && isNarrow(), shown = short ? [] : all ? notes : notes.slice(0, NOTES);
  const more = notes.length - shown.length + (short ? [read?.sheets.length || read?.encoding, now, ignored.length].filter(Boolean).length : 0);
  return html`<div class="facts"><div class="fact-line">
    <span class="fact"><strong><${Data} limit=${60}>${name}<//></strong></span>
    ${short ? null : read?.sheets.length ? html`<span class="fact">${t("FACTS.SHEET")} <strong><${Data} limit=${40}>${read.sheet ?? ""}<//></strong>
        ${read.sheets.length > 1 ? html` <${Button} kind="link" aria-label=${t("FACTS.CHANGE_SHEET")} onClick=${() => { phase.value = "sheet"; }}>${t("COMMON.CHANGE")}<//>` : null}</span>`
      : read?.encoding ? html`<span class="fact">${read.format.toUpperCase()}, ${read.encoding.toUpperCase()} <${Button} kind="link" aria-label=${t("READING.TITLE")} onClick=${() => { phase.value = "sheet"; }}>${t("COMMON.CHANGE")}<//></span>` : null}
    ${!short && now && now.headerRow !== null ? html`<span class="fact">${t("FACTS.HEADING_ROW", { row: number(now.lines[now.headerRow] || now.headerRow + 1) })}</span>` : null}
    ${shape ? html`<span class="fact">${t("FACTS.MATCHED", { count: fed, total: shape.length })} ${replaced("PHASE1.SEE_MAPPING") ? html`<${Button} kind="link" onClick=${remap}>${t("PHASE1.SEE_MAPPING")}<//>`
      : html`<${Button} kind="link" aria-label=${t("FACTS.CHANGE_MAPPING")} onClick=${remap}>${t("COMMON.CHANGE")}<//>`}</span>` : null}
    ${shape && !short && ignored.length ? html`<span class="fact">${t("MAPPING.IGNORED", { count: ignored.length })} ${ignored.slice(0, NAMES).map((one, at) => html`${at ? ", " : ""}<${Data} limit=${24}>${one}<//>`)}${ignored.length > NAMES ? " …" : ""}
      ${fed < shape.length ? html` <${Button} kind="link" onClick=${remap}>${t("FACTS.MATCH")}<//>` : null}</span>` : null}
    </div>
    ${shown.map((note) => html`<span class="note"><${Data} limit=${400}>${noted(note)}<//></span>`)}
    ${more ? html`<${Button} kind="link" onClick=${() => setAll(true)}>${t("FACTS.MORE_NOTES", { count: more })}<//>` : null}
  </div>`;
}
