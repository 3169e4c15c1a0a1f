/** How the file is read, and which of its rows holds the headings: shown with the rows themselves. */

import { attempt, goBack, reread, sheetRows, state, takeHeading } from "../flow.js";
import { Button, Data, html, useEffect, useId, useRef, useState, useValue } from "../kit.js";
import { phase, reading } from "../store.js";
import { number, t, tongue } from "../text.js";

/** Fields of a reading that are texts. */
const FIELDS = /** @type {const} */ ([["encoding", "ENCODING"], ["delimiter", "DELIMITER"], ["quote", "QUOTE"]]);
/** What can be chosen without knowing how it is spelt; an encoding with a language that it is used for. Any other can be typed. @type {Record<string, [string, string][]>} */
const OFFERED = {
  encoding: [
    ["utf-8", ""], ["utf-16", ""], ["windows-1252", "en"], ["windows-1250", "pl"], ["windows-1251", "ru"], ["windows-1253", "el"], ["windows-1254", "tr"],
    ["windows-1255", "he"], ["windows-1256", "ar"], ["windows-1257", "lt"], ["windows-1258", "vi"], ["koi8-r", "ru"], ["cp437", "en"], ["cp850", "de"],
    ["mac-roman", "en"], ["cp932", "ja"], ["euc_jp", "ja"], ["gb18030", "zh-Hans"], ["big5", "zh-Hant"], ["cp949", "ko"],
  ],
  delimiter: [[",", ""], [";", ""], ["tab", ""], ["|", ""]],
  quote: [['"', ""], ["'", ""], ["none", ""]],
};

/** So many rows of a sheet are shown. */
const FIRST = 5;

export function Sheet() {
  const now = useValue(reading);
  const [chosen, setChosen] = useState(/** @type {string | null} */ (null));
  const [how, setHow] = useState(/** @type {Record<string, string>} */ ({}));
  const [busy, setBusy] = useState(false);
  const [rows, setRows] = useState(/** @type {string[][] | null} */ (null));
  const asked = useRef("");
  const id = useId();
  useEffect(() => {
    attempt(async () => setRows((await state()).records));
  }, []);
  /** A sheet is read beside what stands, so that its rows can be looked at before it is taken. @param {string} name */
  const pick = (name) => {
    setChosen(name);
    setRows(null);
    asked.current = name;
    attempt(async () => {
      const found = await sheetRows(name);
      if (asked.current === name) setRows(found);
    });
  };
  if (!now) return html`<p class="centre soft">${t("PROGRESS.READING")}</p>`;
  const { sheets, sheet } = now.reading, picked = chosen ?? sheet;
  const wanted = Object.fromEntries(Object.entries(how).filter(([, text]) => text !== ""));
  const changed = picked !== sheet || Object.keys(wanted).length > 0;
  const go = async () => {
    setBusy(true);
    await reread({ ...(picked !== sheet ? { sheet: picked } : {}), ...wanted });
    setBusy(false);
  };
  return html`<div class="card centre reading">
    ${sheets.length ? html`<fieldset class="choices"><legend>${t("PHASE1.SELECT_SHEET_NAME")}</legend>
        ${sheets.map((/** @type {string} */ name) => html`<label><input type="radio" name="sheet" checked=${name === picked} onChange=${() => pick(name)} /> <${Data}>${name}<//></label>`)}
      </fieldset>
      <div class="table-box first-rows" tabindex="0" role="region" aria-label=${t("READING.FIRST_ROWS", { sheet: picked })} aria-busy=${rows ? null : "true"}>
        ${rows ? html`<table class="preview"><tbody>${rows.slice(0, FIRST).map((row) => html`<tr>${row.slice(0, 30).map((cell) => html`<td><${Data} limit=${60}>${cell}<//></td>`)}</tr>`)}</tbody></table>`
          : html`<p class="soft">${t("PROGRESS.READING")}</p>`}
      </div>`
      : html`<h2>${t("READING.TITLE")}</h2><p class="soft">${t("READING.HELP")}</p>
        ${FIELDS.filter(([name]) => now.reading[name] !== null).map(([name, label]) => html`<div class="field"><label for=${`${id}-${name}`}>${t(`READING.${label}`)}</label>
          <input id=${`${id}-${name}`} autocomplete="off" list=${`${id}-${name}-offers`} value=${how[name] ?? ""} placeholder=${now.reading[name] === "\t" ? "tab" : now.reading[name]}
            onInput=${(/** @type {any} */ event) => setHow({ ...how, [name]: event.target.value })} />
          <datalist id=${`${id}-${name}-offers`}>${OFFERED[name].map(([value, language]) => html`<option value=${value}>${language ? tongue(language) : value}</option>`)}</datalist></div>`)}`}
    <div class="row end">
      <${Button} onClick=${() => goBack(Boolean(asked.current))}>${t("COMMON.CANCEL")}<//>
      <${Button} kind="primary" busy=${busy} disabled=${!changed} onClick=${go}>${t(sheets.length ? "PHASE1.SELECT_SHEET_CONFIRM" : "READING.GO")}<//>
    </div>
  </div>`;
}

export function Heading() {
  const [rows, setRows] = useState(/** @type {string[][]} */ ([]));
  const [lines, setLines] = useState(/** @type {number[]} */ ([]));
  const [chosen, setChosen] = useState(/** @type {number | null} */ (0));
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    attempt(async () => {
      const now = await state();
      setRows(now.records);
      // As the file counts them: blank ones are not shown.
      setLines(now.lines.map((/** @type {number} */ line, /** @type {number} */ at) => line || at + 1));
      setChosen(now.headerRow);
    });
  }, []);
  const width = Math.max(0, ...rows.map((row) => row.length));
  return html`<div class="stack">
    <p class="lead-in">${t("SELECT_HEADER.INFO")}</p>
    <div class="table-box" tabindex="0" role="region" aria-label=${t("STEPPER_TITLES.SELECT_HEADER")}>
      <table class="preview"><tbody>
        ${rows.map((row, at) => html`<tr class=${at === chosen ? "chosen" : chosen !== null && chosen >= 0 && at < chosen ? "above" : ""}>
          <th scope="row"><label><input type="radio" name="heading" checked=${at === chosen} onChange=${() => setChosen(at)} />
            <span class="unseen">${t("SIDE.LINE", { row: lines[at] })}</span><span aria-hidden="true">${number(lines[at])}</span></label></th>
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
