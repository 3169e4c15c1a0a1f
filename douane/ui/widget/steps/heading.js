/** Which sheet, and which of its rows holds the headings: shown with the rows themselves. */

import { attempt, sheets, takeHeading, takeSheet } from "../flow.js";
import { Button, Data, html, useEffect, useState, useValue } from "../kit.js";
import { client, phase, sheet, upload } from "../store.js";
import { number, t } from "../text.js";

export function Sheet() {
  const [names, setNames] = useState(/** @type {string[] | null} */ (null));
  const current = useValue(sheet);
  const [chosen, setChosen] = useState(current);
  useEffect(() => {
    attempt(async () => setNames(await sheets()));
  }, []);
  if (!names) return html`<p class="centre soft">${t("PROGRESS.READING")}</p>`;
  return html`<div class="card centre">
    <fieldset class="choices"><legend>${t("PHASE1.SELECT_SHEET_NAME")}</legend>
      ${names.map((name) => html`<label><input type="radio" name="sheet" checked=${name === chosen} onChange=${() => setChosen(name)} /> <${Data}>${name}<//></label>`)}
    </fieldset>
    <div class="row end">
      <${Button} onClick=${() => { phase.value = "review"; }}>${t("COMMON.CANCEL")}<//>
      <${Button} kind="primary" disabled=${!chosen} onClick=${() => takeSheet(chosen)}>${t("PHASE1.SELECT_SHEET_CONFIRM")}<//>
    </div>
  </div>`;
}

export function Heading() {
  const current = useValue(upload);
  const [rows, setRows] = useState(/** @type {string[][]} */ ([]));
  const [chosen, setChosen] = useState(/** @type {number | null} */ (current?.headerRow ?? 0));
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    attempt(async () => setRows(await client.value.call("GET", `/v1/upload/${current._id}/preview`)));
  }, []);
  const width = Math.max(0, ...rows.map((row) => row.length));
  return html`<div class="stack">
    <p class="lead-in">${t("SELECT_HEADER.INFO")}</p>
    <div class="table-box" tabindex="0" role="region" aria-label=${t("STEPPER_TITLES.SELECT_HEADER")}>
      <table class="preview"><tbody>
        ${rows.map((row, at) => html`<tr class=${at === chosen ? "chosen" : chosen !== null && chosen >= 0 && at < chosen ? "above" : ""}>
          <th scope="row"><label><input type="radio" name="heading" checked=${at === chosen} onChange=${() => setChosen(at)} />
            <span class="unseen">${t("HEADING.ROW", { row: at + 1 })}</span><span aria-hidden="true">${number(at + 1)}</span></label></th>
          ${Array.from({ length: Math.min(width, 30) }, (_, column) => html`<td onClick=${() => setChosen(at)}><${Data} limit=${60}>${row[column] ?? ""}<//></td>`)}
        </tr>`)}
      </tbody></table>
    </div>
    <label class="check"><input type="checkbox" checked=${chosen === null} onChange=${(/** @type {any} */ event) => setChosen(event.target.checked ? null : 0)} />
      ${t("SELECT_HEADER.FILE_DONT_HAVE_HEADERS")}</label>
    <div class="row end sticky-end">
      <${Button} onClick=${() => { phase.value = "mapping"; }}>${t("COMMON.CANCEL")}<//>
      <${Button} kind="primary" busy=${busy} onClick=${async () => {
        setBusy(true);
        await takeHeading(chosen, rows[chosen ?? 0] ?? []);
        setBusy(false);
      }}>${t("SELECT_HEADER.CONFIRM_AND_CONTINUE")}<//>
    </div>
  </div>`;
}
