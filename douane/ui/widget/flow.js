/**
 * The way of a file, from the drop to the end: calls, decisions and what the host hears. Screens call these functions and
 * draw what `store.js` then holds. A step is shown only where a person must decide; all can be opened again.
 */

import { Client, newId, Refusal } from "../client.js";
import { embedded, hostOrigin, say, sayStatus } from "./host.js";
import { batch } from "./kit.js";
import { fromTable, toTable } from "./grid/clipboard.js";
import { changes, client, columns, config, file, images, lost, mapping, options, phase, problem, progress, reading, template, templates, typed, upload } from "./store.js";
import { choose as language, duration, known, number, replaced, size, speak, spoken, t } from "./text.js";
import { dress } from "./dress.js";

/** Fields of the upload that say how its file is to be read. */
const READING = ["selectedSheetName", "headerLine", "encoding", "delimiter", "quote"];
export const WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/** Where a person has begun something that must not be lost. */
const UNDER_WAY = new Set(["sheet", "heading", "mapping", "checking", "review"]);

/** Ends whatever the screen before was still waiting for. */
let work = new AbortController();
/** Which opening this is: answers to an earlier one are not for us any more. */
let opening = 0;
/** Opens the import link anew, where there is one. @type {(() => Promise<void>) | null} */
let reopen = null;
/** What waits for another token of the host's. @type {((token: string) => void) | null} */
let renewal = null;
/** So long a host may take to get one. */
const RENEWAL_MS = 20_000;

/** @param {Record<string, any>} given what the host sent, or the page itself */
export async function open(given) {
  if (goesOn(given)) return;
  const mine = ++opening;
  stop();
  renewal = null;
  batch(() => {
    options.value = given;
    client.value = new Client({ token: given.accessToken ?? "", host: hostOrigin() });
    if (embedded) client.value.renew = askHost;
    phase.value = "starting";
    problem.value = null;
    upload.value = null;
    mapping.value = [];
    file.value = null;
    images.value = { files: {}, importId: "" };
    reading.value = null;
    typed.value = false;
    changes.value = 0;
  });
  dress(given);
  // The words come while the server is asked; nothing is said before they are there.
  const words = speak(language(given.locale), given.texts);
  const found = ask();
  found.catch(() => {});
  await words;
  if (mine === opening) await start(found);
}

/** Tells the host that its token is good no more; one that said it has others (`renews`) is waited for. @returns {Promise<string>} */
function askHost() {
  /** @type {((token: string) => void) | null} */
  let mine = null;
  return /** @type {Promise<string>} */ (new Promise((resolve, reject) => {
    renewal = mine = resolve;
    say("AUTHENTICATION_ERROR", { message: t("ERRORS.NOT_ALLOWED") });
    setTimeout(reject, options.peek().renews ? RENEWAL_MS : 0);
  })).finally(() => { if (renewal === mine) renewal = null; });
}

/**
 * A host that shows an open widget again, as it does to hand over a new key where the old one has expired, loses nothing of what
 * the person has done: only what it says anew is taken. @param {Record<string, any>} given
 */
function goesOn(given) {
  const now = options.peek();
  const waiting = problem.peek()?.retry;
  if (!(renewal || UNDER_WAY.has(phase.peek()) || (file.peek() && waiting)) || (given.templateId ?? "") !== (now.templateId ?? "") || given.uuid !== now.uuid || asText(given.schema) !== asText(now.schema)) return false;
  batch(() => {
    options.value = { ...now, ...given };
    client.value.token = given.accessToken ?? client.value.token;
  });
  dress(options.value);
  if (renewal) {
    renewal(client.value.token);
    return true;
  }
  problem.value = null;
  waiting?.();
  return true;
}

/** Opens what an import link is for; the link's own secret is asked with once, and a token used from then on.
 * @param {string} link @param {Record<string, any>} given */
