/**
 * The person's desk in a review: what they look at, what they changed, what can be taken back. One for each upload; the
 * screen draws its signals and calls its verbs, the grid or the cards draw its rows.
 */

import { Refusal } from "../client.js";
import { attempt, sentence } from "./flow.js";
import { Rows } from "./grid/rows.js";
import { signal } from "./kit.js";
import * as calls from "./look.js";
import { changes, problem, upload } from "./store.js";
import { t } from "./text.js";

/** @typedef {import("./look.js").Look} Look */
/** @typedef {{ position: number, key: string, text: string }} Change */
/** @typedef {{ index: number, column: string, value: string }} Cell */

/** The server takes so many cells at once. */
const CELLS = 10_000;
/** So long after a change that could not be sent it is tried again by itself. */
const AGAIN_MS = 10_000;
/** In a sorted list the next problem is looked for in so many pages. */
const PAGES_LOOKED_AT = 30;

export class Desk {
  constructor() {
    /** The columns. @type {any[]} */
    this.shape = [];
    this.id = upload.peek()?._id;
    this.look = signal(calls.everything());
    this.counts = signal(/** @type {any} */ (null));
    /** Changes on their way to the server. */
    this.busy = signal(0);
    /** A line that comes and goes: what was just done, and whether it can be taken back. */
    this.said = signal(/** @type {{ text: string, undo: boolean } | null} */ (null));
    /** What this person did, newest last, each the revisions that it took; and what of it was undone. @type {number[][]} */
    this.done = [];
    /** @type {number[][]} */
    this.undone = [];
    this.turns = signal({ undo: 0, redo: 0 });
    this.revision = 0;
    /** Drawn again whenever rows changed. */
    this.drawn = signal(0);
    /** Called when the rows on the screen should look otherwise; and when another row should be the first one in sight. */
    this.onRows = () => {};
    this.onTop = (/** @type {number} */ _position) => {};
    this.rows = new Rows(
      (offset, limit, aborted) => calls.rows(this.look.peek(), offset, limit, aborted),
      () => {
        this.drawn.value++;
        this.onRows();
      },
      (error) => { problem.value = { text: sentence(error), retry: () => { problem.value = null; this.onRows(); } }; },
      (first) => { attempt(() => this.anewFrom(first)); },
    );
    /** Cells that the server did not take yet, because it did not answer; they go along with whatever is sent next. @type {Cell[]} */
    this.unsent = [];
    this.waiting = signal(0);
    this.timer = 0;
    /** Changes are sent one after the other, so that the server sees them in the person's order. @type {Promise<any>} */
    this.line = Promise.resolve();
  }

  /** Opens on what is wrong, or on everything where nothing is: all at once, for the last review's count tells which most often. */
  async open() {
    /** @param {any} counts @returns {"invalid" | "all"} */
    const opensOn = (counts) => (counts?.invalidRecords ? "invalid" : "all");
    const type = opensOn(upload.peek());
    this.look.value = { ...calls.everything(), type };
    const rows = this.rows.reload();
    const [shape, counts] = await Promise.all([calls.shape(), calls.counts(calls.everything()), rows]);
    this.shape = shape;
    this.take(counts);
    if (opensOn(counts) === type) return;
    this.look.value = { ...calls.everything(), type: opensOn(counts) };
    await this.rows.reload();
  }

  async count() {
    this.take(await calls.counts(this.look.peek()));
  }

  /** @param {any} counts */
  take(counts) {
    if (!counts) return;
    this.counts.value = { ...this.counts.peek(), ...counts };
    if (counts.revision !== undefined) this.revision = Math.max(this.revision, counts.revision);
    upload.value = { ...upload.peek(), totalRecords: counts.totalRecords, validRecords: counts.validRecords, invalidRecords: counts.invalidRecords };
  }

  /** @param {Partial<Look>} change */
  async show(change) {
    this.look.value = { ...this.look.peek(), ...change };
    await attempt(async () => {
      await this.line;
      await this.rows.reload();
      await this.count();
    });
  }

  /** Whether a changed row may drop out of what is looked at, or stand elsewhere in it. */
  get shifting() {
    const look = this.look.peek();
    return look.type !== "all" || Boolean(look.problemColumn || look.rule || look.changed || look.find || look.sort);
  }

  /** The list anew, with the row that was first in sight still there. @param {number} first */
  async anewFrom(first) {
    let row;
    for (let position = first; !row && position >= Math.max(0, first - 200); position--) row = this.rows.get(position);
    const look = this.look.peek();
    let place = first;
    if (row && !look.sort) place = (await calls.next(look, row.index - 1, "down")).position ?? first;
    await this.rows.reload(place);
    this.onTop(Math.min(place, Math.max(0, this.rows.total - 1)));
  }

