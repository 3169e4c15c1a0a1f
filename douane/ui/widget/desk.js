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

export class Desk {
  /** @param {any[]} shape the columns */
  constructor(shape) {
    this.shape = shape;
    this.look = signal(calls.everything());
    this.counts = signal(/** @type {any} */ (null));
    /** Changes on their way to the server. */
    this.busy = signal(0);
    /** A line that comes and goes: what was just done, and whether it can be taken back. */
    this.said = signal(/** @type {{ text: string, undo: boolean } | null} */ (null));
    /** Revisions of this person that can be undone, and those that were. @type {number[]} */
    this.done = [];
    /** @type {number[]} */
    this.undone = [];
    this.turns = signal({ undo: 0, redo: 0 });
    this.revision = 0;
    /** Drawn again whenever rows changed. */
    this.drawn = signal(0);
    /** Called when the rows on the screen should look otherwise. */
    this.onRows = () => {};
    this.rows = new Rows(
      async (offset, limit, aborted) => {
        const page = await calls.rows(this.look.peek(), offset, limit, aborted);
        return page;
      },
      () => {
        this.drawn.value++;
        this.onRows();
      },
      (error) => { problem.value = { text: sentence(error) }; },
    );
    /** Changes are sent one after the other, so that the server sees them in the person's order. @type {Promise<any>} */
    this.line = Promise.resolve();
  }

  /** Opens on what is wrong, or on everything where nothing is. */
  async open() {
    await this.count();
    if (this.counts.peek()?.invalidRecords) this.look.value = { ...calls.everything(), type: "invalid" };
    await this.rows.reload();
  }

