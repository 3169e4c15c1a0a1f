/**
 * The rows: what is wrong with them, mended in a grid (or in cards, where the screen is narrow), until nothing is left and
 * the import is confirmed.
 */

import { Desk } from "../desk.js";
import { attempt, confirm, remap } from "../flow.js";
import { Grid } from "../grid/grid.js";
import { Button, Data, Dialog, Progress, html, useEffect, useLayoutEffect, useRef, useState, useValue } from "../kit.js";
import * as look from "../look.js";
import { changes, client, config, file, mapping, options, phase, sheet, typed, upload } from "../store.js";
import { number, t } from "../text.js";
import { Cards } from "./cards.js";
import { FindReplace } from "./replace.js";
import { Side } from "./side.js";
import { save } from "./drop.js";

const NARROW = 620;
/** Empty rows to type into, where nothing came from a file. */
const TYPED_ROWS = 25;
const CHIPS = 6;
const TYPING_MS = 300;

/** Opens the desk for the upload. */
export function Review() {
  const id = useValue(upload)?._id;
  const [desk, setDesk] = useState(/** @type {Desk | null} */ (null));
  useEffect(() => {
    attempt(async () => {
      const made = new Desk(await look.shape());
      await made.open();
      setDesk(made);
    });
  }, [id]);
  if (!desk) return html`<div class="centre"><${Progress} label=${t("PROGRESS.OPENING")} /></div>`;
  return html`<${Table} desk=${desk} />`;
}