export async function openLink(link, given) {
  const mine = ++opening;
  stop();
  problem.value = null;
  reopen = () => openLink(link, given);
  options.value = given;
  phase.value = "starting";
  dress(given);
  await speak(language(given.locale), given.texts);
  try {
    const held = await new Client().call("POST", "/v1/link/open", { link }, { tries: 3 });
    if (mine !== opening) return;
    const { projectId, templateId, uploadId, token } = held;
    await open({ ...given, projectId, templateId, uploadId: uploadId ?? undefined, accessToken: token });
    // The token ends long before the link: who left the page open gets another one.
    if (mine + 1 === opening) client.value.renew = async () => (await new Client().call("POST", "/v1/link/open", { link })).token;
  } catch (error) {
    if (mine !== opening) return;
    // Why a link is good for nothing any more, the server says.
    if (error instanceof Refusal && [401, 404].includes(error.status)) {
      problem.value = { text: failure(error) || (spoken() === "en" && error.message) || t("FAILURES.LINK_OVER"), retry: undefined };
      phase.value = "refused";
    } else refuse(error, () => openLink(link, given));
  }
}

/** Whether all fits together, what may be shown, and which templates there are; all at once. */
async function ask() {
  const given = options.value;
  const project = given.projectId ?? (await client.value.call("GET", "/v1/project"))?.[0]?._id;
  const query = new URLSearchParams({ projectId: project, ...(given.templateId ? { templateId: given.templateId } : {}) });
  const body = { projectId: project, templateId: given.templateId, schema: asText(given.schema) };
  const [, settings, all, own] = await Promise.all([
    client.value.call("POST", "/v1/common/valid", body, { tries: 3 }),
    client.value.call("GET", `/v1/common/import-config?${query}`),
    client.value.call("GET", `/v1/project/${project}/templates`),
    given.templateId && !runtimeColumns() ? client.value.call("GET", `/v1/template/${given.templateId}/columns`) : null,
  ]);
  return { project, settings, all, own };
}

/** Finds the template, and what it asks for. @param {ReturnType<typeof ask>} [found] */
async function start(found = ask()) {
  phase.value = "starting";
  problem.value = null;
  const mine = opening;
  try {
    const { project, settings, all, own } = await found;
    if (mine !== opening) return;
    options.value = { ...options.value, projectId: project };
    config.value = settings;
    templates.value = all;
    const wanted = all.find((/** @type {any} */ one) => one._id === options.value.templateId) ?? (all.length === 1 ? all[0] : null);
    if (!wanted) {
      phase.value = "choose";
      return;
    }
    await take(wanted, own);
  } catch (error) {
    if (mine === opening) refuse(error, () => start());
  }
}

/** @param {any} chosen a template @param {any[] | null} [own] its columns, where they are here already */
export async function take(chosen, own = null) {
  try {
    template.value = chosen;
    columns.value = runtimeColumns() ?? own ?? await client.value.call("GET", `/v1/template/${chosen._id}/columns`);
    const named = options.value.uploadId ?? config.value?.uploadId;
    const kept = typeof named === "string" ? named : options.value.file ? null : remembered();
    if (kept) {
      const found = await client.value.call("GET", `/v1/upload/${kept}`).catch(() => null);
      if (found && ["Uploaded", "Mapping", "Mapped", "Reviewing"].includes(found.status) && found._templateId === chosen._id) {
        upload.value = found;
        await goOn();
        return;
      }
      forget();
    }
    begin();
    if (options.value.file instanceof File) await send(options.value.file);
  } catch (error) {
    refuse(error, () => take(chosen));
  }
}

/** The host's own columns in place of the template's; null where there are none, or an empty list. @returns {any[] | null} */
function runtimeColumns() {
  let { schema } = options.value;
  try {
    if (typeof schema === "string") schema = JSON.parse(schema);
  } catch {
    return null; // the server says so
  }
  return Array.isArray(schema) && schema.length ? schema : null;
}

/** The first screen: images where there are columns of them, else the file. */
function begin() {
  phase.value = columns.value.some((column) => column.type === "Image") ? "images" : "drop";
}

/** @param {unknown} error @param {() => void} retry */
function refuse(error, retry) {
  problem.value = { text: sentence(error), retry: error instanceof Refusal && !error.passing ? undefined : retry };
  phase.value = "refused";
}

