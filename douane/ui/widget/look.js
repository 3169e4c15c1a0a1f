/**
 * The rows of an upload as the person looks at them: filtered, sorted, changed. All calls of the review screen stand here
 * (docs/wire-spreadsheet.md, "Beside the contract").
 */

import { Refusal } from "../client.js";
import { WORKBOOK } from "./flow.js";
import { columns, client, upload } from "./store.js";

/**
 * @typedef {{ type: "all" | "valid" | "invalid", problemColumn: string, rule: string, changed: boolean, find: string, findIn: string,
 *   sort: string, order: "up" | "down" }} Look
 */

/** @returns {Look} */
export function everything() {
  return { type: "all", problemColumn: "", rule: "", changed: false, find: "", findIn: "", sort: "", order: "up" };
}

const at = (/** @type {string} */ rest) => `/v1/review/${upload.value._id}${rest}`;

/** The filter as the server takes it; what says nothing is left out. @param {Look} look @returns {Record<string, string | boolean>} */
export function filterOf(look) {
  /** @type {Record<string, string | boolean>} */
  const filter = {};
  if (look.type !== "all") filter.type = look.type;
  for (const name of /** @type {const} */ (["problemColumn", "rule", "find", "findIn"])) if (look[name]) filter[name] = look[name];
  if (!look.find) delete filter.findIn;
  if (look.changed) filter.changed = true;
  return filter;
}

/** @param {Look} look */
function queryOf(look) {
  const query = new URLSearchParams(Object.entries(filterOf(look)).map(([name, value]) => [name, String(value)]));
  if (look.sort) {
    query.set("sort", look.sort);
    query.set("order", look.order);
  }
  return query;
}

/**
 * @param {Look} look
 * @param {number} offset a multiple of the limit
 * @param {number} limit
 * @param {AbortSignal} signal
 */
export async function rows(look, offset, limit, signal) {
  const query = queryOf(look);
  query.set("page", String(offset / limit + 1));
  query.set("limit", String(limit));
  const page = await client.value.call("GET", at(`/live?${query}`), undefined, { signal });
  let total = page.totalRecords;
  // How many a text is found in is counted apart; until then there are at least those that were found.
  if (total === null) total = (await counts(look, signal)).matchedRecords;
  return { rows: page.data, total };
}

/** @param {Look} look @param {AbortSignal} [signal] */
export async function counts(look, signal) {
  return client.value.call("GET", at(`/live/counts?${queryOf(look)}`), undefined, { signal });
}

/**
 * Changes cells, each judged at once. Tried again where the server did not answer: the same texts in the same cells twice are
 * the same as once. @param {{ index: number, column: string, value: string }[]} cells @param {number | null} revision the last
 * one that is known here: who changed one of these cells since is not overwritten; null: whoever did
 */
export async function change(cells, revision) {
  /** @type {Record<string, string>} */
  const headers = revision === null ? {} : { "If-Match": `"${revision}"` };
  return client.value.call("POST", at("/cells"), { cells }, { headers, tries: 4 });
}

/** The number that a new row gets: behind all that are there. @param {number} total of all rows */
export async function nextIndex(total) {
  if (!total) return 1;
  const last = await client.value.call("GET", at(`/live?page=${total}&limit=1`));
  return (last.data[0]?.index ?? total) + 1;
}

/** The number of the last revision, if it is of this kind: for calls of the contract, whose answer is empty. @param {string} kind */
export async function lastRevision(kind) {
  const [last] = (await revisions(1)).data;
  return last?.kind === kind ? /** @type {number} */ (last.revision) : undefined;
}

/** New rows, typed in by hand. @param {{ index: number, record: Record<string, string> }[]} added */
export async function add(added) {
  const body = added.map((row) => ({ ...row, updated: Object.fromEntries(Object.keys(row.record).map((key) => [key, true])) }));
  return client.value.call("PUT", at("/records"), body);
}

/** @param {number[]} indexes @param {number} valid @param {number} invalid */
export async function remove(indexes, valid, invalid) {
  return client.value.call("POST", at("/delete-records"), { indexes, valid, invalid });
}

/** @param {Look} look all rows that are looked at */
export async function removeAll(look) {
  return client.value.call("POST", at("/delete-records"), { filter: filterOf(look) });
}