/** @param {{ desk: Desk }} props */
function Table({ desk }) {
  const given = useValue(options);
  const settings = useValue(config);
  const byHand = useValue(typed);
  const filter = useValue(desk.look);
  const counts = useValue(desk.counts);
  const busy = useValue(desk.busy);
  const said = useValue(desk.said);
  const turns = useValue(desk.turns);
  useValue(desk.drawn);
  const [ticked, setTicked] = useState(/** @type {Set<number>} */ (new Set()));
  const [at, setAt] = useState(/** @type {{ position: number, key: string } | null} */ (null));
  const [dialog, setDialog] = useState("");
  const narrow = useNarrow();
  const host = useRef(/** @type {HTMLElement | null} */ (null));
  const grid = useRef(/** @type {Grid | null} */ (null));
  const hide = given.config ?? {};
  const { shape, rows } = desk;

  useLayoutEffect(() => {
    if (narrow || !host.current) return undefined;
    const made = new Grid(host.current, {
      columns: shape,
      rows,
      widths: widths(),
      ticks: !hide.hideCheckBox && !hide.hideDeleteButton,
      lines: !hide.hideSrNo,
      extra: byHand ? TYPED_ROWS : 0,
      sortable: true,
      on: {
        edit: (list) => { desk.edit(list); },
        move: setAt,
        sort: (key) => order(key),
        select: setTicked,
        command,
      },
    });
    grid.current = made;
    desk.onRows = () => made.later();
    const problem = firstProblem(desk);
    made.moveTo(problem?.position ?? 0, problem?.key ?? shape[0]?.key);
    return () => {
      keepWidths(made.options.widths);
      made.destroy();
      grid.current = null;
      desk.onRows = () => {};
    };
  }, [desk, narrow, byHand]);

  /** @param {Partial<look.Look>} change */
  const show = async (change) => {
    grid.current?.clearTicks();
    await desk.show(change);
    const problem = firstProblem(desk);
    const column = Math.max(0, shape.findIndex((one) => one.key === problem?.key));
    grid.current?.move(problem?.position ?? 0, column, false, true);
  };

  /** Up, down, and back to the order of the file. @param {string} key */
  const order = (key) => {
    const now = desk.look.peek();
    const next = now.sort !== key ? { sort: key, order: /** @type {const} */ ("up") } : now.order === "up" ? { order: /** @type {const} */ ("down") } : { sort: "", order: /** @type {const} */ ("up") };
    const wanted = { ...now, ...next };
    grid.current?.sort(wanted.sort, wanted.order === "down");
    show(next);
  };

  /** @param {1 | -1} step */
  const jump = (step) => attempt(async () => {
    const here = grid.current;
    if (!here) return;
    const found = await desk.nextProblem(here.at.row, shape[here.at.column].key, step);
    if (found) here.moveTo(found.position, found.key);
    else desk.said.value = { text: t(step > 0 ? "REVIEW.NO_NEXT" : "REVIEW.NO_PREVIOUS"), undo: false };
  });

  /** @param {string} name */
  function command(name) {
    if (name === "next" || name === "previous") jump(name === "next" ? 1 : -1);
    else if (name === "find" && !hide.hideFindAndReplaceButton) setDialog("replace");
    else if (name === "undo") desk.undo();
    else if (name === "redo") desk.redo();
    else if (name === "take" || name === "take-all") document.querySelector(`[data-suggestion="${name}"]`)?.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  }

  const bad = counts.invalidRecords, all = counts.totalRecords;
  const row = at ? rows.get(at.position) : undefined;
  const column = shape.find((one) => one.key === at?.key);
  const tabs = /** @type {const} */ ([["all", "LABEL_ALL_RECORDS", all], ["valid", "LABEL_VALID_RECORDS", counts.validRecords], ["invalid", "LABEL_INVALID_RECORDS", bad]]);
  const finish = byHand ? bad === 0 && all > 0 : all > 0;
  const plain = !filter.problemColumn && !filter.rule && !filter.find && !filter.changed;
  const take = (/** @type {string} */ text) => at && desk.edit([{ position: at.position, key: at.key, text }]);

  return html`<div class="review">
    <${Facts} shape=${shape} />
    <div class="tools">
      <div class="tabs" role="group" aria-label=${t("REVIEW.WHICH_ROWS")}>
        ${tabs.map(([type, label, count]) => html`<button type="button" aria-pressed=${String(filter.type === type && plain)}
          onClick=${() => show({ ...look.everything(), type, sort: filter.sort, order: filter.order })}>${t(`PHASE3.${label}`, { records: count })}</button>`)}
        ${counts.changedRecords ? html`<button type="button" aria-pressed=${String(filter.changed)} onClick=${() => show({ ...look.everything(), changed: !filter.changed })}>
          ${t("REVIEW.CHANGED", { count: counts.changedRecords })}</button>` : null}
      </div>
      <${Search} filter=${filter} onFind=${(/** @type {string} */ find) => show({ find })} />
      <span class="gap"></span>
      <${Button} kind="quiet small icon" disabled=${!turns.undo} aria-label=${t("REVIEW.UNDO")} title=${`${t("REVIEW.UNDO")} (Ctrl+Z)`} onClick=${() => desk.undo()}>↶<//>
      <${Button} kind="quiet small icon" disabled=${!turns.redo} aria-label=${t("REVIEW.REDO")} title=${`${t("REVIEW.REDO")} (Ctrl+Y)`} onClick=${() => desk.redo()}>↷<//>
      ${ticked.size && !hide.hideDeleteButton ? html`<${Button} kind="secondary small" onClick=${() => setDialog("delete")}>${t("REVIEW.DELETE_TICKED", { count: ticked.size })}<//>` : null}
      ${hide.hideFindAndReplaceButton || settings.FIND_AND_REPLACE === false || !all ? null
        : html`<${Button} kind="secondary small" onClick=${() => setDialog("replace")}>${t("PHASE3.FIND_REPLACE")}<//>`}
      ${all && !byHand ? html`<${Button} kind="secondary small" onClick=${() => setDialog("download")}>${t("REVIEW.DOWNLOAD")}<//>` : null}
      ${bad && !narrow ? html`<${Button} kind="secondary small" onClick=${() => jump(1)}>${t("REVIEW.NEXT_PROBLEM")} <kbd>F8</kbd><//>` : null}
    </div>
    <${Chips} counts=${counts} shape=${shape} filter=${filter} onShow=${show} />
    <div class="grid-place">
      ${narrow ? html`<${Cards} shape=${shape} rows=${rows} onEdit=${(/** @type {any} */ list) => desk.edit(list)} byHand=${byHand} drawn=${desk.drawn.peek()} />`
        : html`<div class="grid-host" ref=${host}></div>
          <${Side} row=${row} column=${column} desk=${desk} onTake=${take} onTakeAll=${(/** @type {string} */ from, /** @type {string} */ to) => at && desk.replaceAlike(at.key, from, to)} />`}
      ${!rows.total && !byHand ? html`<div class="empty"><p class="soft">${t(all ? "REVIEW.NONE_HERE" : "REVIEW.NO_ROWS")}</p>
        ${all ? html`<${Button} kind="small" onClick=${() => show(look.everything())}>${t("REVIEW.SHOW_ALL")}<//>` : null}</div>` : null}
      ${said ? html`<${Toast} text=${said.text} action=${said.undo ? t("REVIEW.UNDO") : null} onAction=${() => { desk.said.value = null; desk.undo(); }} onGone=${() => { desk.said.value = null; }} />` : null}
    </div>
    <div class="bottom">
      <div class="left-over" role="status">
        ${bad ? html`<span>${t("REVIEW.LEFT", { count: bad })}</span><${Meter} part=${all ? (all - bad) / all : 0} />`
          : all ? html`<span class="all-good">✓ ${t("REVIEW.ALL_GOOD", { count: all })}</span>` : html`<span class="soft">${t("REVIEW.NO_ROWS")}</span>`}
        ${busy ? html`<span class="soft">${t("REVIEW.SAVING")}</span>` : null}
      </div>
      <${Button} kind="primary" disabled=${!finish || busy > 0} onClick=${() => setDialog("confirm")}>${t("PHASE3.COMPLETE")}<//>
    </div>
    ${dialog === "confirm" ? html`<${Confirm} counts=${counts} onClose=${() => setDialog("")} />` : null}
    ${dialog === "download" ? html`<${Download} bad=${bad} onClose=${() => setDialog("")} />` : null}
    ${dialog === "replace" ? html`<${FindReplace} shape=${shape} column=${at?.key ?? ""} onClose=${() => setDialog("")}
      onDone=${(/** @type {any} */ what) => { setDialog(""); desk.replace(what); }} />` : null}
    ${dialog === "delete" ? html`<${Dialog} title=${t("DELETE_RECORDS_CONFIRMATION.TITLE", { total: ticked.size, count: ticked.size })} onClose=${() => setDialog("")} actions=${[
      html`<${Button} onClick=${() => setDialog("")}>${t("DELETE_RECORDS_CONFIRMATION.CANCEL_DELETE")}<//>`,
      html`<${Button} kind="danger" onClick=${() => { setDialog(""); desk.remove(ticked).then(() => grid.current?.clearTicks()); }}>${t("DELETE_RECORDS_CONFIRMATION.CONFIRM_DELETE")}<//>`,
    ]}><p>${t("DELETE_RECORDS_CONFIRMATION.DETAILS")}</p><//>` : null}
  </div>`;
}

/** @param {any} props */
function Search({ filter, onFind }) {
  const [text, setText] = useState(filter.find);
  const timer = useRef(0);
  useEffect(() => setText(filter.find), [filter.find]);
  return html`<input class="search" type="search" dir="auto" placeholder=${t("REVIEW.SEARCH")} aria-label=${t("REVIEW.SEARCH")} value=${text}
    onInput=${(/** @type {any} */ event) => {
      const typed = event.target.value;
      setText(typed);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => onFind(typed), TYPING_MS);
    }} />`;
}

/** What is wrong, by column and rule, each a filter. @param {any} props */
function Chips({ counts, shape, filter, onShow }) {
  const [whole, setWhole] = useState(false);
  const rules = (counts.rules ?? []).filter((/** @type {any} */ one) => one.records > 0).sort((/** @type {any} */ one, /** @type {any} */ other) => other.records - one.records);
  if (!rules.length) return null;
  const names = new Map(shape.map((/** @type {any} */ column) => [column.key, column.name]));
  const shown = whole ? rules : rules.slice(0, CHIPS);
  return html`<div class="chips" role="group" aria-label=${t("REVIEW.PROBLEMS")}>
    ${shown.map((/** @type {any} */ one) => {
      const on = filter.problemColumn === one.column && filter.rule === one.rule;
      return html`<button type="button" class=${one.warning ? "chip warning" : "chip"} aria-pressed=${String(on)}
        onClick=${() => onShow(on ? { problemColumn: "", rule: "" } : { ...look.everything(), problemColumn: one.column, rule: one.rule })}>
        ${number(one.records)} × <${Data} limit=${40}>${names.get(one.column) ?? t("REVIEW.WHOLE_ROW")}<//>: ${ruleName(one.rule)}</button>`;
    })}
    ${rules.length > shown.length ? html`<${Button} kind="link" onClick=${() => setWhole(true)}>${t("REVIEW.MORE_RULES", { count: rules.length - shown.length })}<//>` : null}
  </div>`;
}

/** @param {string} rule */
function ruleName(rule) {
  const name = `RULES.${rule.toUpperCase().replace(/[^A-Z0-9]+/g, "_")}`;
  const text = t(name);
  return text === name ? rule.replaceAll("_", " ") : text;
}

/** @param {any} props */
function Download({ bad, onClose }) {
  const [busy, setBusy] = useState("");
  const state = useValue(upload);
  const client = useClient();
  const fetching = (/** @type {string} */ kind, /** @type {string} */ path, /** @type {string} */ type, /** @type {string} */ end) => async () => {
    setBusy(kind);
    await attempt(async () => save(await client.download(`/v1/upload/${state._id}/${path}`, type), `${(state.fileName ?? state.originalFileName ?? "rows").replace(/\.\w+$/, "")}-${end}`));
    setBusy("");
  };
  const csv = "text/csv", xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
  return html`<${Dialog} title=${t("REVIEW.DOWNLOAD")} onClose=${onClose} actions=${[html`<${Button} onClick=${onClose}>${t("COMMON.CLOSE_WIDGET")}<//>`]}>
    ${bad ? html`<p>${t("DOWNLOAD.PROBLEMS")}</p><div class="row">
      <${Button} busy=${busy === "bc"} onClick=${fetching("bc", "rows/invalid", csv, "problems.csv")}>CSV<//>
      <${Button} busy=${busy === "bx"} onClick=${fetching("bx", "rows/invalid", xlsx, "problems.xlsx")}>Excel<//></div>` : null}
    <p>${t("DOWNLOAD.VALID")}</p><div class="row">
      <${Button} busy=${busy === "vc"} onClick=${fetching("vc", "rows/valid", csv, "valid.csv")}>CSV<//>
      <${Button} busy=${busy === "vx"} onClick=${fetching("vx", "rows/valid", xlsx, "valid.xlsx")}>Excel<//></div>
  <//>`;
}

