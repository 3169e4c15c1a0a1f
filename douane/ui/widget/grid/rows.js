/**
 * Rows by position, fetched in pages as they come into sight. Pages that scroll past before their turn are never asked for;
 * requests that nobody waits for any more are ended.
 */

const PAGE = 100;
/** So many pages stay in memory, least recently seen first to go: some 10,000 rows. */
const KEPT = 100;
/** A leap of the scroll bar asks only once it rests for so long. */
const REST_MS = 60;

/**
 * @typedef {{ index: number, line?: number, isValid: boolean, errors: Record<string, string>, warnings: Record<string, string>,
 *   record: Record<string, any>, updated: Record<string, boolean>, said?: Record<string, any> }} Row
 */

export class Rows {
  /**
   * @param {(offset: number, limit: number, signal: AbortSignal) => Promise<{ rows: Row[], total: number }>} fetchRows
   * @param {() => void} onChange something that is shown may look otherwise now
   * @param {(error: unknown) => void} onError
   */
  constructor(fetchRows, onChange, onError) {
    this.fetchRows = fetchRows;
    this.onChange = onChange;
    this.onError = onError;
    this.total = 0;
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
    if (missing.length) this.timer = setTimeout(() => missing.forEach((page) => this.load(page)), this.pages.size ? REST_MS : 0);
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
    this.pending.clear();
    this.pages.set(page, rows);
    this.total = total;
    this.onChange();
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
    for (const row of rows) this.pending.delete(row.index);
    this.onChange();
  }
}