/**
 * @param {{ find: string, replace: string, column: string, caseSensitive: boolean, matchEntireCell: boolean }} what
 * @param {boolean} dryRun only say what would happen
 * @param {AbortSignal} [signal]
 */
export async function replace(what, dryRun, signal) {
  return client.value.call("PUT", at("/replace"), { ...what, dryRun }, { signal });
}

/** What would mend a column, by distinct bad text, the most frequent first. @param {string} column @param {number} limit @param {AbortSignal} [signal] */
export async function mendings(column, limit, signal) {
  return client.value.call("GET", at(`/suggestions?${new URLSearchParams({ column, limit: String(limit), all: "true" })}`), undefined, { signal });
}

/** Good texts in place of bad ones, wherever the column's cells are bad. @param {string} column @param {Record<string, string>} instead */
export async function mend(column, instead) {
  return client.value.call("POST", at("/suggestions"), { column, instead });
}

/** @param {number} number @param {"undo" | "redo"} way */
export async function turn(number, way) {
  return client.value.call("POST", at(`/revisions/${number}/${way}`));
}

/** All changes, newest first, with how many there are. @param {number} limit */
export async function revisions(limit) {
  return client.value.call("GET", at(`/revisions?limit=${limit}`));
}

/** The file's values of a column beside the template's, bad ones first. @param {string} column @param {number} limit @param {AbortSignal} [signal] */
export async function values(column, limit, signal) {
  return client.value.call("GET", at(`/values?${new URLSearchParams({ column, limit: String(limit) })}`), undefined, { signal });
}

/** Which values stand for which; remembered for the next file. @param {string} column @param {Record<string, string>} instead */
export async function mapValues(column, instead) {
  return client.value.call("POST", at("/values"), { column, instead });
}

/** What a workbook that came back would change; changes nothing. @param {File} file */
export async function compare(file) {
  return client.value.send(`/v1/upload/${upload.value._id}/workbook`, { file }, () => {});
}

/** @param {string} difference as `compare` named it @param {Record<string, string>} how */
export async function takeWorkbook(difference, how) {
  return client.value.call("POST", `/v1/upload/${upload.value._id}/workbook/${difference}`, how);
}

/** The rows in a workbook to be mended, their problems beside them. @param {"all" | "invalid"} type */
export async function workbook(type) {
  return client.value.download(`/v1/upload/${upload.value._id}/workbook?type=${type}`, "*/*");
}

/** @param {number} index @param {string} column @param {AbortSignal} [signal] */
export async function history(index, column, signal) {
  return client.value.call("GET", at(`/history?${new URLSearchParams({ index: String(index), column })}`), undefined, { signal });
}

/** The next row of a look from there, in the order of the file. @param {Look} look @param {number} from an index @param {"down" | "up"} direction */
export async function next(look, from, direction) {
  const query = queryOf({ ...look, sort: "" });
  query.set("type", look.type);
  query.set("from", String(from));
  query.set("direction", direction);
  return client.value.call("GET", at(`/live/next?${query}`));
}

/** What would make a cell good; nothing where nobody can say. @param {number} index @param {string} column @param {AbortSignal} [signal] */
export async function suggestions(index, column, signal) {
  try {
    return (await client.value.call("GET", at(`/suggestions?${new URLSearchParams({ index: String(index), column })}`), undefined, { signal })).suggestions ?? [];
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return [];
    throw error;
  }
}

/** The columns as this upload has them, frozen ones first. */
export async function shape() {
  const found = await client.value.call("GET", `/v1/upload/${upload.value._id}/columns`);
  const says = new Map(columns.value.map((column) => [column.key, column.says]));
  return found.map((/** @type {any} */ column) => ({ says: says.get(column.key), ...column }));
}


/**
 * Rows as a file, as they stand now. Those with problems come with their line and what is wrong, which a review writes: it is
 * asked for first. @param {"all" | "valid" | "invalid"} type @param {"csv" | "xlsx"} format
 */
export async function download(type, format) {
  if (type !== "invalid") return client.value.download(at(`/live/download?${new URLSearchParams({ type, format })}`), "*/*");
  await client.value.call("POST", at(""), undefined, { tries: 3 });
  return client.value.download(`/v1/upload/${upload.value._id}/rows/invalid`, TYPES[format]);
}

const TYPES = { csv: "text/csv", xlsx: WORKBOOK };