  /** Runs a change after those before it; answers true, or undefined where it failed. @param {() => Promise<any>} step */
  send(step) {
    this.busy.value++;
    const done = () => attempt(async () => {
      await step();
      return true;
    });
    const sent = this.line.then(done).finally(() => { this.busy.value--; });
    this.line = sent.catch(() => {});
    return sent;
  }

  /** @param {number | number[] | undefined} revisions of one act @param {number} cells */
  did(revisions, cells) {
    const made = [revisions ?? []].flat().filter(Boolean);
    if (!made.length) return;
    this.revision = Math.max(this.revision, ...made);
    this.done.push(made);
    this.undone = [];
    this.turns.value = { undo: this.done.length, redo: 0 };
    changes.value += cells;
  }

  /**
   * Cells the person changed. They are shown as changed at once, and as judged when the server answered. Rows behind the last
   * one are new. What the server did not take stays on the screen, to be sent again. @param {Change[]} list
   */
  edit(list) {
    const there = list.filter(({ position }) => position < this.rows.total);
    const added = list.filter(({ position }) => position >= this.rows.total);
    if (added.length) this.rows.coming = Math.max(this.rows.coming, most(added.map(({ position }) => position)) + 1);
    const known = there.every(({ position }) => this.rows.get(position));
    if (known) this.rows.expect(this.cellsOf(there, this.rows));
    this.onRows();
    const rows = /** @type {Map<number, any>} */ (new Map());
    if (known) for (const { position } of there) rows.set(position, this.rows.get(position));
    return this.send(async () => {
      // Of a new row that is typed cell by cell the first made it meanwhile.
      const late = added.filter(({ position }) => position < this.rows.total), fresh = added.filter((one) => !late.includes(one));
      if (fresh.length) await this.add(fresh);
      if (late.length) {
        const places = late.map(({ position }) => position);
        await this.change(this.cellsOf(late, await this.rows.between(least(places), most(places))));
      }
      if (this.busy.peek() === 1) this.rows.coming = 0;
      if (!there.length) return;
      if (!known) {
        if (this.rows.stale) await this.anewFrom(Math.min(...there.map(({ position }) => position)));
        const places = there.map(({ position }) => position);
        for (const [position, row] of await this.rows.between(least(places), most(places))) rows.set(position, row);
        this.rows.expect(this.cellsOf(there, rows));
        this.onRows();
      }
      const before = this.counts.peek()?.invalidRecords ?? 0;
      await this.change(this.cellsOf(there, rows));
      if (there.length > 1) this.said.value = { text: t("REVIEW.REPLACED", { count: there.length }), undo: true };
      if (before && !this.counts.peek()?.invalidRecords) this.said.value = { text: t("REVIEW.CLEAN"), undo: false };
    });
  }

  /** @param {Change[]} list @param {{ get(position: number): any }} rows @returns {Cell[]} */
  cellsOf(list, rows) {
    return list.flatMap(({ position, key, text }) => {
      const row = rows.get(position);
      return row ? [{ index: row.index, column: key, value: text }] : [];
    });
  }

  /** @param {Cell[]} given @param {boolean} [mine] also where somebody else changed them meanwhile */
  async change(given, mine = false) {
    const cells = latest([...this.unsent, ...given]);
    this.keep([]);
    const made = [];
    for (let from = 0; from < cells.length; from += CELLS) {
      const some = cells.slice(from, from + CELLS);
      try {
        const answer = await calls.change(some, mine ? null : this.revision);
        if (answer.revision > this.revision) made.push(answer.revision);
        this.revision = Math.max(this.revision, answer.revision);
        this.rows.settled(some);
        this.rows.put(answer.records ?? []);
        this.take({ ...answer.counts, revision: answer.revision });
      } catch (error) {
        this.did(made, from);
        return this.refused(error, cells.slice(from));
      }
    }
    // Where a filter no longer holds for a row it stays in sight until the person looks anew; only the numbers follow.
    if (this.shifting) this.rows.stale = true;
    this.did(made, cells.length);
    this.onRows();
  }

  /** What was typed stays, unless it can never be taken. @param {unknown} error @param {Cell[]} cells */
  async refused(error, cells) {
    if (error instanceof Refusal && error.status === 412) return this.conflict(error, cells);
    if (!(error instanceof Refusal) || (!error.passing && error.status !== 401)) {
      this.rows.settled(cells);
      this.onRows();
      throw error;
    }
    this.keep(cells);
    this.onRows();
    const again = () => {
      problem.value = null;
      if (this.unsent.length) this.send(() => this.change([]));
    };
    problem.value = { text: `${sentence(error)} ${t("ERRORS.KEPT")}`, retry: again };
    if (error.passing) this.timer = setTimeout(() => { if (upload.peek()?._id === this.id) again(); }, AGAIN_MS);
  }

