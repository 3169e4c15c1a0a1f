/**
 * The rows: what is wrong with them, mended in a grid (or in cards, where the screen is narrow), until nothing is left and
 * the import is confirmed.
 */

import { Desk } from "../desk.js";
import { Dialog } from "../dialog.js";
import { attempt } from "../flow.js";
import { Grid, MOST_CELLS } from "../grid/grid.js";
import { Button, Data, Progress, effect, html, useEffect, useLayoutEffect, useRef, useState, useValue } from "../kit.js";
import * as look from "../look.js";
import { config, options, typed, upload } from "../store.js";
import { number, replaced, t } from "../text.js";
import { ruleName } from "../words.js";
import { Cards } from "./cards.js";
import { Changes } from "./changes.js";
import { Confirm } from "./confirm.js";
import { Download } from "./download.js";
import { Facts } from "./facts.js";
import { FindReplace } from "./replace.js";
import { Side } from "./side.js";
import { Values } from "./values.js";
import { Workbook } from "./workbook.js";

/** Below this a grid and what it says about a cell do not fit beside each other. */
const NARROW = 700;
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
      const made = new Desk();
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
  const waiting = useValue(desk.waiting);
  const said = useValue(desk.said);
  const turns = useValue(desk.turns);
  const [ticked, setTicked] = useState(/** @type {Set<number> | "all"} */ (new Set()));
  const [at, setAt] = useState(/** @type {{ position: number, key: string } | null} */ (null));
  const [dialog, setDialog] = useState("");
  const [back, setBack] = useState(/** @type {File | null} */ (null));
  const narrow = useNarrow();
  const host = useRef(/** @type {HTMLElement | null} */ (null));
  const grid = useRef(/** @type {Grid | null} */ (null));
  const jumps = useRef(/** @type {Promise<any>} */ (Promise.resolve()));
  const hide = given.config ?? {};
  const { shape, rows } = desk;
  useRows(desk, () => (narrow ? [desk.drawn.peek()] : [rows.total, at && rows.get(at.position)]));

  useLayoutEffect(() => {
    if (narrow || !host.current) return undefined;
    const made = new Grid(host.current, {
      columns: shape,
      rows,
      widths: widths(),
      ticks: !hide.hideCheckBox && !hide.hideDeleteButton,
      lines: !hide.hideSrNo,
      extra: room(desk, byHand),
      sortable: true,
      on: {
        edit: (list) => { desk.edit(list); },
        move: setAt,
        sort: (key) => order(key),
        select: setTicked,
        resized: () => keepWidths(made.options.widths),
        fetch: (first, last) => rows.between(first, last),
        command,
      },
    });
    grid.current = made;
    desk.onRows = () => {
      made.extra(room(desk, byHand));
      made.later();
    };
    desk.onTop = (position) => made.showFrom(position);
    const problem = firstProblem(desk);
    made.moveTo(problem?.position ?? 0, problem?.key ?? shape[0]?.key);
    return () => {
      made.destroy();
      grid.current = null;
      desk.onRows = () => {};
      desk.onTop = () => {};
    };
  }, [desk, narrow, byHand]);

  // Wherever the focus is, but in a dialogue: the grid has taken it already where it has the focus.
  useEffect(() => {
    const key = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "F8" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      jump(event.shiftKey ? -1 : 1);
    };
    document.addEventListener("keydown", key);
    return () => document.removeEventListener("keydown", key);
  }, [desk]);

  // The browser asks before a tab is closed on what the server does not have yet.
  useEffect(() => {
    if (!busy && !waiting) return undefined;
    const ask = (/** @type {Event} */ event) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [busy > 0, waiting > 0]);

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

  /** One after the other, each from where the one before ended. @param {1 | -1} step */
  const jump = (step) => {
    jumps.current = jumps.current.then(() => attempt(async () => {
      if (!(await leap(step))) desk.said.value = { text: t(step > 0 ? "REVIEW.NO_NEXT" : "REVIEW.NO_PREVIOUS"), undo: false };
    }));
  };

  /** Whether there was one. @param {1 | -1} step */
  const leap = async (step) => {
    const here = grid.current;
    if (!here) return false;
    here.finish(true);
    const found = await desk.nextProblem(here.at.row, shape[here.at.column].key, step);
    if (found) here.moveTo(found.position, found.key);
    return Boolean(found);
  };

  /** Something was done beside the rows: on to the next problem, unless this cell still has one. @param {Promise<any>} done @param {boolean} [gone] the row is */
  const onwards = async (done, gone = false) => {
    const here = grid.current, place = at;
    if (!here || !place) return;
    here.move(here.at.row, here.at.column);
    if (!(await done) || here !== grid.current || !desk.counts.peek()?.invalidRecords) return;
    const key = firstBad(desk, rows.get(here.at.row));
    if (gone ? key : rows.get(place.position)?.errors?.[place.key]) here.moveTo(here.at.row, gone ? key : place.key);
    else jumps.current = jumps.current.then(() => attempt(async () => (await leap(1)) || leap(-1)));
  };

  /** @param {string} name */
  function command(name) {
    if (name === "next" || name === "previous") jump(name === "next" ? 1 : -1);
    else if (name === "find" && !hide.hideFindAndReplaceButton) setDialog("replace");
    else if (name === "too-many") desk.said.value = { text: t("REVIEW.TOO_MANY", { count: MOST_CELLS }), undo: false };
    else if (name === "copied") desk.said.value = { text: t("REVIEW.COPIED"), undo: false };
    else if (name === "undo") desk.undo();
    else if (name === "redo") desk.redo();
    else if (name === "take" || name === "take-all") document.querySelector(`[data-suggestion="${name}"]`)?.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  }

  /** To the empty row behind the last one. */
  const addRow = async () => {
    if (room(desk, byHand) === 0) await show(look.everything());
    grid.current?.extra(room(desk, byHand));
    grid.current?.move(rows.total, 0);
    grid.current?.edit();
  };

  const bad = counts.invalidRecords, all = counts.totalRecords, many = ticked === "all" ? rows.total : ticked.size;
  const row = at ? rows.get(at.position) : undefined;
  const column = shape.find((one) => one.key === at?.key);
  // A column whose problems are looked at can be mended value by value.
  const sieved = shape.find((one) => one.key === filter.problemColumn), mended = sieved ?? column;
  const tabs = /** @type {const} */ ([["all", "LABEL_ALL_RECORDS", all], ["valid", "LABEL_VALID_RECORDS", counts.validRecords], ["invalid", "LABEL_INVALID_RECORDS", bad]]);
  const finish = byHand ? bad === 0 && all > 0 : all > 0;
  const plain = !filter.problemColumn && !filter.rule && !filter.find && !filter.changed;
  const take = (/** @type {string} */ text) => at && onwards(desk.edit([{ position: at.position, key: at.key, text }]));

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
      <div class="acts">
      <${Button} kind="quiet small icon" disabled=${!turns.undo} aria-label=${t("REVIEW.UNDO")} title=${`${t("REVIEW.UNDO")} (Ctrl+Z)`} onClick=${() => desk.undo()}><${Turn} /><//>
      <${Button} kind="quiet small icon" disabled=${!turns.redo} aria-label=${t("REVIEW.REDO")} title=${`${t("REVIEW.REDO")} (Ctrl+Y)`} onClick=${() => desk.redo()}><${Turn} back /><//>
      ${counts.revision ? html`<${Button} kind="quiet small" onClick=${() => setDialog("changes")}>${t("CHANGES.OPEN")}<//>` : null}
      ${many && !hide.hideDeleteButton ? html`<${Button} kind="danger small" onClick=${() => setDialog("delete")}>${replaced("COMMON.DELETE") ? `${t("COMMON.DELETE")} ${number(many)}` : t("REVIEW.DELETE_TICKED", { count: many })}<//>` : null}
      ${hide.hideFindAndReplaceButton || settings.FIND_AND_REPLACE === false || !all ? null
        : html`<${Button} kind="secondary small" onClick=${() => setDialog("replace")}>${t("PHASE3.FIND_REPLACE")}<//>`}
      ${narrow ? null : html`<${Button} kind="secondary small" onClick=${addRow}>${t("CARDS.ADD")}<//>`}
      ${all && !byHand ? html`<${Button} kind="secondary small" onClick=${() => setDialog("download")}>${t("PHASE3.EXPORT_DATA")}<//>` : null}
      </div>
    </div>
    <${Chips} counts=${counts} shape=${shape} filter=${filter} onShow=${show}
      onMend=${sieved && counts.columns?.[sieved.key] ? () => setDialog("values") : null} />
    <div class="grid-place">
      ${narrow ? html`<${Cards} shape=${shape} rows=${rows} onEdit=${(/** @type {any} */ list) => desk.edit(list)} adding=${room(desk, byHand) > 0} drawn=${desk.drawn.peek()}
          onDelete=${hide.hideDeleteButton ? null : (/** @type {number} */ position) => desk.remove(new Set([position]))} />`
        : html`<div class="grid-host" ref=${host}></div>
          <${Side} row=${row} column=${column} onTake=${take} onTakeAll=${(/** @type {string} */ from, /** @type {string} */ to) => at && onwards(desk.mendAlike(at.key, { [from]: to }))}
            many=${column ? counts.columns?.[column.key] ?? 0 : 0} onMend=${() => setDialog("values")}
            onDelete=${hide.hideDeleteButton || !row?.index ? null : () => at && onwards(desk.remove(new Set([at.position])), true)} />`}
      ${!rows.total && !byHand ? html`<div class="empty"><p class="soft">${t(all ? (filter.type === "invalid" && plain ? "REVIEW.NONE_WRONG" : "REVIEW.NONE_HERE") : "REVIEW.NO_ROWS")}</p>
        ${all ? html`<${Button} kind="small" onClick=${() => show(look.everything())}>${t("REVIEW.SHOW_ALL")}<//>` : null}</div>` : null}
      ${said ? html`<${Toast} text=${said.text} action=${said.undo ? t("REVIEW.UNDO") : null} onAction=${() => { desk.said.value = null; desk.undo(); }} onGone=${() => { desk.said.value = null; }} />` : null}
    </div>
    <div class=${all && !bad ? "bottom clean" : "bottom"}>
      <div class="left-over" role="status">
        ${bad ? html`<span class="to-mend">${t("REVIEW.LEFT", { count: bad })}</span><${Meter} part=${all ? (all - bad) / all : 0} />`
          : all ? html`<span class="all-good"><svg class="tick" viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="9" /><path d="m6 10.5 3 3 5.5-6.5" /></svg>${t("REVIEW.ALL_GOOD", { count: all })}</span>` : html`<span class="soft">${t("REVIEW.NO_ROWS")}</span>`}
        ${bad && byHand ? html`<span class="soft">${t("PHASE1-2.FIX_INVALID_DATA")}</span>` : null}
        ${waiting && !busy ? html`<span class="wrong">${t("REVIEW.UNSAVED", { count: waiting })}</span>` : null}
        ${busy ? html`<span class="soft saving">${t("REVIEW.SAVING")}</span>` : null}
      </div>
      ${bad && !narrow ? html`<div class="row steps-of">
        <${Button} kind="secondary icon" aria-label=${t("REVIEW.PREVIOUS_PROBLEM")} title=${`${t("REVIEW.PREVIOUS_PROBLEM")} (Shift+F8)`} onClick=${() => jump(-1)}>↑<//>
        <${Button} kind="secondary" onClick=${() => jump(1)}>${t("REVIEW.NEXT_PROBLEM")} <kbd>F8</kbd><//></div>` : null}
      <${Button} kind="primary" disabled=${!finish || busy > 0 || waiting > 0} onClick=${() => setDialog("confirm")}>${t("PHASE3.COMPLETE")}<//>
    </div>
    ${dialog === "confirm" ? html`<${Confirm} counts=${counts} onClose=${() => setDialog("")} />` : null}
    ${dialog === "download" ? html`<${Download} counts=${counts} onClose=${() => setDialog("")} onBack=${(/** @type {File} */ file) => { setBack(file); setDialog("workbook"); }} />` : null}
    ${dialog === "workbook" && back ? html`<${Workbook} desk=${desk} shape=${shape} file=${back} onClose=${() => setDialog("")} />` : null}
    ${dialog === "changes" ? html`<${Changes} desk=${desk} onClose=${() => setDialog("")} />` : null}
    ${dialog === "values" && mended ? html`<${Values} column=${mended} desk=${desk} onClose=${() => setDialog("")} />` : null}
    ${dialog === "replace" ? html`<${FindReplace} shape=${shape} column=${at?.key ?? ""} onClose=${() => setDialog("")}
      onDone=${(/** @type {any} */ what) => { setDialog(""); desk.replace(what); }} />` : null}
    ${dialog === "delete" ? html`<${Dialog} title=${t("DELETE_RECORDS_CONFIRMATION.TITLE", { total: many, count: many })} onClose=${() => setDialog("")} actions=${[
      html`<${Button} onClick=${() => setDialog("")}>${t("DELETE_RECORDS_CONFIRMATION.CANCEL_DELETE")}<//>`,
      html`<${Button} kind="danger" onClick=${() => { setDialog(""); desk.remove(ticked).then(() => grid.current?.clearTicks()); }}>${t("DELETE_RECORDS_CONFIRMATION.CONFIRM_DELETE")}<//>`,
    ]}><p>${t("DELETE_RECORDS_CONFIRMATION.DETAILS", { count: many })}</p><//>` : null}
  </div>`;
}

/** Empty rows to type into: many where nothing came from a file, else one behind the last, where all rows are shown as they come. @param {Desk} desk @param {boolean} byHand */
function room(desk, byHand) {
  const now = desk.look.peek();
  if (now.type !== "all" || now.problemColumn || now.rule || now.changed || now.find || now.sort) return 0;
  return byHand ? TYPED_ROWS : 1;
}

/** @param {any} props */
function Turn({ back = false }) {
  return html`<svg class=${back ? "turn back" : "turn"} viewBox="0 0 20 20" aria-hidden="true"><path d="M7.5 4 4 7.5 7.5 11M4.5 7.5H12a4.2 4.2 0 0 1 0 8.5H8" /></svg>`;
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
function Chips({ counts, shape, filter, onShow, onMend }) {
  const [whole, setWhole] = useState(false);
  const rules = (counts.rules ?? []).filter((/** @type {any} */ one) => one.records > 0).sort((/** @type {any} */ one, /** @type {any} */ other) => other.records - one.records);
  const isOn = (/** @type {any} */ one) => filter.problemColumn === one.column && filter.rule === one.rule;
  // One that is filtered by stays, though it is at nought by now: it is the way back.
  if (filter.rule && !rules.some(isOn)) rules.unshift({ column: filter.problemColumn, rule: filter.rule, records: 0, warning: false });
  if (!rules.length) return null;
  const names = new Map(shape.map((/** @type {any} */ column) => [column.key, column.name]));
  const shown = whole ? rules : rules.filter((/** @type {any} */ one, /** @type {number} */ at) => at < CHIPS || isOn(one));
  return html`<div class="chips" role="group" aria-label=${t("REVIEW.PROBLEMS")}>
    ${shown.map((/** @type {any} */ one) => html`<button type="button" class=${one.warning ? "chip warning" : "chip"} aria-pressed=${String(isOn(one))}
        onClick=${() => onShow(isOn(one) ? { ...look.everything(), type: "invalid" } : { ...look.everything(), problemColumn: one.column, rule: one.rule })}>
        <span class="chip-count">${number(one.records)}</span> <strong><${Data} limit=${40}>${names.get(one.column) ?? t("REVIEW.WHOLE_ROW")}<//></strong> ${ruleName(one.rule)}</button>`)}
    ${rules.length > shown.length ? html`<${Button} kind="link" onClick=${() => setWhole(true)}>${t("REVIEW.MORE_RULES", { count: rules.length - shown.length })}<//>` : null}
    ${onMend ? html`<${Button} kind="secondary small" onClick=${onMend}>${t("VALUES.OPEN")}<//>` : null}
  </div>`;
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
    const key = firstBad(desk, desk.rows.get(position));
    if (key) return { position, key };
  }
  return null;
}

/** The first column in which a row has a problem, the one that is looked at before all; "" where it has none. @param {Desk} desk @param {any} row @returns {string} */
function firstBad(desk, row) {
  const { problemColumn } = desk.look.peek();
  return row?.errors?.[problemColumn] ? problemColumn : desk.shape.find((one) => row?.errors?.[one.key])?.key ?? "";
}

/**
 * Draws again when rows changed that are shown outside the grid, which draws its own: else every page that scrolls by would.
 * @param {Desk} desk @param {() => unknown[]} shown
 */
function useRows(desk, shown) {
  const [, redraw] = useState(0);
  const now = useRef({ shown, before: /** @type {unknown[]} */ ([]) });
  now.current = { shown, before: shown() };
  useLayoutEffect(() => effect(() => {
    desk.drawn.value;
    const { shown, before } = now.current, after = shown();
    if (after.some((one, at) => one !== before[at])) redraw((count) => count + 1);
  }), [desk]);
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
