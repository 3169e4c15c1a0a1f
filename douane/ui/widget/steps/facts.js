/** The line that says what was decided about the file, each with a way back. */

import { remap } from "../flow.js";
import { Button, Data, Dialog, html, useState, useValue } from "../kit.js";
import { changes, file, mapping, phase, sheet, typed, upload } from "../store.js";
import { number, t } from "../text.js";

const WORKBOOK = /\.(xlsx|xlsm|xlsb|xls|ods|fods)$/i;
/** So many notes and headings are shown; the rest is one click away. */
const NAMES = 5;
const notesShown = () => (window.innerWidth < 700 ? 0 : 2);

/** @param {any} props */
export function Facts({ shape }) {
  const state = useValue(upload);
  const given = useValue(file);
  const chosen = useValue(mapping);
  const made = useValue(changes);
  const byHand = useValue(typed);
  const read = useValue(sheet);
  const [asking, setAsking] = useState("");
  const [all, setAll] = useState(false);
  if (byHand) return null;
  const fed = chosen.length ? chosen.filter((column) => column.columnHeading).length : shape.filter((/** @type {any} */ column) => column.columnHeading).length;
  const name = given?.name ?? state.fileName ?? state.originalFileName ?? "";
  const ways = { sheet: () => { phase.value = "sheet"; }, mapping: remap };
  const change = (/** @type {"sheet" | "mapping"} */ what) => (made ? setAsking(what) : ways[what]());
  /** @type {any[]} */
  const notes = state.notes ?? [];
  /** @type {string[]} */
  const ignored = (state.ignoredHeadings ?? []).filter(Boolean);
  return html`<div class="facts">
    <span class="fact"><strong><${Data} limit=${60}>${name}<//></strong></span>
    ${WORKBOOK.test(name) && given ? html`<span class="fact">${t("FACTS.SHEET")} ${read ? html`<strong><${Data} limit=${40}>${read}<//></strong> ` : null}<${Button} kind="link" aria-label=${t("FACTS.CHANGE_SHEET")} onClick=${() => change("sheet")}>${t("COMMON.CHANGE")}<//></span>` : null}
    ${state.headerRow >= 0 ? html`<span class="fact">${t("FACTS.HEADING_ROW", { row: number(state.headerRow + 1) })}</span>` : null}
    <span class="fact">${t("FACTS.MATCHED", { count: fed, total: shape.length })}
      ${given ? html` <${Button} kind="link" aria-label=${t("FACTS.CHANGE_MAPPING")} onClick=${() => change("mapping")}>${t("COMMON.CHANGE")}<//>` : null}</span>
    ${ignored.length ? html`<span class="fact">${t("MAPPING.IGNORED", { count: ignored.length })} ${ignored.slice(0, NAMES).map((one, at) => html`${at ? ", " : ""}<${Data} limit=${24}>${one}<//>`)}${ignored.length > NAMES ? " …" : ""}</span>` : null}
    ${(all ? notes : notes.slice(0, notesShown())).map((note) => html`<span class="note"><${Data} limit=${400}>${typeof note === "string" ? note : note.message}<//></span>`)}
    ${!all && notes.length > notesShown() ? html`<${Button} kind="link" onClick=${() => setAll(true)}>${t("FACTS.MORE_NOTES", { count: notes.length - notesShown() })}<//>` : null}
    ${asking ? html`<${Dialog} title=${t("FACTS.AGAIN_TITLE")} onClose=${() => setAsking("")} actions=${[
      html`<${Button} onClick=${() => setAsking("")}>${t("COMMON.CANCEL")}<//>`,
      html`<${Button} kind="danger" onClick=${() => { const way = ways[/** @type {"sheet" | "mapping"} */ (asking)]; setAsking(""); way(); }}>${t("FACTS.AGAIN")}<//>`,
    ]}><p>${t("FACTS.AGAIN_DETAILS", { count: made })}</p><//>` : null}
  </div>`;
}
