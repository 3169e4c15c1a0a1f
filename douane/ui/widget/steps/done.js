/** The end: what was handed over, and the way to the next file. */

import { close, restart } from "../flow.js";
import { embedded } from "../host.js";
import { Button, html, useValue } from "../kit.js";
import { upload } from "../store.js";
import { t } from "../text.js";
import { leftOutOf } from "./confirm.js";

export function Done() {
  const end = useValue(upload);
  const rows = end.totalRecords - leftOutOf(end);
  return html`<div class="centre done">
    <svg class="done-sign" viewBox="0 0 64 64" aria-hidden="true"><circle cx="32" cy="32" r="28" /><path d="m20 33 8 8 16-18" /></svg>
    <h2>${t("PHASE4.TITLE", { count: rows })}</h2>
    <p>${t("PHASE4.SUB_TITLE", { count: rows })}</p>
    <div class="row">
      <${Button} onClick=${restart}>${t("PHASE4.UPLOAD_AGAIN")}<//>
      ${embedded ? html`<${Button} kind="primary" onClick=${close}>${t("COMMON.FINISH")}<//>` : null}
    </div>
  </div>`;
}
