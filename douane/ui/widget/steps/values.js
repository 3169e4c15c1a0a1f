/**
 * Bad values of a column, each distinct one once, with what is to stand in its place: thousands of cells are mended as fast as a
 * handful. The server proposes; nothing is taken that the person did not leave in.
 */

import { Dialog } from "../dialog.js";
import { attempt } from "../flow.js";
import { choicesOf } from "../grid/editors.js";
import { Button, Data, html, useEffect, useId, useState } from "../kit.js";
import * as look from "../look.js";
import { problem } from "../store.js";
import { number, t } from "../text.js";
import { expected } from "../words.js";

const MOST = 200;

/** @param {any} props `column`: its document */
export function Values({ column, desk, onClose }) {
  const [found, setFound] = useState(/** @type {any} */ (null));
  const [instead, setInstead] = useState(/** @type {Record<string, string>} */ ({}));
  const [busy, setBusy] = useState(false);
  const listed = Boolean(column.selectValues?.length);
  useEffect(() => {
    const control = new AbortController();
    attempt(async () => {
      const answer = listed ? await ofList(column.key, control.signal) : await look.mendings(column.key, MOST, control.signal);
      setFound(answer);
      setInstead(Object.fromEntries(answer.data.map((/** @type {any} */ one) => [one.value, one.suggestions[0]?.value ?? ""])));
    });
    return () => control.abort(new DOMException("stopped", "AbortError"));
  }, [column.key]);
  const chosen = Object.entries(instead).filter(([bad, good]) => good !== "" && good !== bad);
  const counts = new Map((found?.data ?? []).map((/** @type {any} */ one) => [one.value, one.cells]));
  const cells = chosen.reduce((sum, [bad]) => sum + (counts.get(bad) ?? 0), 0);
  const go = async () => {
    setBusy(true);
    const taken = Object.fromEntries(chosen);
    const done = await (listed ? desk.mapValues(column.key, taken) : desk.mendAlike(column.key, taken));
    setBusy(false);
    // What was chosen stays: here, or with what would send it again.
    if (done || problem.peek()?.retry) onClose();
  };
  return html`<${Dialog} wide title=${t("VALUES.TITLE", { column: column.name })} onClose=${onClose} busy=${busy} actions=${[
    html`<${Button} onClick=${onClose}>${t("COMMON.CANCEL")}<//>`,
    html`<${Button} kind="primary" busy=${busy} disabled=${!cells} onClick=${go}>${cells ? t("VALUES.GO", { count: cells }) : t("PHASE3.REPLACE")}<//>`,
  ]}>
    <p class="soft">${expected(column)}</p>
    ${!found ? html`<p class="soft">${t("PROGRESS.STARTING")}</p>`
      : !found.data.length ? html`<p>${t("VALUES.NOTHING")}</p>`
      : html`<ul class="values" tabindex="0" aria-label=${t("VALUES.TITLE", { column: column.name })}>${found.data.map((/** @type {any} */ one) => html`<${Value} key=${one.value} one=${one} column=${column} good=${instead[one.value] ?? ""}
          onChoose=${(/** @type {string} */ good) => setInstead((before) => ({ ...before, [one.value]: good }))} />`)}</ul>`}
    ${listed && cells ? html`<p class="soft">${t("VALUES.REMEMBERED")}</p>` : null}
    ${found && found.totalTexts > found.data.length ? html`<p class="soft">${t("VALUES.MORE", { count: found.totalTexts - found.data.length })}</p>` : null}
  <//>`;
}

/** The values of a column with a list that are not in it, as `look.mendings` answers others. @param {string} column @param {AbortSignal} signal */
async function ofList(column, signal) {
  const found = await look.values(column, MOST, signal);
  const data = found.data.filter((/** @type {any} */ one) => one.problems && one.value !== "")
    .map((/** @type {any} */ one) => ({ ...one, suggestions: one.proposal ? [one.proposal] : [] }));
  return { data, totalTexts: data.length < MOST ? data.length : found.problemValues };
}

/** @param {any} props */
function Value({ one, column, good, onChoose }) {
  const id = useId();
  const choices = column.selectValues?.length ? column.selectValues : choicesOf(column);
  const offered = one.suggestions.map((/** @type {any} */ offer) => offer.value);
  return html`<li>
    <label for=${id} class="from"><del><${Data} limit=${60}>${one.value}<//></del> ${one.cells > 1 ? html`<span class="soft">× ${number(one.cells)}</span>` : null}</label>
    <span class="soft arrow" aria-hidden="true">→</span>
    ${choices.length
      ? html`<select id=${id} onChange=${(/** @type {any} */ event) => onChoose(event.target.value)}>
          <option value="" selected=${!good}>${t("VALUES.LEAVE")}</option>
          ${[...offered, ...choices.filter((/** @type {string} */ choice) => !offered.includes(choice))].map((choice) => html`<option value=${choice} selected=${choice === good}>${choice}</option>`)}
        </select>`
      : html`<input id=${id} dir="auto" autocomplete="off" list=${`${id}-offers`} value=${good} placeholder=${t("VALUES.LEAVE")} onInput=${(/** @type {any} */ event) => onChoose(event.target.value)} />
        <datalist id=${`${id}-offers`}>${offered.map((/** @type {string} */ offer) => html`<option value=${offer}></option>`)}</datalist>`}
  </li>`;
}