  async count() {
    const found = await calls.counts(this.look.peek());
    this.take(found);
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
      await this.rows.reload();
      await this.count();
    });
  }

  /** Runs a change after those before it; answers what it made, or undefined where it failed. @param {() => Promise<any>} step */
  send(step) {
    this.busy.value++;
    const sent = this.line.then(() => attempt(step)).finally(() => { this.busy.value--; });
    this.line = sent.catch(() => {});
    return sent;
  }

  /** @param {number | undefined} revision @param {number} cells */
  did(revision, cells) {
    if (!revision) return;
    this.revision = Math.max(this.revision, revision);
    this.done.push(revision);
    this.undone = [];
    this.turns.value = { undo: this.done.length, redo: 0 };
    changes.value += cells;
  }

  /**
   * Cells the person changed. They are shown as changed at once, and as judged when the server answered. Rows behind the last
   * one are new. @param {Change[]} list
   */
  async edit(list) {
    /** @type {Map<number, Record<string, string>>} */
    const byRow = new Map();
    /** @type {{ index: number, column: string, value: string }[]} */
    const cells = [];
    /** @type {Map<number, Record<string, string>>} */
    const added = new Map();
    for (const { position, key, text } of list) {
      const row = this.rows.get(position);
      if (row) {
        cells.push({ index: row.index, column: key, value: text });
        byRow.set(row.index, { ...byRow.get(row.index), [key]: text });
      } else if (position >= this.rows.total) {
        added.set(position, { ...added.get(position), [key]: text });
      }
    }
    for (const [index, texts] of byRow) this.rows.pending.set(index, { ...this.rows.pending.get(index), ...texts });
    this.onRows();
    return this.send(async () => {
      try {
        if (added.size) await this.add([...added.values()]);
        if (!cells.length) return;
        const answer = await calls.change(cells, this.revision);
        this.did(answer.revision, cells.length);
        this.rows.put(answer.records ?? []);
        this.take({ ...answer.counts, revision: answer.revision });
        await this.settle();
      } catch (error) {
        for (const index of byRow.keys()) this.rows.pending.delete(index);
        if (error instanceof Refusal && error.status === 412) return this.conflict(error);
        this.onRows();
        throw error;
      }
    });
  }

  /** Somebody else was faster: theirs stands, and is shown. @param {Refusal} error */
  async conflict(error) {
    this.revision = error.body?.revision ?? this.revision;
    const first = error.body?.conflicts?.[0];
    await this.rows.reload();
    await this.count();
    problem.value = { text: t("ERRORS.CONFLICT", { value: first?.value ?? "", count: error.body?.conflicts?.length ?? 1 }) };
  }

  /** @param {Record<string, string>[]} records */
  async add(records) {
    const first = (upload.peek().totalRecords ?? 0) + 1;
    await calls.add(records.map((record, at) => ({ index: first + at, record })));
    changes.value += records.length;
    await this.count();
    await this.rows.reload(this.rows.total);
  }

  /** Where a filter no longer holds for a row it stays in sight until the person looks anew; only the numbers follow. */
  async settle() {
    const found = await calls.counts(this.look.peek());
    this.take(found);
  }

  /** @param {Set<number>} positions */
  async remove(positions) {
    const gone = [...positions].map((position) => this.rows.get(position)).filter((row) => row !== undefined);
    return this.send(async () => {
      const valid = gone.filter((row) => row.isValid).length;
      const answer = await calls.remove(gone.map((row) => row.index), valid, gone.length - valid);
      await this.anew(answer?.revision, gone.length, t("REVIEW.DELETED", { count: gone.length }));
    });
  }

  /** @param {any} what */
  async replace(what) {
    return this.send(async () => {
      const answer = await calls.replace(what, false);
      const cells = answer.cells ?? answer.modifiedCount;
      await this.anew(cells ? answer.revision : undefined, cells, t("REVIEW.REPLACED", { count: cells }));
    });
  }

  /** The same good value for all cells of a column that hold the same bad one. @param {string} column @param {string} from @param {string} to */
  async replaceAlike(column, from, to) {
    return this.replace({ find: from, replace: to, column, caseSensitive: true, matchEntireCell: true });
  }

  /** @param {number | undefined} revision @param {number} cells @param {string} text */
  async anew(revision, cells, text) {
    this.did(revision, cells);
    await this.count();
    await this.rows.reload(0);
    this.said.value = { text, undo: Boolean(revision) };
  }

  async undo() {
    const number = this.done.pop();
    if (number === undefined) return;
    await this.send(async () => {
      const answer = await calls.turn(number, "undo");
      this.undone.push(number);
      await this.turned(answer, "REVIEW.UNDONE");
    });
  }

  async redo() {
    const number = this.undone.pop();
    if (number === undefined) return;
    await this.send(async () => {
      const answer = await calls.turn(number, "redo");
      this.done.push(number);
      await this.turned(answer, "REVIEW.REDONE");
    });
  }

  /** @param {any} answer @param {string} text */
  async turned(answer, text) {
    this.revision = Math.max(this.revision, answer.revision);
    this.turns.value = { undo: this.done.length, redo: this.undone.length };
    await this.count();
    await this.rows.reload(0);
    const kept = answer.kept ? ` ${t("REVIEW.KEPT", { count: answer.kept })}` : "";
    this.said.value = { text: t(text, { count: answer.cells }) + kept, undo: false };
  }

  /**
   * The next cell with a problem, beyond what is loaded. Answers where it is in the list, or null.
   * @param {number} position @param {string} key @param {1 | -1} step
   */
  async nextProblem(position, key, step) {
    const row = this.rows.get(position);
    const keys = this.shape.map((column) => column.key);
    const at = keys.indexOf(key);
    const rest = step > 0 ? keys.slice(at + 1) : keys.slice(0, Math.max(0, at)).reverse();
    const within = row && rest.find((one) => row.errors?.[one]);
    if (within) return { position, key: within };
    const found = await calls.next(this.look.peek(), row?.index ?? 0, step > 0 ? "down" : "up");
    if (found.index === null) return null;
    const columns = keys.filter((one) => found.columns.includes(one));
    let place = found.position;
    if (this.look.peek().type !== "invalid") place = await this.positionOf(found.index, place);
    return { position: place, key: (step > 0 ? columns[0] : columns[columns.length - 1]) ?? keys[0] };
  }

  /** Where a row stands in the list that is looked at, which may hold more than problems. @param {number} index @param {number} most */
  async positionOf(index, most) {
    // In the order of the file positions grow with indexes: halve until it is found.
    let low = most, high = this.rows.total - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const page = Math.floor(middle / 100);
      if (!this.rows.get(middle)) await this.rows.load(page);
      const here = this.rows.get(middle)?.index ?? Infinity;
      if (here === index) return middle;
      if (here < index) low = middle + 1;
      else high = middle - 1;
    }
    return Math.min(low, Math.max(0, this.rows.total - 1));
  }
}
