/**
 * A windowed grid of a million rows: only what is in sight stands in the document. Libraries were measured first; this is
 * our own, for they failed a strict policy, a screen reader's roles, right-to-left or the size (docs/house.md).
 *
 * An element cannot be higher than some 33 million pixels, so a long table scrolls over a shorter space: small moves are
 * taken pixel by pixel (`base` + scrollTop), a leap of the thumb as a share of the whole, and both ends are exact.
 *
 * The grid draws and listens; what a change means is `on`'s business.
 */

import { number, t } from "../text.js";
import { fromTable, toTable } from "./clipboard.js";
import { editorOf, isNumber } from "./editors.js";

const ROW = 36;
const SPACE = 15_000_000;
const OVER = 6;
const NARROW = 64, WIDEST = 900, LEAD = 84;
/** What is shown of a cell; a cell may hold a megabyte. */
const SHOWN = 300;
/** A list that opens under a cell is never higher. */
const POPUP = 260;
/** So many cells are copied, filled or emptied at once; for more there is find and replace. */
export const MOST_CELLS = 100_000;

/**
 * @typedef {{ position: number, key: string, text: string }} Change
 * @typedef {object} Handlers
 * @property {(changes: Change[]) => void} edit
 * @property {(cell: { position: number, key: string } | null) => void} move the active cell is another one now
 * @property {(key: string) => void} sort
 * @property {(positions: Set<number> | "all") => void} select rows that are ticked
 * @property {() => void} resized the person gave a column another width
 * @property {(first: number, last: number) => Promise<Map<number, import("./rows.js").Row>>} fetch rows that are not here yet
 * @property {(command: string) => void} command `next`, `previous`, `undo`, `redo`, `find`, `take`, `take-all`, `too-many`, `copied`
 */

/**
 * A row in the document. `y`: where it is drawn; `busy`: what stands in it is still on its way.
 * @typedef {{ element: HTMLElement, position: number, y: number, busy: boolean, tick: HTMLInputElement | null, name: HTMLElement | null,
 *   cells: [HTMLElement, number][] }} Line
 */

export class Grid {
  /**
   * @param {HTMLElement} host
   * @param {{ columns: any[], rows: import("./rows.js").Rows, on: Handlers, widths: Record<string, number>, readOnly?: boolean,
   *   ticks?: boolean, lines?: boolean, extra?: number, sortable?: boolean }} options `extra`: empty rows behind the last one, to type in
   */
  constructor(host, options) {
    this.host = host;
    this.columns = options.columns;
    this.rows = options.rows;
    this.on = options.on;
    this.options = options;
    this.widths = this.columns.map((column) => options.widths[column.key] ?? widthOf(column));
    this.frozen = this.columns.filter((column) => column.isFrozen).length;
    this.at = { row: 0, column: 0 };
    this.from = { row: 0, column: 0 };
    /** @type {Set<number>} positions that are ticked */
    this.ticked = new Set();
    /** Whether all rows of the list are, also those that were never here. */
    this.all = false;
    this.sorted = { key: "", down: false };
    this.base = this.last = 0;
    /** The rows in the document, in their order. @type {Line[]} */
    this.pool = [];
    this.shown = "";
    /** @type {any} */
    this.editor = null;
    this.dragging = this.due = this.own = this.wanted = false;
    /** Whether the next drawing is of more than another part of the same rows. */
    this.stirred = true;
    this.end = new AbortController();
    /** Where each column starts, in pixels; and the width of all. @type {number[]} */
    this.starts = [];
    this.wide = 0;
    /** Which columns stand in the document. @type {number[]} */
    this.places = [];
    /** @type {HTMLElement[]} */
    this.heads = [];
    /** @type {HTMLInputElement | null} */
    this.tickAll = null;
    /** @type {number | undefined} */
    this.lastTick = undefined;
    this.box = make("div", "grid", "grid-box");
    this.space = make("div", "presentation", "grid-space");
    this.head = make("div", "row", "grid-row grid-head");
    this.body = make("div", "rowgroup", "grid-body");
    this.watcher = new ResizeObserver(() => this.draw());
    this.build();
  }

  get count() {
    return this.rows.total + (this.options.extra ?? 0);
  }

  /** The last row that holds something. */
  get lastRow() {
    return Math.max(0, this.rows.total - 1);
  }

  get full() {
    return (this.count + 1) * ROW;
  }

  get tall() {
    return Math.min(this.full, SPACE);
  }

  get top() {
    return this.box.scrollTop + this.base;
  }

