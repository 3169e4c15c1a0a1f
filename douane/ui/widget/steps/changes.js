/** All that was changed in this import, newest first, by whom; each can be taken back by itself and put back. */

import { Dialog } from "../dialog.js";
import { attempt } from "../flow.js";
import { Button, html, useEffect, useState } from "../kit.js";
import * as look from "../look.js";
import { moment, number, t } from "../text.js";

const AT_ONCE = 50;
/** These change how the file is taken; they are taken back where they were chosen. */
const CHOSEN = new Set(["mapping", "reading", "undo", "redo"]);

/** @param {any} props */
export function Changes({ desk, onClose }) {
  const [list, setList] = useState(/** @type {any[] | null} */ (null));
  const [most, setMost] = useState(AT_ONCE);
  const [total, setTotal] = useState(0);
  const [busy, setBusy] = useState(0);
  const read = () => attempt(async () => {
    const found = await look.revisions(most);
    setList(found.data);
    setTotal(found.totalRecords);
  });
  useEffect(() => { read(); }, [most]);
  const turn = async (/** @type {any} */ one) => {
    setBusy(one.revision);
    await desk.turnOne(one.revision, one.undone ? "redo" : "undo");
    await read();
    setBusy(0);
  };
  return html`<${Dialog} wide title=${t("CHANGES.TITLE")} onClose=${onClose} actions=${[html`<${Button} onClick=${onClose}>${t("COMMON.CLOSE_WIDGET")}<//>`]}>
    ${!list ? html`<p class="soft">${t("PROGRESS.STARTING")}</p>`
      : !list.length ? html`<p class="soft">${t("CHANGES.NONE")}</p>`
      : html`<ol class="changes" tabindex="0" aria-label=${t("CHANGES.TITLE")}>${list.map((one) => html`<li key=${one.revision} class=${one.undone ? "undone" : ""}>
          <div><strong>${t(`CHANGES.${one.kind.toUpperCase()}`)}</strong> ${said(one)}
            <p class="soft">${moment(new Date(one.at))}${one.by?.name ? ` · ${one.by.name}` : ""}${one.undone ? ` · ${t("SIDE.UNDONE")}` : ""}</p></div>
          ${CHOSEN.has(one.kind) ? null : html`<${Button} kind="small" busy=${busy === one.revision} disabled=${Boolean(busy)} onClick=${() => turn(one)}>${t(one.undone ? "REVIEW.REDO" : "REVIEW.UNDO")}<//>`}
        </li>`)}</ol>`}
    ${list && total > list.length ? html`<${Button} kind="link" onClick=${() => setMost(most + AT_ONCE)}>${t("CHANGES.OLDER", { count: total - list.length })}<//>` : null}
  <//>`;
}

/** How much of it there is. @param {any} one */
function said(one) {
  if (one.kind === "add" || one.kind === "delete") return t("CHANGES.ROWS", { count: one.records });
  return one.cells ? t("CHANGES.CELLS", { count: one.cells }) : number(one.records || 0);
}
