/**
 * The rows as a workbook, mended in a sheet program and brought back: what it would change is shown first, and what is not
 * clear (rows that are missing, cells that somebody changed here meanwhile) is asked.
 */

import { Dialog } from "../dialog.js";
import { attempt } from "../flow.js";
import { Button, Data, Select, html, useEffect, useId, useRef, useState } from "../kit.js";
import * as look from "../look.js";
import { problem } from "../store.js";
import { t } from "../text.js";

const ACCEPTED = ".xlsx,.xlsm,.xlsb,.xls,.ods,.csv";

/** @param {any} props `file`: the workbook that came back */
export function Workbook({ desk, shape, file, onClose }) {
  const [found, setFound] = useState(/** @type {any} */ (null));
  const [missing, setMissing] = useState("keep");
  const [conflicts, setConflicts] = useState("keep");
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    // What is wrong with it is said above the screen; here there is nothing to choose then.
    attempt(async () => {
      setFound(await look.compare(file));
      return true;
    }).then((done) => { if (!done) onClose(); });
  }, [file]);
  const names = new Map(shape.map((/** @type {any} */ one) => [one.key, one.name]));
  const lost = found?.missing ?? 0, others = found?.conflicts?.length ?? 0;
  const go = async () => {
    setBusy(true);
    const done = await desk.takeWorkbook(found.difference, { ...(lost ? { missing } : {}), ...(others ? { conflicts } : {}) });
    setBusy(false);
    if (done || problem.peek()?.retry) onClose();
  };
  const changing = found && (found.cells || (lost && missing === "delete"));
  return html`<${Dialog} wide title=${t("WORKBOOK.TITLE")} onClose=${onClose} busy=${busy} actions=${[
    html`<${Button} onClick=${onClose}>${t("COMMON.CANCEL")}<//>`,
    html`<${Button} kind="primary" busy=${busy} disabled=${!changing} onClick=${go}>${found?.cells ? t("WORKBOOK.GO", { count: found.cells }) : t("PHASE3.REPLACE")}<//>`,
  ]}>
    <p class="soft"><${Data} limit=${80}>${file.name}<//></p>
    <div role="status">${!found ? html`<p class="soft">${t("WORKBOOK.COMPARING")}</p>`
      : found.cells ? html`<p>${t("REPLACE.WILL", { count: found.cells })}</p>
        <ul class="hits" tabindex="0">${found.sample.map((/** @type {any} */ hit) => html`<li><span class="soft">${hit.line ? `${t("WORKBOOK.ROW", { row: hit.line })}, ` : ""}<${Data} limit=${30}>${names.get(hit.column) ?? hit.column}<//>:</span>${" "}
          <del><${Data} limit=${60}>${hit.before || t("SIDE.EMPTY")}<//></del> <span class="arrow">→</span> <ins><${Data} limit=${60}>${hit.after || t("SIDE.EMPTY")}<//></ins></li>`)}</ul>`
      : html`<p>${t("WORKBOOK.NOTHING")}</p>`}</div>
    ${found?.spoilt ? html`<p class="soft">${t("WORKBOOK.SPOILT", { count: found.spoilt })}</p>` : null}
    ${lost ? html`<${Select} label=${t("WORKBOOK.MISSING", { count: lost })} value=${missing} onChange=${setMissing}
      options=${[["keep", t("WORKBOOK.MISSING_KEEP")], ["delete", t("WORKBOOK.MISSING_DELETE")]]} />` : null}
    ${others ? html`<${Select} label=${t("WORKBOOK.CONFLICTS", { count: others })} value=${conflicts} onChange=${setConflicts}
      options=${[["keep", t("WORKBOOK.CONFLICTS_KEEP")], ["overwrite", t("WORKBOOK.CONFLICTS_OVERWRITE")]]} />` : null}
  <//>`;
}

/** The button that takes a workbook back. @param {any} props */
export function BringBack({ onFile }) {
  const id = useId();
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  return html`<input id=${id} class="unseen" type="file" accept=${ACCEPTED} ref=${input} onChange=${() => { const given = input.current?.files?.[0]; if (given) onFile(given); }} />
    <label class="button small" for=${id}>${t("WORKBOOK.BACK")}</label>`;
}