  /** 1 from left to right, -1 from right to left. */
  get way() {
    return getComputedStyle(this.box).direction === "rtl" ? -1 : 1;
  }

  get lead() {
    return this.options.lines === false && this.options.ticks === false ? 0 : this.options.lines === false || this.options.ticks === false ? LEAD - 30 : LEAD;
  }

  /** Empty rows behind the last one. @param {number} rows */
  extra(rows) {
    if (this.options.extra === rows) return;
    this.options.extra = rows;
    this.later();
  }

  destroy() {
    this.end.abort();
    this.watcher.disconnect();
    this.box.remove();
  }

  // --- making it ---------------------------------------------------------------------------------------------------

  build() {
    const signal = this.end.signal;
    this.box.setAttribute("aria-label", t("GRID.LABEL"));
    this.box.setAttribute("aria-multiselectable", "true");
    this.box.setAttribute("aria-colcount", String(this.columns.length + 1));
    if (this.options.readOnly) this.box.setAttribute("aria-readonly", "true");
    this.box.tabIndex = -1;
    const heads = make("div", "rowgroup", "grid-heads");
    this.head.setAttribute("aria-rowindex", "1");
    heads.append(this.head);
    this.space.append(heads, this.body);
    this.box.append(this.space);
    this.host.append(this.box);
    this.buildHead();
    this.box.addEventListener("scroll", () => this.scrolled(), { passive: true, signal });
    this.box.addEventListener("keydown", (event) => this.key(event), { signal });
    this.box.addEventListener("pointerdown", (event) => this.press(event), { signal });
    this.box.addEventListener("pointermove", (event) => this.drag(event), { signal });
    this.box.addEventListener("dblclick", (event) => { if (this.spot(event.target)) this.edit(); }, { signal });
    this.box.addEventListener("copy", (event) => this.copy(event), { signal });
    this.box.addEventListener("cut", (event) => this.cut(event), { signal });
    this.box.addEventListener("paste", (event) => this.paste(event), { signal });
    this.watcher.observe(this.box);
    this.sizes();
    this.draw();
  }

  buildHead() {
    const corner = make("div", "columnheader", "lead");
    corner.setAttribute("aria-colindex", "1");
    if (this.options.ticks !== false) {
      this.tickAll = document.createElement("input");
      this.tickAll.type = "checkbox";
      this.tickAll.setAttribute("aria-label", t("GRID.TICK_SHOWN"));
      this.tickAll.addEventListener("change", () => this.tickShown());
      corner.append(this.tickAll);
    }
    if (this.options.lines !== false) {
      const name = make("span", null, "line-name");
      name.textContent = t("GRID.LINE");
      corner.append(name);
    }
    this.heads = this.columns.map((column, at) => {
      const cell = make("div", "columnheader", column.isFrozen ? "pin" : "");
      cell.setAttribute("aria-colindex", String(at + 2));
      const name = document.createElement(this.options.sortable ? "button" : "span");
      name.className = "head-name";
      const text = document.createElement("bdi");
      text.textContent = column.name;
      name.append(text);
      if (name instanceof HTMLButtonElement) {
        name.type = "button";
        name.tabIndex = -1;
        name.addEventListener("click", () => this.on.sort(column.key));
        name.addEventListener("keydown", (event) => this.keyOfHead(event, at));
      }
      if (column.description || column.says) cell.title = [column.description, column.says].filter(Boolean).join("\n");
      if (column.isRequired) {
        const star = make("span", null, "star");
        star.textContent = "*";
        star.title = t("COMMON.REQUIRED");
        name.append(star);
      }
      const grip = make("span", null, "grip");
      this.resizing(grip, at);
      cell.append(name, grip);
      return cell;
    });
    this.head.replaceChildren(...(this.lead ? [corner] : []), ...this.heads);
  }

  /** @param {string} key @param {boolean} down */
  sort(key, down) {
    this.sorted = { key, down };
    this.columns.forEach((column, at) => {
      if (column.key === key) this.heads[at].setAttribute("aria-sort", down ? "descending" : "ascending");
      else this.heads[at].removeAttribute("aria-sort");
    });
  }

