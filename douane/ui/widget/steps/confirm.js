/** The last question: what will happen to how many rows, and who gets them. */

import { Dialog } from "../dialog.js";
import { attempt, confirm } from "../flow.js";
import { Button, Data, html, useState, useValue } from "../kit.js";
import { config, options, problem } from "../store.js";
import { t } from "../text.js";

/**
 * How many rows are left out. A page that asks for rows itself is handed the good ones; a program gets what the template's
 * policy lets through. @param {{ totalRecords: number, invalidRecords: number }} counts
 */
export function leftOutOf(counts) {
  const { confirmPolicy, destination } = config.peek();
  const goodOnly = confirmPolicy === "valid" || (options.peek().wantsRows && destination !== "frontend");
  return goodOnly ? counts.invalidRecords : 0;
}

/** @param {any} props `counts`: how many rows there are, and how many have problems */
export function Confirm({ counts, onClose }) {
  const settings = useValue(config);
  const given = useValue(options);
  const [busy, setBusy] = useState(false);
  const bad = counts.invalidRecords, good = counts.totalRecords - bad;
  const policy = settings.confirmPolicy ?? "all";
  const stops = policy === "clean" && bad > 0;
  const leftOut = leftOutOf(counts);
  const sent = counts.totalRecords - leftOut;
  const go = async () => {
    setBusy(true);
    await attempt(confirm);
    setBusy(false);
    if (problem.peek()?.retry) onClose();
  };
  return html`<${Dialog} title=${bad ? t("CONFIRM.TITLE", { count: sent }) : t("PHASE3.ALL_RECORDS_VALID_TITLE")} onClose=${onClose} busy=${busy} actions=${[
    html`<${Button} onClick=${onClose}>${t(bad ? "CONFIRM.BACK" : "COMMON.CANCEL")}<//>`,
    stops ? null : html`<${Button} kind="primary" busy=${busy} disabled=${!sent} onClick=${go}>${t("PHASE3.COMPLETE")}<//>`,
  ]}>
    ${bad ? null : html`<p>${t("PHASE3.ALL_RECORDS_VALID_DETAILS", { total: counts.totalRecords, count: counts.totalRecords })}</p>`}
    <ul class="outcome">
      ${bad && !stops ? html`<li class="good">${t("CONFIRM.GOOD", { count: good })}</li>` : null}
      ${stops ? html`<li class="bad">${t("CONFIRM.NOT_CLEAN", { count: bad })}</li>`
        : leftOut ? html`<li class="bad">${t("CONFIRM.LEFT_OUT", { count: bad })}</li>`
        : bad ? html`<li class="bad">${t("CONFIRM.WITH_PROBLEMS", { count: bad })}</li>` : null}
      ${stops || !sent ? null : html`<li>${given.host ? html`${t("CONFIRM.TO")} <strong><${Data} limit=${80}>${given.host}<//></strong>` : t("CONFIRM.TO_PROGRAM")}</li>`}
      ${stops || !sent ? null : html`<li class="soft">${t("CONFIRM.AFTERWARDS")}</li>`}
    </ul>
  <//>`;
}