  /** @param {Cell[]} cells that are to be sent with the next */
  keep(cells) {
    clearTimeout(this.timer);
    this.unsent = cells;
    this.waiting.value = cells.length;
  }

  /** Somebody else was faster: theirs is shown, and the person says whose stays. @param {Refusal} error @param {Cell[]} cells */
  async conflict(error, cells) {
    /** @type {any[]} */
    const theirs = error.body?.conflicts ?? [];
    this.revision = error.body?.revision ?? this.revision;
    const name = (/** @type {{ index: number, column: string }} */ cell) => `${cell.index} ${cell.column}`;
    const taken = new Map(theirs.map((cell) => [name(cell), cell.value ?? ""]));
    // An answer that was lost on its way is no conflict: the cells hold just what was sent.
    const lost = cells.filter((cell) => taken.has(name(cell)) && taken.get(name(cell)) !== cell.value);
    const rest = cells.filter((cell) => !taken.has(name(cell)));
    this.rows.settled(cells);
    if (rest.length) {
      this.rows.expect(rest);
      await this.change(rest);
    }
    await this.rows.reload();
    await this.count();
    if (!lost.length) return;
    problem.value = {
      text: t("ERRORS.CONFLICT", { value: String(taken.get(name(lost[0])) ?? "").slice(0, 100), count: lost.length }),
      retry: () => { problem.value = null; this.send(() => this.change(lost, true)); },
      again: t("ERRORS.USE_MINE"),
    };
  }

  /** New rows behind the last one. @param {Change[]} list */
  async add(list) {
    /** @type {Map<number, Record<string, string>>} */
    const records = new Map();
    for (const { position, key, text } of list) records.set(position, { ...records.get(position), [key]: text });
    const first = await calls.nextIndex(this.counts.peek()?.totalRecords ?? 0);
    const made = [...records.keys()].sort((one, other) => one - other).map((position, at) => ({ index: first + at, record: records.get(position) ?? {} }));
    await calls.add(made);
    this.did(await calls.lastRevision("add"), made.length);
    await this.count();
    await this.rows.reload(this.rows.total);
  }

  /** @param {Set<number> | "all"} positions `all`: of what is looked at */
  remove(positions) {
    if (positions === "all") {
      return this.send(async () => {
        const answer = await calls.removeAll(this.look.peek());
        await this.anew(answer.revision, answer.records, t("REVIEW.DELETED", { count: answer.records }));
      });
    }
    const gone = [...positions].map((position) => this.rows.get(position)).filter((row) => row !== undefined);
    return this.send(async () => {
      const valid = gone.filter((row) => row.isValid).length;
      await calls.remove(gone.map((row) => row.index), valid, gone.length - valid);
      await this.anew(await calls.lastRevision("delete"), gone.length, t("REVIEW.DELETED", { count: gone.length }));
    });
  }

  /** @param {any} what */
  replace(what) {
    return this.send(async () => {
      const answer = await calls.replace(what, false);
      const cells = answer.cells ?? answer.modifiedCount;
      await this.anew(cells ? answer.revision : undefined, cells, t("REVIEW.REPLACED", { count: cells }));
    });
  }

  /** Good texts in place of bad ones, in all bad cells of the column. @param {string} column @param {Record<string, string>} instead */
  mendAlike(column, instead) {
    return this.send(async () => {
      const answer = await calls.mend(column, instead);
      await this.anew(answer.cells ? answer.revision : undefined, answer.cells, t("REVIEW.REPLACED", { count: answer.cells }));
    });
  }

  /** Which values of a column stand for which, in all its cells. @param {string} column @param {Record<string, string>} instead */
  mapValues(column, instead) {
    return this.send(async () => {
      const answer = await calls.mapValues(column, instead);
      await this.anew(answer.cells ? answer.revision : undefined, answer.cells, t("REVIEW.REPLACED", { count: answer.cells }));
    });
  }

  /** @param {string} difference @param {Record<string, string>} how */
  takeWorkbook(difference, how) {
    return this.send(async () => {
      const answer = await calls.takeWorkbook(difference, how);
      await this.anew(answer.revision || undefined, answer.cells, t("REVIEW.REPLACED", { count: answer.cells }));
    });
  }