  /** @param {HTMLElement} grip @param {number} at */
  resizing(grip, at) {
    grip.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      event.preventDefault();
      grip.setPointerCapture(event.pointerId);
      const x = event.clientX, width = this.widths[at], way = this.way;
      grip.onpointermove = (moved) => this.resize(at, width + way * (moved.clientX - x));
      grip.onpointerup = () => {
        grip.onpointermove = null;
        this.on.resized();
      };
    });
    grip.addEventListener("dblclick", () => {
      this.resize(at, widthOf(this.columns[at]));
      this.on.resized();
    });
  }

  /** Headings by keyboard: along them, back to the cells, and wider or narrower. @param {KeyboardEvent} event @param {number} at */
  keyOfHead(event, at) {
    const along = { ArrowLeft: -this.way, ArrowRight: this.way }[event.key];
    event.stopPropagation();
    if (along && event.altKey) {
      this.resize(at, this.widths[at] + along * 20);
      this.on.resized();
    } else if (along) {
      const to = Math.min(Math.max(at + along, 0), this.columns.length - 1);
      this.move(this.at.row, to, false, true);
      this.headButton(to)?.focus();
    } else if (event.key === "ArrowDown" || event.key === "Escape") this.move(this.at.row, at);
    else return;
    event.preventDefault();
  }

  /** @param {number} at @returns {HTMLElement | null} */
  headButton(at) {
    return this.heads[at]?.querySelector("button") ?? null;
  }

  /** @param {number} at @param {number} width */
  resize(at, width) {
    this.widths[at] = Math.min(WIDEST, Math.max(NARROW, Math.round(width)));
    this.options.widths[this.columns[at].key] = this.widths[at];
    this.sizes();
    this.draw();
  }

  sizes() {
    this.starts = [];
    let start = this.lead;
    for (const width of this.widths) {
      this.starts.push(start);
      start += width;
    }
    this.wide = start;
    this.box.style.setProperty("--cols", `${this.lead ? `${this.lead}px ` : ""}${this.widths.map((width) => `${width}px`).join(" ")}`);
    this.box.style.setProperty("--row", `${ROW}px`);
    this.space.style.width = `${this.wide}px`;
    this.heads.forEach((cell, at) => this.pin(cell, at));
    this.shown = "";
  }

  /** Frozen columns stay where they are, unless they would take most of a narrow screen. @param {HTMLElement} cell @param {number} at */
  pin(cell, at) {
    cell.style.gridColumn = String(at + (this.lead ? 2 : 1));
    const pinned = at < this.frozen && this.starts[this.frozen] <= this.box.clientWidth * 0.6;
    cell.classList.toggle("pin", pinned);
    cell.style.insetInlineStart = pinned ? `${this.starts[at]}px` : "";
  }

  // --- scrolling and drawing ---------------------------------------------------------------------------------------

  scrolled() {
    const y = this.box.scrollTop, view = this.box.clientHeight, end = this.tall - view;
    if (this.full > this.tall && !this.own) {
      if (Math.abs(y - this.last) > view * 4) this.base = (y / end) * (this.full - view) - y;
      if (y <= 0) this.base = 0;
      else if (y >= end - 1) this.base = this.full - this.tall;
      else this.base = Math.min(Math.max(this.base, -y), this.full - view - y);
    } else if (this.full <= this.tall) this.base = 0;
    this.own = false;
    this.last = y;
    this.soon();
  }

  /** Makes a row the first one in sight, without the focus. @param {number} row */
  showFrom(row) {
    this.put(row * ROW);
    this.draw();
  }

  /** Draws everything once in the next frame. */
  later() {
    this.stirred = true;
    this.soon();
  }

  /** Draws once in the next frame; of rows that stay in sight only what `later` asked for. */
  soon() {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => {
      this.due = false;
      if (!this.end.signal.aborted) this.draw(this.stirred);
    });
  }

  /** Brings a row into sight. @param {number} row */
  go(row) {
    const view = this.box.clientHeight, above = row * ROW, below = above + 2 * ROW - view;
    let to = this.top;
    if (to > above) to = above;
    else if (to < below) to = below;
    else return;
    this.put(to);
  }

  /** Scrolls to a place of the whole table, in pixels. @param {number} to */
  put(to) {
    this.space.style.height = `${this.tall}px`;
    const view = this.box.clientHeight, most = Math.max(1, this.full - view);
    to = Math.min(to, most);
    const y = this.full > this.tall ? Math.round((to / most) * (this.tall - view)) : to;
    this.own = this.box.scrollTop !== y;
    this.box.scrollTop = y;
    this.base = this.full > this.tall ? to - this.box.scrollTop : 0;
    this.last = this.box.scrollTop;
  }

  /** Which columns are in sight: those not frozen, from and to. */
  across() {
    const left = Math.abs(this.box.scrollLeft), right = left + this.box.clientWidth;
    let first = this.frozen, last = this.columns.length - 1;
    if (this.columns.length > 24) {
      while (first < last && this.starts[first] + this.widths[first] < left) first++;
      while (last > first && this.starts[last] > right) last--;
    }
    return [first, last];
  }

  /** @param {boolean} [all] also rows that are there already and stay */
  draw(all = true) {
    const view = this.box.clientHeight;
    if (!view) return;
    if (all) {
      this.stirred = false;
      this.space.style.height = `${this.tall}px`;
      this.box.setAttribute("aria-rowcount", String(this.count + 1));
    }
    const first = Math.max(0, Math.min(Math.floor(this.top / ROW) - OVER, this.count - 1));
    const want = Math.max(0, Math.min(this.count - first, Math.ceil(view / ROW) + 2 * OVER));
    if (this.rows.total) this.rows.show(first, first + want - 1);
    if (this.editor && (this.editor.row < first || this.editor.row >= first + want)) {
      this.finish(true);
      return;
    }
    const [from, to] = this.across();
    const active = document.activeElement;
    const had = (this.body.contains(active) || active === this.box) && !this.editor;
    const shown = `${from}-${to}-${this.starts[this.frozen] <= this.box.clientWidth * 0.6}`;
    if (shown !== this.shown && !this.editor) {
      this.shown = shown;
      this.places = [...Array(this.frozen).keys(), ...Array.from({ length: to - from + 1 }, (_, at) => from + at)];
      this.pool.forEach((line) => line.element.remove());
      this.pool = [];
      this.heads.forEach((cell, at) => this.pin(cell, at));
    }
    this.arrange(first, want);
    /** @type {HTMLElement | null} */
    let focus = null;
    this.pool.forEach((line, at) => {
      // Each stands where it is by itself: of those that stay in sight nothing moves, so nothing is laid out or painted again.
      const position = first + at, y = position * ROW - this.base;
      if (line.y !== y) {
        line.y = y;
        line.element.style.top = `${y}px`;
      }
      if (all || line.position !== position || line.busy) this.drawRow(line, position);
      if (position === this.at.row) focus = line.cells.find(([, column]) => column === this.at.column)?.[0] ?? null;
    });
    this.mark(focus, had);
    if (this.editor?.popup) this.place(this.editor.element.closest("[data-column]"), this.editor.popup);
  }

  /**
   * As many rows as are wanted, in their order. Those that stay in sight are not touched: laying out a row costs more than
   * anything else here. @param {number} first @param {number} want
   */
  arrange(first, want) {
    /** @type {Line[]} */
    const spare = [];
    /** @type {Map<number, Line>} */
    const staying = new Map();
    for (const line of this.pool) {
      if (line.position >= first && line.position < first + want && !staying.has(line.position)) staying.set(line.position, line);
      else spare.push(line);
    }
    this.pool = Array.from({ length: want }, (_, at) => staying.get(first + at) ?? spare.pop() ?? this.makeRow());
    spare.forEach((line) => line.element.remove());
    let next = null;
    for (let at = want - 1; at >= 0; at--) {
      const { element } = this.pool[at];
      if (element.parentNode !== this.body || element.nextSibling !== next) this.body.insertBefore(element, next);
      next = element;
    }
  }

  /** @returns {Line} */
  makeRow() {
    const row = make("div", "row", "grid-row");
    /** @type {Line} */
    const line = { element: row, position: -1, y: -1, busy: true, tick: null, name: null, cells: [] };
    if (this.lead) {
      const lead = make("div", "rowheader", "lead");
      lead.setAttribute("aria-colindex", "1");
      if (this.options.ticks !== false) {
        const tick = document.createElement("input");
        tick.type = "checkbox";
        tick.tabIndex = -1;
        tick.addEventListener("click", (event) => this.tick(line.position, tick.checked, event.shiftKey));
        lead.append(tick);
        line.tick = tick;
      }
      if (this.options.lines !== false) {
        line.name = make("span", null, "line");
        lead.append(line.name);
      }
      row.append(lead);
    }
    for (const at of this.places) {
      const cell = make("div", "gridcell", "");
      cell.setAttribute("aria-colindex", String(at + 2));
      cell.dataset.column = String(at);
      cell.tabIndex = -1;
      this.pin(cell, at);
      row.append(cell);
      line.cells.push([cell, at]);
    }
    return line;
  }

  /** @param {Line} line @param {number} position */
  drawRow(line, position) {
    const { element, tick } = line;
    const row = this.rows.get(position), typed = position >= this.rows.total;
    line.busy = !row && !typed;
    if (line.position !== position) {
      line.position = position;
      element.setAttribute("aria-rowindex", String(position + 2));
      element.dataset.row = String(position);
    }
    element.toggleAttribute("aria-busy", line.busy);
    const isTicked = !typed && (this.all || this.ticked.has(position));
    element.classList.toggle("ticked", isTicked);
    if (tick) {
      tick.checked = isTicked;
      tick.hidden = typed;
      const label = t("GRID.TICK_ROW", { row: number(row?.line || row?.index || position + 1) });
      if (tick.ariaLabel !== label) tick.ariaLabel = label;
    }
    if (line.name) {
      const name = row ? (row.line ? number(row.line) : t("GRID.NEW")) : typed ? "+" : "…";
      if (line.name.textContent !== name) line.name.textContent = name;
    }
    const [r0, r1, c0, c1] = this.range(), many = r0 !== r1 || c0 !== c1;
    const pending = row && this.rows.pending.get(row.index);
    for (const [cell, at] of line.cells) {
      const column = this.columns[at], here = position === this.at.row && at === this.at.column;
      if (!(this.editor && cell.contains(this.editor.element))) {
        const text = row ? textOf(row.record?.[column.key]) : typed ? "" : "…";
        const visible = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
        if (cell.firstChild?.nodeValue !== visible || cell.childNodes.length > 1) cell.textContent = visible;
      }
      const bad = Boolean(row?.errors?.[column.key]), warned = !bad && Boolean(row?.warnings?.[column.key]);
      const waiting = pending?.[column.key] !== undefined, changed = waiting || Boolean(row?.updated?.[column.key]);
      const within = position >= r0 && position <= r1 && at >= c0 && at <= c1;
      const style = `${cell.classList.contains("pin") ? "pin " : ""}${cell.classList.contains("editing") ? "editing " : ""}${bad ? "bad " : ""}${warned ? "warned " : ""}${changed ? "changed " : ""}${waiting ? "waiting " : ""}${within && many ? "chosen " : ""}${here ? "active " : ""}${isNumber(column) ? "number" : ""}`.trim();
      if (cell.className !== style) {
        cell.className = style;
        if (bad) cell.setAttribute("aria-invalid", "true");
        else cell.removeAttribute("aria-invalid");
      }
      const selected = String(within);
      if (cell.ariaSelected !== selected) cell.ariaSelected = selected;
      if (cell.tabIndex !== (here ? 0 : -1)) cell.tabIndex = here ? 0 : -1;
    }
  }

  /** Focus follows the active cell; when that is out of sight the grid itself keeps it, and typing scrolls back. @param {HTMLElement | null} focus @param {boolean} had */
  mark(focus, had) {
    if (!focus) {
      this.box.tabIndex = 0;
      if (had && document.activeElement !== this.box) this.box.focus({ preventScroll: true });
      return;
    }
    this.box.tabIndex = -1;
    if (had || this.wanted) {
      this.wanted = false;
      if (document.activeElement !== focus) focus.focus({ preventScroll: true });
    }
  }

  /** The element of the active cell, where it is in sight. @returns {HTMLElement | null} */
  cell() {
    return this.body.querySelector(`[data-row="${this.at.row}"] > [data-column="${this.at.column}"]`);
  }

  // --- moving ------------------------------------------------------------------------------------------------------

  /** @param {number} row @param {number} column @param {boolean} [stretch] the range grows instead @param {boolean} [quietly] without the focus */
  move(row, column, stretch = false, quietly = false) {
    this.at = { row: Math.min(Math.max(row, 0), Math.max(0, this.count - 1)), column: Math.min(Math.max(column, 0), this.columns.length - 1) };
    if (!stretch) this.from = { ...this.at };
    if (!quietly) this.wanted = true;
    this.go(this.at.row);
    this.sideways();
    this.draw();
    this.on.move(this.count ? { position: this.at.row, key: this.columns[this.at.column].key } : null);
  }

  /** @param {number} position @param {string} key */
  moveTo(position, key) {
    this.move(position, Math.max(0, this.columns.findIndex((column) => column.key === key)));
  }

  sideways() {
    const at = this.at.column;
    const pinned = this.starts[this.frozen] <= this.box.clientWidth * 0.6 ? (this.starts[this.frozen] ?? this.wide) : this.lead;
    if (at < this.frozen && pinned > this.lead) return;
    const way = this.way, left = this.box.scrollLeft * way, start = this.starts[at], end = start + this.widths[at];
    if (start - pinned < left) this.box.scrollLeft = way * (start - pinned);
    else if (end > left + this.box.clientWidth) this.box.scrollLeft = way * Math.min(start - pinned, end - this.box.clientWidth);
  }

  /** @param {EventTarget | null} target @returns {[number, number] | null} */
  spot(target) {
    const cell = /** @type {HTMLElement | null} */ (target instanceof Element ? target.closest("[data-column]") : null);
    const row = cell?.closest("[data-row]");
    return cell && row ? [Number(/** @type {HTMLElement} */ (row).dataset.row), Number(cell.dataset.column)] : null;
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (this.editor?.element.contains(/** @type {Node} */ (event.target))) return;
    const spot = this.spot(event.target);
    if (!spot || event.button !== 0) return;
    if (this.editor) this.finish(true);
    const again = spot[0] === this.at.row && spot[1] === this.at.column && event.pointerType !== "mouse";
    this.move(spot[0], spot[1], event.shiftKey);
    // A second touch of the same cell opens it; there is no double click with a finger.
    if (again) this.edit();
    this.dragging = event.pointerType === "mouse";
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (!this.dragging || !event.buttons) {
      this.dragging = false;
      return;
    }
    const spot = this.spot(event.target);
    if (spot && (spot[0] !== this.at.row || spot[1] !== this.at.column)) this.move(spot[0], spot[1], true);
  }

  // --- ticking rows ------------------------------------------------------------------------------------------------

  /** @param {number} position @param {boolean} on @param {boolean} range */
  tick(position, on, range) {
    if (this.all) {
      // All but one: of a long list that is all that are here.
      this.all = false;
      this.tickLoaded();
    }
    const [first, last] = range && this.lastTick !== undefined ? ordered(this.lastTick, position) : [position, position];
    for (let at = first; at <= last; at++) {
      if (on && this.rows.get(at)) this.ticked.add(at);
      else this.ticked.delete(at);
    }
    this.lastTick = position;
    this.ticksChanged();
  }

  tickLoaded() {
    for (const [page, rows] of this.rows.pages) rows.forEach((_, at) => this.ticked.add(page * 100 + at));
  }

  tickShown() {
    this.ticked.clear();
    this.all = Boolean(this.tickAll?.checked) && this.rows.total > 0;
    this.ticksChanged();
  }

  clearTicks() {
    this.ticked.clear();
    this.all = false;
    this.ticksChanged();
  }

  ticksChanged() {
    if (this.tickAll) {
      this.tickAll.checked = this.all || (this.ticked.size > 0 && this.ticked.size >= this.rows.total);
      this.tickAll.indeterminate = this.ticked.size > 0 && !this.tickAll.checked;
    }
    this.on.select(this.all ? "all" : new Set(this.ticked));
    this.draw();
  }

  // --- editing -----------------------------------------------------------------------------------------------------

  /** @param {string} [start] what was typed to open it */
  edit(start) {
    if (this.options.readOnly || this.editor || !this.count) return;
    // A new row stands behind the last one, whichever of the empty ones is typed into.
    const next = Math.max(this.rows.total, this.rows.coming);
    if (this.at.row > next) this.move(next, this.at.column);
    this.go(this.at.row);
    this.draw();
    const cell = this.cell(), row = this.rows.get(this.at.row);
    if (!cell || (!row && this.at.row < this.rows.total)) return;
    const column = this.columns[this.at.column];
    const before = row ? textOf(row.record?.[column.key]) : "";
    const editor = editorOf(column, start ?? before, { commit: (step) => this.finish(true, step) });
    this.editor = { ...editor, row: this.at.row, column, before };
    cell.textContent = "";
    cell.append(editor.element);
    cell.classList.add("editing");
    this.open(cell, /** @type {any} */ (editor).popup);
    editor.focus(start === undefined);
    editor.element.addEventListener("focusout", (/** @type {any} */ event) => {
      if (this.editor && !editor.element.contains(/** @type {Node | null} */ (event.relatedTarget))) this.finish(true);
    });
  }

  /** A list under the cell, above everything: the grid would cut it off. @param {HTMLElement} cell @param {HTMLElement | undefined} popup */
  open(cell, popup) {
    if (!popup) return;
    popup.popover = "manual";
    popup.showPopover();
    this.place(cell, popup);
  }

  /** @param {HTMLElement} cell @param {HTMLElement} popup */
  place(cell, popup) {
    const place = cell.getBoundingClientRect(), below = window.innerHeight - place.bottom, upward = below < POPUP && place.top > below;
    Object.assign(popup.style, {
      minWidth: `${place.width}px`,
      maxHeight: `${Math.min(POPUP, (upward ? place.top : below) - 8)}px`,
      top: upward ? "auto" : `${place.bottom}px`,
      bottom: upward ? `${window.innerHeight - place.top}px` : "auto",
      left: this.way > 0 ? `${place.left}px` : "auto",
      right: this.way > 0 ? "auto" : `${window.innerWidth - place.right}px`,
    });
  }

  /** @param {boolean} keep @param {[number, number] | null} [step] */
  finish(keep, step = null) {
    const editor = this.editor;
    if (!editor) return;
    this.editor = null;
    const value = editor.value();
    const cell = editor.element.closest("[data-column]");
    cell?.classList.remove("editing");
    editor.element.remove();
    if (keep && value !== editor.before) this.on.edit([{ position: editor.row, key: editor.column.key, text: value }]);
    if (step) {
      this.wanted = true;
      this.move(this.at.row + step[0], this.at.column + step[1]);
    } else this.draw();
  }

  /** The range as positions and columns. @returns {[number, number, number, number]} */
  range() {
    const [r0, r1] = ordered(this.at.row, this.from.row), [c0, c1] = ordered(this.at.column, this.from.column);
    return [r0, r1, c0, c1];
  }

  /** Whether the range is too large for what goes cell by cell. */
  tooMany() {
    const [r0, r1, c0, c1] = this.range();
    if ((r1 - r0 + 1) * (c1 - c0 + 1) <= MOST_CELLS) return false;
    this.on.command("too-many");
    return true;
  }

  /** @param {(position: number) => import("./rows.js").Row | undefined} row */
  textOfRange(row) {
    const [r0, r1, c0, c1] = this.range();
    const cells = [];
    for (let at = r0; at <= r1; at++) cells.push(this.columns.slice(c0, c1 + 1).map((column) => textOf(row(at)?.record?.[column.key])));
    return toTable(cells);
  }

  /** Whether each row of the range is here. */
  get isHere() {
    const [r0, r1] = this.range();
    for (let at = r0; at <= Math.min(r1, this.rows.total - 1); at++) if (!this.rows.get(at)) return false;
    return true;
  }

  /** @param {ClipboardEvent} event */
  copy(event) {
    if (this.editor || !this.count) return;
    event.preventDefault();
    if (this.tooMany()) return;
    if (this.isHere) event.clipboardData?.setData("text/plain", this.textOfRange((at) => this.rows.get(at)));
    else this.copyAll();
  }

  /** The same for rows that have to be fetched first, which an event cannot wait for. */
  async copyAll() {
    const [r0, r1] = this.range();
    const rows = await this.on.fetch(r0, r1);
    await navigator.clipboard.writeText(this.textOfRange((at) => rows.get(at)));
    this.on.command("copied");
  }

  /** @param {ClipboardEvent} event */
  cut(event) {
    if (this.editor || this.options.readOnly) return;
    this.copy(event);
    this.clear();
  }

  clear() {
    if (this.tooMany()) return;
    const [r0, r1, c0, c1] = this.range();
    const changes = [];
    for (let row = r0; row <= Math.min(r1, this.rows.total - 1); row++) {
      const here = this.rows.get(row);
      for (let at = c0; at <= c1; at++) {
        if (!here || textOf(here.record?.[this.columns[at].key]) !== "") changes.push({ position: row, key: this.columns[at].key, text: "" });
      }
    }
    if (changes.length) this.on.edit(changes);
  }

  /** @param {ClipboardEvent} event */
  paste(event) {
    if (this.editor || this.options.readOnly || !event.clipboardData) return;
    event.preventDefault();
    const table = fromTable(event.clipboardData);
    const [r0, r1, c0, c1] = this.range();
    /** @type {Change[]} */
    const changes = [];
    // One cell fills the whole range; a table is laid from its first corner.
    const single = table.length === 1 && table[0].length === 1;
    if (single && this.tooMany()) return;
    const rows = single ? r1 - r0 + 1 : table.length, wide = single ? c1 - c0 + 1 : table.reduce((most, row) => Math.max(most, row.length), 0);
    if (rows * wide > MOST_CELLS) {
      this.on.command("too-many");
      return;
    }
    for (let row = 0; row < rows; row++) {
      for (let at = 0; at < wide; at++) {
        const column = this.columns[c0 + at], text = single ? table[0][0] : table[row][at];
        if (column && text !== undefined && (this.options.extra || r0 + row < this.count)) changes.push({ position: r0 + row, key: column.key, text });
      }
    }
    if (changes.length) this.on.edit(changes);
    this.from = { row: r0, column: c0 };
    this.at = { row: Math.min(r0 + rows - 1, Math.max(0, this.count - 1)), column: Math.min(c0 + wide - 1, this.columns.length - 1) };
    this.draw();
  }

  fillDown() {
    if (this.options.readOnly || this.tooMany()) return;
    const [r0, r1, c0, c1] = this.range();
    const source = r0 === r1 ? r0 - 1 : r0, changes = [];
    if (!this.rows.get(source)) return;
    for (let row = source + 1; row <= r1; row++) {
      for (let at = c0; at <= c1; at++) changes.push({ position: row, key: this.columns[at].key, text: textOf(this.rows.get(source)?.record?.[this.columns[at].key]) });
    }
    if (changes.length) this.on.edit(changes);
  }

  /** Whether the editor has another field for Tab to go to, before it leaves. @param {KeyboardEvent} event */
  within(event) {
    const fields = [...this.editor.element.querySelectorAll("input:not([type=checkbox])")];
    const at = fields.indexOf(event.target);
    return at >= 0 && at + (event.shiftKey ? -1 : 1) in fields;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { row, column } = this.at, way = this.way, far = Math.max(1, Math.floor(this.box.clientHeight / ROW) - 2);
    const control = event.ctrlKey || event.metaKey;
    if (event.isComposing) return;
    if (this.editor) {
      if (event.key === "Escape") this.finish(false, [0, 0]);
      else if (event.key === "Enter" && !(event.altKey || (event.target instanceof HTMLTextAreaElement && event.shiftKey))) this.finish(true, [event.shiftKey ? -1 : 1, 0]);
      else if (event.key === "Tab" && !this.within(event)) this.finish(true, [0, event.shiftKey ? -1 : 1]);
      else return;
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.target instanceof HTMLInputElement) return;
    if (event.key === "ArrowUp" && row === 0 && !event.shiftKey && !control && this.headButton(column)) {
      event.preventDefault();
      this.headButton(column)?.focus();
      return;
    }
    const lower = event.key.toLowerCase();
    /** @type {string | null} */
    const command = event.key === "F8" ? (event.shiftKey ? "previous" : "next")
      : control && lower === "z" ? (event.shiftKey ? "redo" : "undo")
      : control && lower === "y" ? "redo"
      : control && (lower === "f" || lower === "h") ? "find"
      : event.altKey && event.key === "Enter" ? (event.shiftKey ? "take-all" : "take") : null;
    if (command) {
      event.preventDefault();
      this.on.command(command);
    } else if (control && lower === "d") {
      event.preventDefault();
      this.fillDown();
    } else if (control && lower === "a") {
      event.preventDefault();
      this.from = { row: 0, column: 0 };
      this.at = { row: this.lastRow, column: this.columns.length - 1 };
      this.draw();
    } else if (event.key === "F2" || event.key === "Enter") {
      event.preventDefault();
      this.edit();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      if (!this.options.readOnly) this.clear();
    } else if (event.key === " " && event.shiftKey && this.options.ticks !== false) {
      event.preventDefault();
      this.tick(row, !this.ticked.has(row), false);
    } else if (event.key.length === 1 && !control && !event.altKey) {
      event.preventDefault();
      this.edit(event.key);
    } else {
      /** @type {Record<string, [number, number]>} */
      const moves = {
        ArrowUp: [control ? 0 : row - 1, column],
        ArrowDown: [control ? this.lastRow : row + 1, column],
        ArrowLeft: [row, control ? (way > 0 ? 0 : this.columns.length - 1) : column - way],
        ArrowRight: [row, control ? (way > 0 ? this.columns.length - 1 : 0) : column + way],
        PageUp: [row - far, column],
        PageDown: [row + far, column],
        Home: [control ? 0 : row, 0],
        End: [control ? this.lastRow : row, this.columns.length - 1],
      };
      const to = moves[event.key];
      if (to) {
        event.preventDefault();
        this.move(to[0], to[1], event.shiftKey);
      }
    }
  }
}

/** @param {string} tag @param {string | null} role @param {string} style */
function make(tag, role, style) {
  const element = document.createElement(tag);
  if (role) element.setAttribute("role", role);
  if (style) element.className = style;
  return element;
}

/** @param {number} one @param {number} other @returns {[number, number]} */
function ordered(one, other) {
  return one < other ? [one, other] : [other, one];
}

/** @param {unknown} value */
export function textOf(value) {
  return value === null || value === undefined ? "" : typeof value === "string" ? value : Array.isArray(value) ? value.join(",") : String(value);
}

/** @param {any} column */
function widthOf(column) {
  const by = { Number: 110, Double: 110, Date: 130, Boolean: 110, Email: 220 }[/** @type {string} */ (column.type)] ?? 170;
  return Math.max(by, Math.min(280, 40 + String(column.name).length * 9));
}
