/**
 * Rows by position, fetched in pages as they come into sight. Pages that scroll past before their turn are never asked for;
 * requests that nobody waits for any more are ended.
 *
 * A mended row stays where it is until the person looks anew, though the server's list has lost it. From then on (`stale`)
 * the two lists count differently, and a page that is not here yet cannot be asked for by its number: `onStale` looks anew.
 */

const PAGE = 100;
/** So many pages stay in memory, least recently seen first to go: some 10,000 rows. */
const KEPT = 100;
/** A leap of the scroll bar asks only once it rests for so long. */
const REST_MS = 60;
/** So many rows at once where all of a range are wanted, not only looked at. */
const BULK = 1000;

/**
 * @typedef {{ index: number, line?: number, isValid: boolean, errors: Record<string, string>, warnings: Record<string, string>,
 *   record: Record<string, any>, updated: Record<string, boolean>, said?: Record<string, any> }} Row
 */

export class Rows {
  /**
   * @param {(offset: number, limit: number, signal: AbortSignal) => Promise<{ rows: Row[], total: number }>} fetchRows
   * @param {() => void} onChange something that is shown may look otherwise now
   * @param {(error: unknown) => void} onError
   * @param {(first: number) => void} onStale rows from there on are in sight, and the list has to be fetched anew for them
   */
  constructor(fetchRows, onChange, onError, onStale) {
    this.fetchRows = fetchRows;
    this.onChange = onChange;
    this.onError = onError;
    this.onStale = onStale;
    /** Whether the server's list may have lost or moved rows that are shown here. */
    this.stale = false;
    this.total = 0;
    /** So many there will be when rows that were just typed in have arrived. */
    this.coming = 0;
    /** @type {Map<number, Row[]>} */
    this.pages = new Map();
    /** @type {Map<number, AbortController>} */
    this.asked = new Map();
    /** Cells that were changed here and are on their way to the server. @type {Map<number, Record<string, string>>} */
    this.pending = new Map();
    this.timer = 0;
    this.era = 0;
  }

  /** @param {number} position @returns {Row | undefined} */
  get(position) {
    const page = this.pages.get(Math.floor(position / PAGE));
    const row = page?.[position % PAGE];
    if (!row) return undefined;
    const changed = this.pending.get(row.index);
    return changed ? { ...row, record: { ...row.record, ...changed } } : row;
  }

  /** What stands between these positions is in sight. @param {number} first @param {number} last */
  show(first, last) {
    const from = Math.floor(first / PAGE), to = Math.floor(Math.min(last, this.total - 1) / PAGE);
    for (const [page, control] of this.asked) {
      if (page < from - 1 || page > to + 1) {
        control.abort();
        this.asked.delete(page);
      }
    }
    /** @type {number[]} */
    const missing = [];
    for (let page = from; page <= to; page++) {
      const rows = this.pages.get(page);
      if (rows) {
        this.pages.delete(page);
        this.pages.set(page, rows);
      } else if (!this.asked.has(page)) missing.push(page);
    }
    clearTimeout(this.timer);
    if (missing.length && this.stale) this.timer = setTimeout(() => this.onStale(first), REST_MS);
    else if (missing.length) this.timer = setTimeout(() => missing.forEach((page) => this.load(page)), this.pages.size ? REST_MS : 0);
  }

  /** @param {number} page */
  async load(page) {
    const control = new AbortController(), era = this.era;
    this.asked.set(page, control);
    try {
      const { rows, total } = await this.fetchRows(page * PAGE, PAGE, control.signal);
      if (era !== this.era) return;
      this.pages.set(page, rows);
      this.total = total;
      while (this.pages.size > KEPT) this.pages.delete(/** @type {number} */ (this.pages.keys().next().value));
    } catch (error) {
      if (!control.signal.aborted && era === this.era) this.onError(error);
    } finally {
      if (this.asked.get(page) === control) this.asked.delete(page);
      if (era === this.era) this.onChange();
    }
  }

  /** Everything anew (another filter, another order, a check that ended); resolves when the first page is there. */
  async reload(first = 0) {
    this.era++;
    for (const control of this.asked.values()) control.abort();
    this.asked.clear();
    const page = Math.floor(first / PAGE), era = this.era;
    const { rows, total } = await this.fetchRows(page * PAGE, PAGE, new AbortController().signal);
    if (era !== this.era) return;
    this.pages.clear();
    this.pages.set(page, rows);
    this.total = total;
    this.stale = false;
    this.onChange();
  }

  /** Where a row stands in what is here; -1 where it is not. @param {number} index */
  find(index) {
    for (const [page, rows] of this.pages) {
      const at = rows.findIndex((row) => row.index === index);
      if (at >= 0) return page * PAGE + at;
    }
    return -1;
  }

  /**
   * All rows from one position to another, those not here fetched for it alone. Positions are the server's: a stale list
   * must have been looked at anew before. @param {number} first @param {number} last @returns {Promise<Map<number, Row>>}
   */
  async between(first, last) {
    /** @type {Map<number, Row>} */
    const found = new Map();
    const missing = new Set();
    const end = Math.min(last, this.total - 1);
    for (let position = first; position <= end; position++) {
      const row = this.get(position);
      if (row) found.set(position, row);
      else missing.add(Math.floor(position / BULK));
    }
    for (const block of missing) {
      const { rows } = await this.fetchRows(block * BULK, BULK, new AbortController().signal);
      rows.forEach((row, at) => {
        const position = block * BULK + at;
        if (position >= first && position <= end && !found.has(position)) found.set(position, row);
      });
    }
    return found;
  }

  /** The server's word on rows that were just changed. @param {Row[]} rows */
  put(rows) {
    const byIndex = new Map(rows.map((row) => [row.index, row]));
    for (const page of this.pages.values()) {
      page.forEach((row, at) => {
        const now = byIndex.get(row.index);
        if (now) page[at] = { ...row, ...now };
      });
    }
    this.onChange();
  }

  /** The person's own text for some cells, shown until `settled`. @param {{ index: number, column: string, value: string }[]} cells */
  expect(cells) {
    for (const { index, column, value } of cells) this.pending.set(index, { ...this.pending.get(index), [column]: value });
  }

  /** These texts are the server's now, or given up; what was typed since stays. @param {{ index: number, column: string, value: string }[]} cells */
  settled(cells) {
    for (const { index, column, value } of cells) {
      const waiting = this.pending.get(index);
      if (!waiting || waiting[column] !== value) continue;
      const { [column]: _, ...others } = waiting;
      if (Object.keys(others).length) this.pending.set(index, others);
      else this.pending.delete(index);
    }
  }
}
