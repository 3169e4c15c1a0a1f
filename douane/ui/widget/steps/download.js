/** Rows as a file, as they stand now: those with problems with their sentences, the good ones, or all. */

import { Dialog } from "../dialog.js";
import { attempt, save } from "../flow.js";
import { Button, html, useState, useValue } from "../kit.js";
import * as look from "../look.js";
import { file, upload } from "../store.js";
import { t } from "../text.js";
import { BringBack } from "./workbook.js";

const FORMATS = /** @type {const} */ ([["csv", "CSV"], ["xlsx", "Excel"]]);

/** @param {any} props `onBack`: a workbook came back */
export function Download({ counts, onClose, onBack }) {
  const [busy, setBusy] = useState("");
  const state = useValue(upload);
  const given = useValue(file);
  const name = String(given?.name ?? state.fileName ?? state.originalFileName ?? "rows").replace(/\.\w+$/, "");
  const fetching = (/** @type {"all" | "valid" | "invalid"} */ type, /** @type {"csv" | "xlsx"} */ format) => async () => {
    setBusy(type + format);
    await attempt(async () => save(await look.download(type, format), `${name}-${t(`DOWNLOAD.${type.toUpperCase()}_FILE`)}.${format}`));
    setBusy("");
  };
  const toMend = (/** @type {"all" | "invalid"} */ type) => async () => {
    setBusy(`${type}-workbook`);
    await attempt(async () => save(await look.workbook(type), `${name}-${t(`DOWNLOAD.${type.toUpperCase()}_FILE`)}.xlsx`));
    setBusy("");
  };
  const kinds = /** @type {const} */ ([["invalid", counts.invalidRecords], ["valid", counts.validRecords], ["all", counts.totalRecords]]);
  return html`<${Dialog} title=${t("PHASE3.EXPORT_DATA")} onClose=${onClose} busy=${busy} actions=${[html`<${Button} onClick=${onClose}>${t("COMMON.CLOSE_WIDGET")}<//>`]}>
    <ul class="downloads">${kinds.filter(([, count]) => count).map(([type, count]) => html`<li>
      <p>${t(`DOWNLOAD.${type.toUpperCase()}`, { count })}</p>
      <div class="row">${FORMATS.map(([format, label]) => html`<${Button} kind="small" busy=${busy === type + format} onClick=${fetching(type, format)}>${label}<//>`)}</div></li>`)}</ul>
    <section class="to-mend-elsewhere">
      <h3>${t("WORKBOOK.TITLE")}</h3>
      <p class="soft">${t("WORKBOOK.HELP")}</p>
      <div class="row">
        ${/** @type {const} */ ([["invalid", counts.invalidRecords], ["all", counts.totalRecords]]).filter(([, count]) => count).map(([type, count]) => html`<${Button} kind="small" busy=${busy === `${type}-workbook`}
          onClick=${toMend(type)}>${t(`WORKBOOK.TAKE_${type.toUpperCase()}`, { count })}<//>`)}
        <${BringBack} onFile=${onBack} />
      </div>
    </section>
  <//>`;
}