  /** Takes one change back, whoever made it, or puts it back. @param {number} number @param {"undo" | "redo"} way */
  turnOne(number, way) {
    return this.send(async () => {
      const answer = await calls.turn(number, way);
      this.revision = Math.max(this.revision, answer.revision);
      // It is not to be taken back once more by Ctrl+Z.
      const others = (/** @type {number[][]} */ acts) => acts.filter((act) => !act.includes(number));
      this.done = others(this.done);
      this.undone = others(this.undone);
      this.turns.value = { undo: this.done.length, redo: this.undone.length };
      await this.count();
      await this.rows.reload(0);
    });
  }

  /** @param {number | undefined} revision @param {number} cells @param {string} text */
  async anew(revision, cells, text) {
    const before = this.counts.peek()?.invalidRecords ?? 0;
    this.did(revision, cells);
    await this.count();
    await this.rows.reload(0);
    this.said.value = { text: before && !this.counts.peek()?.invalidRecords ? `${text}. ${t("REVIEW.CLEAN")}` : text, undo: Boolean(revision) };
  }

  undo() {
    return this.turn("undo", this.done, this.undone);
  }

  redo() {
    return this.turn("redo", this.undone, this.done);
  }

  /** @param {"undo" | "redo"} way @param {number[][]} from @param {number[][]} to */
  async turn(way, from, to) {
    await this.send(async () => {
      const act = from.pop();
      if (!act) return;
      let cells = 0, kept = 0;
      try {
        for (const number of way === "undo" ? [...act].reverse() : act) {
          const answer = await calls.turn(number, way);
          this.revision = Math.max(this.revision, answer.revision);
          cells += answer.cells;
          kept += answer.kept;
        }
      } catch (error) {
        if (error instanceof Refusal && error.passing) from.push(act);
        throw error;
      } finally {
        this.turns.value = { undo: this.done.length, redo: this.undone.length };
      }
      to.push(act);
      this.turns.value = { undo: this.done.length, redo: this.undone.length };
      await this.count();
      await this.rows.reload(0);
      const more = kept ? ` ${t("REVIEW.KEPT", { count: kept })}` : "";
      this.said.value = { text: t(way === "undo" ? "REVIEW.UNDONE" : "REVIEW.REDONE", { count: cells }) + more, undo: false };
    });
  }

  /**
   * The next cell with a problem, beyond what is loaded. Answers where it is in the list, or null.
   * @param {number} position @param {string} key @param {1 | -1} step
   */
  async nextProblem(position, key, step) {
    await this.line;
    const row = this.rows.get(position);
    const keys = this.shape.map((column) => column.key);
    const at = keys.indexOf(key);
    const within = row && (step > 0 ? keys.slice(at + 1) : keys.slice(0, Math.max(0, at)).reverse()).find((one) => row.errors?.[one]);
    if (within) return { position, key: within };
    const edge = (/** @type {string[]} */ bad) => (step > 0 ? bad[0] : bad[bad.length - 1]) ?? keys[0];
    const look = this.look.peek();
    if (look.sort) {
      const place = await this.nextLoaded(position, step);
      const errors = place === null ? {} : this.rows.get(place)?.errors ?? {};
      return place === null ? null : { position: place, key: edge(keys.filter((one) => errors[one])) };
    }
    const found = await calls.next({ ...look, type: "invalid" }, row?.index ?? 0, step > 0 ? "down" : "up");
    if (found.index === null) return null;
    const cell = edge(keys.filter((one) => found.columns.includes(one)));
    const here = this.rows.find(found.index);
    if (here >= 0) return { position: here, key: cell };
    const place = look.type === "invalid" ? found.position : (await calls.next(look, found.index - 1, "down")).position;
    if (this.rows.stale || !this.rows.get(place)) await this.rows.reload(place);
    return { position: place, key: cell };
  }

  /** In a sorted list, whose order the server's `next` does not know: page by page. @param {number} position @param {1 | -1} step */
  async nextLoaded(position, step) {
    let pages = 0;
    for (let place = position + step; place >= 0 && place < this.rows.total; place += step) {
      if (!this.rows.get(place)) {
        if (++pages > PAGES_LOOKED_AT) return null;
        await this.rows.load(Math.floor(place / 100));
      }
      if (Object.keys(this.rows.get(place)?.errors ?? {}).length) return place;
    }
    return null;
  }
}

/** Of several texts for one cell the last. @param {Cell[]} cells @returns {Cell[]} */
function latest(cells) {
  return [...new Map(cells.map((cell) => [`${cell.index} ${cell.column}`, cell])).values()];
}

/** Of many numbers, more than a call takes arguments. @param {number[]} numbers */
function least(numbers) {
  return numbers.reduce((one, other) => Math.min(one, other));
}

/** @param {number[]} numbers */
function most(numbers) {
  return numbers.reduce((one, other) => Math.max(one, other));
}