/** What the server says in English, whatever is spoken here; its guard in words of another product. @type {[RegExp, string][]} */
const SAID = [
  [/^`?You may landed to wrong place, .*(already|confirmed)/, "ERRORS.ENDED"],
  [/^Upload information not found|^There is no such upload/, "ERRORS.GONE"],
];

/** What a person can do with a failure. @param {unknown} error */
export function sentence(error) {
  if (error instanceof Refusal) {
    const most = error.status < 500 && /^You can not import .*more than ([\d.]+[kMG]?)/.exec(error.message);
    if (most) return `${t("PHASE3.MAX_RECORD_LIMIT_ERROR_TITLE")}. ${t("PHASE3.MAX_RECORD_LIMIT_ERROR", { records: Number(options.value.maxRecords) || most[1] })}`;
    const said = error.status < 500 && SAID.find(([one]) => one.test(error.message));
    if (said) return t(said[1]);
    const own = failure(error);
    if (own) return own;
    if (error.status === 0) return t("ERRORS.NO_ANSWER");
    if (error.status === 401) return t("ERRORS.NOT_ALLOWED");
    if (error.status === 413) return error.message || t("ERRORS.TOO_LARGE");
    if (error.status === 429) return t("ERRORS.TOO_MANY");
    if (error.status >= 500) return t("ERRORS.SERVER");
    return error.message || t("ERRORS.SERVER");
  }
  return t("ERRORS.OURS", { detail: error instanceof Error ? error.message : String(error) });
}

/** These two sentences of the contract say less than ours. */
const BARE = /^File (is empty|type is not supported)\.?$/;

/** In English the server's own sentence, which knows more than what kind of failure it is. @param {Refusal} error */
function failure({ message, body }) {
  const name = `FAILURES.${String(body?.code ?? "").toUpperCase()}`;
  if (!known(name)) return "";
  if (body.code === "file_type" && replaced("PHASE1.SELECT_FILE_FORMAT_MSG")) return t("PHASE1.SELECT_FILE_FORMAT_MSG");
  // Which setting it is concerns nobody here.
  const detail = String(body.detail ?? message ?? "").replace(/ \(setting \w+\)$/, "");
  return spoken() === "en" && detail && !BARE.test(detail) ? detail : t(name);
}

/** Runs a step; what goes wrong is said above the screen, which stays as it is. @param {() => Promise<any>} step */
export async function attempt(step) {
  problem.value = null;
  try {
    return await step();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return undefined;
    // Of an import that somebody else has ended nothing is left to do but to begin anew.
    const over = error instanceof Refusal && error.status === 400 && SAID[0][0].test(error.message);
    if (over) problem.value = { text: sentence(error), retry: restart, again: t("COMMON.UPLOAD_AGAIN") };
    else problem.value = { text: sentence(error), retry: isWorthIt(error) ? () => attempt(step) : undefined };
    return undefined;
  }
}

/** Whether the same may succeed later, or with another key. @param {unknown} error */
function isWorthIt(error) {
  return error instanceof Refusal && (error.passing || error.status === 401);
}

function stop() {
  work.abort(new DOMException("stopped", "AbortError"));
  work = new AbortController();
  return work.signal;
}

/** @param {unknown} value */
function asText(value) {
  if (value === undefined || value === null || value === "") return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}

// --- the file ------------------------------------------------------------------------------------------------------

function fields() {
  const given = options.value;
  /** @type {Record<string, string>} */
  const form = {};
  for (const name of ["schema", "output", "extra"]) {
    const text = asText(given[name]);
    if (text !== undefined) form[name] = text;
  }
  if (typeof given.authHeaderValue === "string") form.authHeaderValue = given.authHeaderValue;
  if (given.maxRecords) form.maxRecords = String(given.maxRecords);
  if (images.value.importId) Object.assign(form, imageFields());
  // How the file is read, where the host knows better than what the file shows.
  for (const name of READING) if (typeof given.reading?.[name] === "string" && given.reading[name]) form[name] = given.reading[name];
  return form;
}

function imageFields() {
  const named = Object.entries(images.value.files).filter(([, files]) => files.length).map(([key, files]) => [key, files.map((one) => one.name)]);
  return { importId: images.value.importId, imageSchema: JSON.stringify(Object.fromEntries(named)) };
}

/** Sends the images, and saves the sample whose lists name them. */
export async function takeImages() {
  const { zip } = await import("./zip.js");
  const files = new Map(Object.values(images.value.files).flat().map((one) => [one.name, one]));
  const form = new FormData(), { data, schema } = options.value;
  images.value = { ...images.value, importId: newId() };
  try {
    for (const [name, value] of Object.entries({ ...imageFields(), data: asText(data), schema: asText(schema) })) if (value !== undefined) form.append(name, value);
    form.append("file", await zip([...files.values()]), "images.zip");
    save(await client.value.download(`/v1/template/${template.value._id}/sample`, WORKBOOK, form), `${template.value.name}.xlsx`);
  } catch (error) {
    images.value = { ...images.value, importId: "" };
    throw error;
  }
}

/** On to the file. */
export function skipImages() {
  problem.value = null;
  phase.value = "drop";
}

/** @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name.replace(/[\\/:*?"<>|\u0000-\u001f\u202a-\u202e\u2066-\u2069]/g, "_");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** @param {File} given @param {string} [sent] the id under which it was sent before, and may have arrived */
export async function send(given, sent) {
  if (!given.size) {
    problem.value = { text: t((await trouble(given)) ? "ERRORS.FILE_CHANGED" : "ERRORS.EMPTY_FILE", { file: given.name }) };
    return;
  }
  const signal = stop();
  batch(() => {
    file.value = given;
    problem.value = null;
    phase.value = "sending";
    progress.value = { step: "sending", done: 0, total: given.size, unit: "bytes", note: "", lost: false };
  });
  const rate = meter(), importId = sent || images.value.importId || newId();
  try {
    const made = (sent && await arrived(sent)) || await client.value.send(`/v1/upload/${template.value._id}`, { ...fields(), importId, file: given }, (done, total) => {
      progress.value = done < total
        ? { step: "sending", done, total, unit: "bytes", note: rate(done, total, size), lost: false }
        : { step: "reading", done: 0, total: 0, unit: "", note: "", lost: false };
    }, signal);
    // A browser notices only what became shorter: of what was written over, half may be old and half new.
    if ((await trouble(given)) === "NotReadableError") {
      await client.value.call("DELETE", `/v1/upload/${made._id}`).catch(() => {});
      images.value = { ...images.value, importId: "" };
      throw new Refusal("", 0);
    }
    begun(made);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof Refusal && error.status === 401 && (await client.value.renewed())) return send(given, importId);
    phase.value = "drop";
    const gone = error instanceof Refusal && !error.status && (await trouble(given));
    problem.value = gone ? { text: t("ERRORS.FILE_CHANGED", { file: given.name }) }
      : { text: sentence(error), retry: isWorthIt(error) ? () => send(given, importId) : undefined };
    const status = error instanceof Refusal ? error.status || 500 : 500;
    const message = error instanceof Refusal && error.message ? error.message : "Unknown Network Error";
    say("UPLOAD_ERROR", { errorCode: status, errorMessage: message });
    sayStatus("ERROR", { errorCode: status, errorMessage: message });
    return;
  }
  // The file is there; whatever goes wrong from here on is tried again without it.
  await attempt(goOn);
}

/** An upload whose answer was lost on its way; null if it never came. @param {string} id */
async function arrived(id) {
  try {
    const found = await client.value.find(id);
    if (found.failure) throw new Refusal(found.failure.message, 400, found.failure);
    return found;
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return null;
    throw error;
  }
}

/** What a browser calls it where the file was changed (`NotReadableError`) or taken away since it was chosen; else "". @param {File} given */
async function trouble(given) {
  try {
    await (given.size ? given.slice(0, 1) : given).arrayBuffer();
    return "";
  } catch (error) {
    return error instanceof DOMException ? error.name : "Error";
  }
}

/** Rows copied out of a sheet program, headings and all, are a file as any other. @param {DataTransfer} data */
export function takePasted(data) {
  if (data.files.length) return data.files.length > 1 ? undefined : send(data.files[0]);
  const table = fromTable(data);
  if (table.length < 2 && (table[0]?.length ?? 0) < 2) return undefined;
  return send(new File([toTable(table)], `${t("DROP.PASTED")}.tsv`, { type: "text/tab-separated-values" }));
}

/** An import without a file: rows are typed in or pasted. */
export async function typeIn() {
  await attempt(async () => {
    const made = await client.value.call("POST", `/v1/upload/${template.value._id}`, fields());
    typed.value = true;
    begun(made);
    phase.value = "review";
  });
}

/** @param {any} made the new upload */
function begun(made) {
  upload.value = made;
  remember(made._id);
  say("UPLOAD_STARTED", { uploadId: made._id, templateId: made._templateId });
  say("UPLOAD_SUCCESS", { uploadId: made._id, rowCount: made.totalRecords });
  sayStatus("SUCCESS", { uploadId: made._id, rowCount: made.totalRecords });
}

/** From wherever the upload stands to the next place where a person is needed. */
async function goOn() {
  const status = upload.value.status;
  if (status === "Uploaded" || status === "Mapping") await match();
  else if (status === "Mapped") await check();
  else {
    typed.value = !upload.value._uploadedFileId;
    phase.value = "review";
  }
}

/** The server's proposal; it is taken where nothing is open. */
async function match() {
  mapping.value = await client.value.call("GET", `/v1/mapping/${upload.value._id}`);
  const fed = mapping.value.filter((column) => column.columnHeading);
  const missing = mapping.value.filter((column) => column.isRequired && !column.columnHeading);
  const unsure = mapping.value.filter((column) => column.columnHeading && isUnsure(column));
  if (missing.length || unsure.length || !fed.length) phase.value = "mapping";
  else await settle(mapping.value);
}

/** A proposal that nobody should take without a look. @param {any} column */
export function isUnsure(column) {
  return column.sure === false || column.alike?.length > 0;
}

/** Takes the mapping and has the rows checked. @param {any[]} chosen */
export async function settle(chosen) {
  mapping.value = chosen;
  const body = chosen.filter((column) => column.columnHeading)
    .map((column) => ({ key: column.key, name: column.name, columnHeading: column.columnHeading }));
  upload.value = await client.value.call("POST", `/v1/mapping/${upload.value._id}/finalize`, body);
  await check();
}

/** What goes wrong here is tried again from here: what led here is done. */
async function check() {
  const signal = stop();
  const id = upload.value._id;
  batch(() => {
    phase.value = "checking";
    progress.value = { step: "checking", done: 0, total: 0, unit: "", note: "", lost: false };
  });
  await attempt(async () => {
    await client.value.call("POST", `/v1/review/${id}`, undefined, { headers: { Prefer: "respond-async" }, tries: 3, signal });
    const last = await watch(id, signal);
    const whole = () => client.value.call("GET", `/v1/upload/${id}`, undefined, { signal });
    if (last?.stage !== "Reviewing") upload.value = await whole();
    else {
      // The rows are asked for at once; what else there is to know of the file comes beside them.
      const { valid, invalid } = last;
      upload.value = { ...upload.value, status: last.stage, totalRecords: valid + invalid, validRecords: valid, invalidRecords: invalid };
      whole().then((found) => {
        if (upload.peek()?._id !== id) return;
        const { totalRecords, validRecords, invalidRecords } = upload.value;
        upload.value = { ...found, totalRecords, validRecords, invalidRecords };
      }, () => {});
    }
    phase.value = "review";
  });
}

/** Until nothing is under way; the state as it goes into `progress`, the last one as the answer. @param {string} id @param {AbortSignal} signal */
export async function watch(id, signal) {
  const rate = meter();
  /** @type {any} */
  let last = null;
  await client.value.follow(id, (state) => {
    last = state;
    const note = state.total ? rate(state.done, state.total, state.unit === "bytes" ? size : number) : "";
    progress.value = { ...progress.value, step: state.step || progress.value.step, done: state.done ?? 0, total: state.total ?? 0, unit: state.unit ?? "", note, lost: false };
  }, signal, (lost) => {
    progress.value = { ...progress.value, lost };
  });
  if (last?.error) throw new Refusal(last.error, 400, { code: last.errorCode });
  return last;
}

/** "12,000 a second, about 4 s left" once that can be told. */
function meter() {
  /** @type {[number, number][]} */
  const seen = [];
  return (/** @type {number} */ done, /** @type {number} */ total, /** @type {(value: number) => string} */ shown) => {
    const now = performance.now();
    if (!seen.length || done < seen[seen.length - 1][1]) seen.length = 0;
    seen.push([now, done]);
    while (seen.length > 2 && now - seen[0][0] > 5000) seen.shift();
    const [at, first] = seen[0];
    if (now - at < 700 || done <= first) return "";
    const pace = (done - first) / ((now - at) / 1000);
    return t("PROGRESS.PACE", { pace: shown(Math.round(pace)), left: duration((total - done) / pace) });
  };
}

// --- opened again --------------------------------------------------------------------------------------------------

/** How the file is read and mapped now; changes nothing. */
export async function state() {
  reading.value = await client.value.call("GET", `/v1/mapping/${upload.value._id}/state`);
  return reading.value;
}

/** Back from a look at the sheets or at how the file is read, where nothing was changed. @param {boolean} looked another sheet was read to be looked at */
export function goBack(looked) {
  if (looked) client.value.call("DELETE", `/v1/mapping/${upload.value._id}/reading`).catch(() => {});
  phase.value = isChecked() ? "review" : "mapping";
}

/** Opens the mapping again. */
export function remap() {
  phase.value = "mapping";
}

/** What a person chose, by position of the heading: at first as the contract says it, later without a new reading. @param {Record<string, number | null>} chosen */
export async function choose(chosen) {
  const now = reading.value;
  if (!isChecked()) {
    const headings = new Map(now.headings.map((/** @type {any} */ one) => [one.index, one.heading]));
    await settle(now.columns.map((/** @type {any} */ column) => ({ ...column, columnHeading: chosen[column.key] === null ? undefined : headings.get(chosen[column.key]) })));
    return;
  }
  await rechoose({ columns: Object.entries(chosen).map(([key, heading]) => ({ key, heading })) });
}

/**
 * @param {number | null} row of the first ones, from 0; null: the file has no headings, and the first row's cells name them
 * @param {string[]} headings the cells of that row
 */
export async function takeHeading(row, headings) {
  await attempt(async () => {
    if (isChecked()) {
      await rechoose(row === null ? { headerRow: null, headings } : { headerRow: row });
      return;
    }
    await client.value.call("PUT", `/v1/upload/${upload.value._id}/header`, row === null ? { headings } : { index: row, headings });
    upload.value = await client.value.call("GET", `/v1/upload/${upload.value._id}`);
    await match();
  });
}

/** The first rows of another sheet, which is read beside what stands. @param {string} sheet @returns {Promise<string[][]>} */
export async function sheetRows(sheet) {
  const found = await client.value.call("PUT", `/v1/mapping/${upload.value._id}/reading`, { sheet, dryRun: true }, { tries: 6 });
  return found.pending?.records ?? found.records;
}

/** Reads the file anew where it stands at the server: another sheet, another encoding. What people changed goes along. @param {Record<string, string | null>} how */
export async function reread(how) {
  await attempt(async () => {
    const at = `/v1/mapping/${upload.value._id}/reading`;
    const found = await client.value.call("PUT", at, how, { tries: 6 });
    if (found.pending && !(await unlessLost((agree) => client.value.call("POST", `${at}/take`, { agree })))) {
      await client.value.call("DELETE", at);
      phase.value = "review"; // only where there are changes of people anything is lost
      return;
    }
    await onwards();
  });
}

/** @param {object} body */
async function rechoose(body) {
  const at = `/v1/mapping/${upload.value._id}/choices`;
  if (await unlessLost((agree) => client.value.call("PUT", at, { ...body, agree }))) await onwards();
  else phase.value = "review";
}

/** From what the upload is now. */
async function onwards() {
  upload.value = await client.value.call("GET", `/v1/upload/${upload.value._id}`);
  await goOn();
}

/** Whether rows were checked already: changes of people may hang on them then. */
function isChecked() {
  return !["Uploaded", "Mapping"].includes(upload.value.status);
}

/** Where changed cells would have no place any more the person is asked first; null: they stay as they are. @param {(agree: boolean) => Promise<any>} step */
async function unlessLost(step) {
  try {
    return await step(false);
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 409 || !error.body?.lostCells) throw error;
    const agreed = await new Promise((answer) => { lost.value = { count: error.body.lost, cells: error.body.lostCells, answer }; });
    lost.value = null;
    return agreed ? step(true) : null;
  }
}

// --- the end -------------------------------------------------------------------------------------------------------

export async function confirm() {
  const body = options.value.maxRecords ? { maxRecords: Number(options.value.maxRecords) } : {};
  const answer = await client.value.call("POST", `/v1/review/${upload.value._id}/confirm`, body);
  upload.value = answer.uploadInfo;
  forget();
  say("UPLOAD_COMPLETED", answer.uploadInfo);
  let rows = answer.importedData;
  if (!rows && options.value.wantsRows) rows = await acceptedRows();
  if (rows) say("DATA_IMPORTED", rows);
  phase.value = "done";
}

/** All accepted rows, for a page that asked for them. */
async function acceptedRows() {
  const blob = await client.value.download(`/v1/upload/${upload.value._id}/rows/valid`, "application/x-ndjson");
  const text = await blob.text();
  return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

/** Ends an unfinished upload on the server and tells the host. */
async function drop() {
  const current = upload.value;
  stop();
  forget();
  if (!current || ["Completed", "Processing", "Terminated"].includes(current.status)) return;
  const over = await client.value.call("DELETE", `/v1/upload/${current._id}`).then(() => false, (error) => error.status === 400);
  // Whoever has completed it meanwhile has said so.
  if (!over) say("UPLOAD_TERMINATED", { uploadId: current._id });
}

/** From the beginning, with another file. */
export async function restart() {
  // A link that was good for this import alone is good for no other: that is said before a file is chosen.
  if (reopen && phase.peek() === "done") return reopen();
  await drop();
  batch(() => {
    upload.value = null;
    mapping.value = [];
    file.value = null;
    typed.value = false;
    changes.value = 0;
    problem.value = null;
    // Those that were sent belong to the import before.
    images.value = { ...images.value, importId: "" };
    begin();
  });
}

/** The person is done or leaves. */
export async function close() {
  opening++;
  await drop();
  phase.value = "closed";
  setTimeout(() => say("CLOSE_WIDGET"), 100);
}

/** The host hid us: the upload stays, and is found again when the same template is shown. */
export function hidden() {
  opening++;
  stop();
  phase.value = "closed";
  say("CLOSE_WIDGET");
}

// --- what survives a closed tab -------------------------------------------------------------------------------------

/** By template and by what the host gave with it: another button of the page may import elsewhere with the same template. */
function place() {
  const { schema, output, extra } = options.value;
  const given = [schema, output, extra].map((one) => asText(one) ?? "").join("\n");
  const mark = given.trim() && [...given].reduce((sum, sign) => (Math.imul(sum, 31) + (sign.codePointAt(0) ?? 0)) | 0, 7).toString(36);
  return `douane:${template.value?._id ?? ""}${mark ? ` ${mark}` : ""}`;
}

/** @param {string} id */
function remember(id) {
  try {
    sessionStorage.setItem(place(), id);
  } catch {
    // A browser that keeps nothing for embedded pages: then nothing is found again.
  }
}

/** @returns {string | null} */
function remembered() {
  try {
    return sessionStorage.getItem(place());
  } catch {
    return null;
  }
}

function forget() {
  try {
    sessionStorage.removeItem(place());
  } catch {
    // As above.
  }
}