/** The line that says what was decided, each with a way back. @param {any} props */
function Facts({ shape }) {
  const state = useValue(upload);
  const given = useValue(file);
  const chosen = useValue(mapping);
  const made = useValue(changes);
  const byHand = useValue(typed);
  const read = useValue(sheet);
  const [asking, setAsking] = useState("");
  if (byHand) return null;
  const fed = chosen.length ? chosen.filter((column) => column.columnHeading).length : shape.length;
  const workbook = /\.(xlsx|xlsm|xlsb|xls|ods|fods)$/i.test(given?.name ?? state.originalFileName ?? "");
  const ways = { sheet: () => { phase.value = "sheet"; }, mapping: remap };
  const change = (/** @type {"sheet" | "mapping"} */ what) => (made ? setAsking(what) : ways[what]());
  const names = chosen.map((column) => column.columnHeading).filter(Boolean).slice(0, 3);
  const notes = state.notes ?? [], ignored = (state.ignoredHeadings ?? []).filter(Boolean);
  return html`<div class="facts">
    <span><${Data} limit=${60}>${given?.name ?? state.fileName ?? state.originalFileName ?? ""}<//></span>
    ${workbook && given ? html`<span>${t("FACTS.SHEET")} ${read ? html`<${Data} limit=${40}>${read}<//> · ` : null}<${Button} kind="link" onClick=${() => change("sheet")}>${t("COMMON.CHANGE")}<//></span>` : null}
    <span>${names.length ? html`${t("FACTS.HEADINGS")} ${names.map((name, at) => html`${at ? ", " : ""}<${Data} limit=${24}>${name}<//>`)} … · ` : null}${t("FACTS.MATCHED", { count: fed, total: shape.length })}
      ${given ? html` · <${Button} kind="link" onClick=${() => change("mapping")}>${t("COMMON.CHANGE")}<//>` : null}</span>
    ${ignored.length ? html`<span>${t("MAPPING.IGNORED", { count: ignored.length })} ${ignored.slice(0, 5).map((/** @type {string} */ name, /** @type {number} */ at) => html`${at ? ", " : ""}<${Data} limit=${24}>${name}<//>`)}${ignored.length > 5 ? " …" : ""}</span>` : null}
    ${notes.map((/** @type {any} */ note) => html`<span class="note">${typeof note === "string" ? note : note.message}</span>`)}
    ${asking ? html`<${Dialog} title=${t("FACTS.AGAIN_TITLE")} onClose=${() => setAsking("")} actions=${[
      html`<${Button} onClick=${() => setAsking("")}>${t("COMMON.CANCEL")}<//>`,
      html`<${Button} kind="danger" onClick=${() => { const way = ways[/** @type {"sheet" | "mapping"} */ (asking)]; setAsking(""); way(); }}>${t("FACTS.AGAIN")}<//>`,
    ]}><p>${t("FACTS.AGAIN_DETAILS", { count: made })}</p><//>` : null}
  </div>`;
}

/** @param {any} props */
function Confirm({ counts: state, onClose }) {
  const settings = useValue(config);
  const [busy, setBusy] = useState(false);
  const policy = settings.confirmPolicy ?? "all";
  const bad = state.invalidRecords, stops = policy === "clean" && bad > 0;
  const out = policy === "valid" ? bad : 0;
  return html`<${Dialog} title=${bad ? t("CONFIRM.TITLE", { count: state.totalRecords - out }) : t("PHASE3.ALL_RECORDS_VALID_TITLE")} onClose=${onClose} actions=${[
    html`<${Button} onClick=${onClose}>${t("COMMON.CANCEL")}<//>`,
    stops ? null : html`<${Button} kind="primary" busy=${busy} onClick=${async () => {
      setBusy(true);
      await attempt(confirm);
      setBusy(false);
      onClose();
    }}>${t("PHASE3.COMPLETE")}<//>`,
  ]}>
    ${bad ? html`<p>${stops ? t("CONFIRM.NOT_CLEAN", { count: bad }) : policy === "valid" ? t("CONFIRM.LEFT_OUT", { count: bad }) : t("CONFIRM.WITH_PROBLEMS", { count: bad })}</p>`
      : html`<p>${t("PHASE3.ALL_RECORDS_VALID_DETAILS", { total: state.totalRecords, count: state.totalRecords })}</p>`}
  <//>`;
}

/** @param {any} props */
function Meter({ part }) {
  const bar = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => bar.current?.style.setProperty("--part", `${part * 100}%`), [part]);
  return html`<span class="meter" aria-hidden="true"><span ref=${bar}></span></span>`;
}

/** @param {any} props */
export function Toast({ text, action, onAction, onGone }) {
  useEffect(() => {
    const timer = setTimeout(onGone, 8000);
    return () => clearTimeout(timer);
  }, [text]);
  return html`<div class="toast" role="status">${text}${action ? html`<${Button} kind="quiet small" onClick=${onAction}>${action}<//>` : null}</div>`;
}

/** @param {Desk} desk */
function firstProblem(desk) {
  for (let position = 0; position < Math.min(desk.rows.total, 100); position++) {
    const errors = desk.rows.get(position)?.errors ?? {};
    const column = desk.shape.find((one) => errors[one.key]);
    if (column) return { position, key: column.key };
  }
  return null;
}

function useClient() {
  return useValue(client);
}

function useNarrow() {
  const [narrow, setNarrow] = useState(() => window.innerWidth < NARROW);
  useEffect(() => {
    const look = () => setNarrow(window.innerWidth < NARROW);
    window.addEventListener("resize", look);
    return () => window.removeEventListener("resize", look);
  }, []);
  return narrow;
}

// --- widths, kept between imports of a template ---

function place() {
  return `douane-widths:${upload.value?._templateId ?? ""}`;
}

/** @returns {Record<string, number>} */
function widths() {
  try {
    return JSON.parse(localStorage.getItem(place()) ?? "{}");
  } catch {
    return {};
  }
}

/** @param {Record<string, number>} kept */
function keepWidths(kept) {
  try {
    localStorage.setItem(place(), JSON.stringify(kept));
  } catch {
    // A browser that keeps nothing for embedded pages.
  }
}
