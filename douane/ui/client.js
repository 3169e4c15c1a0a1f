/**
 * A client of `/v1` in one file, for browsers and for Node 20 and later: the widget's only way to the server, and usable by
 * any page or program (docs/clients.md). No private endpoint is called. A failure is a `Refusal`, whose message is a
 * sentence for a person.
 */

export class Refusal extends Error {
  /**
   * @param {string} message
   * @param {number} status 0 when the server did not answer at all
   * @param {any} [body] the answer, where it was JSON
   */
  constructor(message, status, body) {
    super(message);
    this.name = "Refusal";
    this.status = status;
    this.body = body;
  }

  /** Whether the same call may succeed later. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** How often a call that changes nothing is tried again, and how long the first pause is (it doubles). */
const TRIES = 4;
const PAUSE_MS = 400;
const NDJSON = "application/x-ndjson";

export class Client {
  /**
   * @param {{ base?: string, token?: string, host?: string, language?: string }} [options] `base`: the server's address;
   *   `token`: an access key, without it the browser's session is used; `host`: the origin of the
   *   page that shows us, which the server judges by the project's list
   */
  constructor(options = {}) {
    this.base = (options.base ?? "").replace(/\/$/, "");
    this.token = options.token ?? "";
    this.host = options.host ?? "";
    /** Asked for another token when this one has ended, where there is somebody to ask. @type {(() => Promise<string>) | null} */
    this.renew = null;
    /** @type {Promise<boolean> | null} */
    this.renewing = null;
  }

  /** @param {Record<string, string>} [more] */
  headers(more = {}) {
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json", ...more };
    // What no header can hold is no key: "…" out of an example, most often. Sent, it would fail as a server that is gone does.
    if (/[^\x20-\x7e]/.test(this.token)) throw new Refusal("This is no access key.", 401);
    if (this.token) headers.accesskey = this.token;
    if (this.host) headers["X-Host-Origin"] = this.host;
    return headers;
  }

  /**
   * One call; the answer's JSON, or null for an empty body. Reads are tried again where that may help.
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body] sent as JSON
   * @param {{ headers?: Record<string, string>, signal?: AbortSignal, tries?: number }} [options]
   * @returns {Promise<any>}
   */
  async call(method, path, body, options = {}) {
    const tries = options.tries ?? (method === "GET" ? TRIES : 1);
    let fresh = false;
    for (let at = 1; ; at++) {
      try {
        return await this.once(method, path, body, options);
      } catch (error) {
        if (error instanceof Refusal && error.status === 401 && !fresh && (fresh = await this.renewed())) continue;
        if (!(error instanceof Refusal) || !error.passing || at >= tries || options.signal?.aborted) throw error;
        await pause(Math.max(error.body?.retryAfter ?? 0, PAUSE_MS * 2 ** (at - 1)), options.signal);
      }
    }
  }

  /** Whether there is another token now; of calls at the same time one asks for it. @returns {Promise<boolean>} */
  async renewed() {
    if (!this.renew) return false;
    this.renewing ??= this.renew().then((token) => {
      this.token = token;
      return true;
    }, () => false).finally(() => { this.renewing = null; });
    return this.renewing;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} body
   * @param {{ headers?: Record<string, string>, signal?: AbortSignal }} options
   */
  async once(method, path, body, options) {
    const json = body !== undefined;
    let response, text;
    try {
      response = await fetch(this.base + path, {
        method,
        headers: this.headers({ ...(json ? { "Content-Type": "application/json" } : {}), ...options.headers }),
        body: json ? JSON.stringify(body) : undefined,
        credentials: this.token ? "omit" : "same-origin",
        signal: options.signal,
      });
      text = await response.text();
    } catch (error) {
      if (options.signal?.aborted || error instanceof Refusal) throw error;
      throw new Refusal("", 0);
    }
    if (!response.ok) throw refusal(response.status, text, response.headers.get("Retry-After"));
    return text ? JSON.parse(text) : null;
  }

  /**
   * Sends a form with a file, with progress, which `fetch` cannot tell.
   * @param {string} path
   * @param {Record<string, string | Blob>} fields
   * @param {(sent: number, total: number) => void} onProgress bytes
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>}
   */
  send(path, fields, onProgress, signal) {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) {
      if (value instanceof File) form.append(name, value, value.name);
      else form.append(name, value);
    }
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.upload.onprogress = (event) => onProgress(event.loaded, event.total);
      request.onload = () => {
        if (request.status >= 200 && request.status < 300) resolve(request.responseText ? JSON.parse(request.responseText) : null);
        else reject(refusal(request.status, request.responseText, request.getResponseHeader("Retry-After")));
      };
      request.onerror = () => reject(new Refusal("", 0));
      request.onabort = () => reject(signal?.reason ?? new DOMException("stopped", "AbortError"));
      signal?.addEventListener("abort", () => request.abort());
      request.open("POST", this.base + path);
      for (const [name, value] of Object.entries(this.headers())) request.setRequestHeader(name, value);
      request.withCredentials = false;
      request.send(form);
    });
  }

  /**
   * Follows the work on an upload until nothing is under way. Each event is the whole state, so nothing is missed when
   * the line breaks; it is then taken up again.
   * @param {string} id
   * @param {(state: any) => void} onState
   * @param {AbortSignal} signal
   * @param {(lost: boolean) => void} [onLine] whether the line is broken
   */
  async follow(id, onState, signal, onLine = () => {}) {
    for (let wait = PAUSE_MS; ; wait = Math.min(wait * 2, 8000)) {
      try {
        const response = await fetch(`${this.base}/v1/upload/${id}/events`, {
          headers: this.headers({ Accept: "text/event-stream" }),
          credentials: this.token ? "omit" : "same-origin",
          signal,
        });
        if (!response.ok) throw refusal(response.status, await response.text(), null);
        onLine(false);
        for await (const event of events(/** @type {ReadableStream<Uint8Array>} */ (response.body))) {
          wait = PAUSE_MS;
          if (event.data) onState(JSON.parse(event.data));
          if (event.name === "end") return;
        }
        if (response.status === 204) return;
      } catch (error) {
        if (signal.aborted) throw error;
        if (error instanceof Refusal && !error.passing) throw error;
        onLine(true);
      }
      await pause(wait, signal);
    }
  }

  /**
   * The body of an answer that is no JSON, as a file to save.
   * @param {string} path
   * @param {string} accept
   * @param {unknown} [body] sent with POST: a form, or anything else as JSON
   * @returns {Promise<Blob>}
   */
  async download(path, accept, body) {
    try {
      return await this.file(path, accept, body);
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 401 || !(await this.renewed())) throw error;
      return this.file(path, accept, body);
    }
  }

  /** @param {string} path @param {string} accept @param {unknown} body @returns {Promise<Blob>} */
  async file(path, accept, body) {
    const form = body instanceof FormData, json = !form && body !== undefined;
    let response;
    try {
      response = await fetch(this.base + path, {
        method: form || json ? "POST" : "GET",
        headers: this.headers({ Accept: accept, ...(json ? { "Content-Type": "application/json" } : {}) }),
        body: form ? body : json ? JSON.stringify(body) : undefined,
        credentials: this.token ? "omit" : "same-origin",
      });
    } catch (error) {
      throw error instanceof Refusal ? error : new Refusal("", 0);
    }
    if (!response.ok) throw refusal(response.status, await response.text(), response.headers.get("Retry-After"));
    return response.blob();
  }

  // For programs: from a file to rows.

  /**
   * Sends a file. With `auto`, which is usual, it is mapped by its headings and checked when this returns. It may be tried
   * again: the upload has an id that is chosen here, so that it never arrives twice.
   * @param {string} template
   * @param {Blob} file
   * @param {{ name?: string, auto?: boolean, fields?: Record<string, string>, signal?: AbortSignal }} [options] `fields`:
   *   those of `POST /v1/upload`, such as `extra` or `schema`
   * @returns {Promise<any>} the upload's document
   */
  async upload(template, file, options = {}) {
    const { auto = true, fields = {}, signal } = options;
    const id = newId();
    for (let at = 1; ; at++) {
      const form = new FormData();
      for (const [name, value] of Object.entries({ ...fields, importId: id })) form.append(name, value);
      form.append("file", file, options.name ?? /** @type {any} */ (file).name ?? "file.csv");
      try {
        const response = await this.answer("POST", `/v1/upload/${template}${auto ? "?auto=true" : ""}`, { body: form, signal });
        return await response.json();
      } catch (error) {
        if (!(error instanceof Refusal) || !error.passing || at >= TRIES) throw error;
        const there = await this.arrived(id, auto, signal);
        if (there) return there;
        await pause(Math.max(error.body?.retryAfter ?? 0, PAUSE_MS * 2 ** (at - 1)), signal);
      }
    }
  }

  /**
   * The upload whose answer was lost, once it is as far as the answer would have said; null if it never came.
   * @param {string} id
   * @param {boolean} auto
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>}
   */
  async arrived(id, auto, signal) {
    for (;;) {
      let found;
      try {
        found = await this.find(id);
      } catch (error) {
        if (error instanceof Refusal && error.status === 404) return null;
        throw error;
      }
      if (found.failure) throw new Refusal(found.failure.message, 400, found);
      const settled = ["Reviewing", "Confirmed", "Processing", "Completed", "Terminated"].includes(found.status);
      if (settled || (!auto && found.headings?.length)) return found;
      await pause(1000, signal);
    }
  }

  /** @param {string} id @returns {Promise<any>} the upload's document */
  find(id) {
    return this.call("GET", `/v1/upload/${id}`);
  }

  /** Checks again what was changed; returns when that is done. @param {string} id */
  review(id) {
    return this.call("POST", `/v1/review/${id}`, undefined, { tries: TRIES });
  }

  /**
   * The rows of an import in review: `all`, `valid` or `invalid` ones, as review shows them, with their `line`.
   * @param {string} id
   * @param {string} [view]
   * @param {number} [atOnce]
   * @returns {AsyncGenerator<any>}
   */
  async *records(id, view = "all", atOnce = 1000) {
    for (let page = 1; ; page++) {
      const found = await this.call("GET", `/v1/review/${id}?type=${view}&page=${page}&limit=${atOnce}&lines=true`);
      if (!found.data.length) return;
      yield* found.data;
    }
  }

  /**
   * New texts for cells, as one revision.
   * @param {string} id
   * @param {{ index: number, column: string, value: string }[]} cells
   * @returns {Promise<any>}
   */
  change(id, cells) {
    return this.call("POST", `/v1/review/${id}/cells`, { cells }, { tries: TRIES });
  }

  /**
   * Closes the import; its rows can be pulled then. Confirming again is no fault.
   * @param {string} id
   * @returns {Promise<any>} the upload's document
   */
  async confirm(id) {
    try {
      return (await this.call("POST", `/v1/review/${id}/confirm`, {})).uploadInfo;
    } catch (error) {
      if (!(error instanceof Refusal) || !(error.passing || error.status === 400)) throw error;
      const found = await this.find(id);
      if (!["Confirmed", "Processing", "Completed"].includes(found.status)) throw error;
      return found;
    }
  }

  /**
   * All accepted (or `invalid`) rows of a confirmed import, as they come: none is held. Fails where they end too early.
   * @param {string} id
   * @param {string} [view]
   * @returns {AsyncGenerator<any>}
   */
  async *rows(id, view = "valid") {
    const response = await this.answer("GET", `/v1/upload/${id}/rows/${view}`, { accept: NDJSON });
    yield* objects(/** @type {ReadableStream<Uint8Array>} */ (response.body));
  }

  /**
   * The rows of a template's feed after a cursor: `{upload, rows: [{row, record}], forgotten, uploadForgotten, cursor,
   * behind}`, all of one upload; null where there are none, even after `wait` seconds. `forgotten` are rows whose content
   * is gone for good; with `uploadForgotten` all rows of the upload are.
   * @param {string} template
   * @param {{ cursor?: string | null, consumer?: string, limit?: number, wait?: number, signal?: AbortSignal }} [options]
   * @returns {Promise<any>}
   */
  async fetchFeed(template, options = {}) {
    const asked = new URLSearchParams();
    for (const name of /** @type {const} */ (["cursor", "consumer", "limit", "wait"])) {
      if (options[name]) asked.set(name, String(options[name]));
    }
    const response = await this.answer("GET", `/v1/template/${template}/feed?${asked}`, { accept: NDJSON, signal: options.signal, tries: TRIES });
    if (response.status === 204) return null;
    /** @type {{ row: number, record: any }[]} */
    const rows = [];
    /** @type {number[]} */
    const forgotten = [];
    let uploadForgotten = false;
    for await (const record of objects(/** @type {ReadableStream<Uint8Array>} */ (response.body))) {
      // Ours come first, whatever a file's own headings are called.
      const [upload, second, third, ...more] = Object.keys(record);
      const row = record[second];
      const gone = Boolean(third?.endsWith("_forgotten")) && !more.length && record[third] === true;
      delete record[upload];
      delete record[second];
      if (second.endsWith("_forgotten")) uploadForgotten = true;
      else if (gone) forgotten.push(row);
      else rows.push({ row, record });
    }
    const said = response.headers;
    return {
      upload: said.get("Douane-Upload"),
      rows,
      forgotten,
      uploadForgotten,
      cursor: said.get("Douane-Cursor"),
      behind: Number(said.get("Douane-Behind")),
    };
  }

  /** The consumer has all rows before the cursor. @param {string} template @param {string} consumer @param {string} cursor */
  ack(template, consumer, cursor) {
    return this.call("POST", `/v1/template/${template}/feed/ack`, { consumer, cursor }, { tries: TRIES });
  }

  /**
   * Hands all rows of a feed that a bookmark has not seen to it, batch by batch, each exactly once: if `keep` stores the
   * batch and `batch.cursor` in ONE transaction, and `cursor` reads it (null at first).
   * @param {string} template
   * @param {{ cursor: () => Promise<string | null> | string | null, keep: (batch: any) => Promise<void> | void }} bookmark
   * @param {{ limit?: number, wait?: number, consumer?: string, signal?: AbortSignal }} [options] `wait`: goes on until
   *   none came for so many seconds; `consumer`: a name under which the server is told how far this is
   * @returns {Promise<number>} rows
   */
  async pull(template, bookmark, options = {}) {
    const { limit, wait, consumer, signal } = options;
    let count = 0;
    let cursor = await bookmark.cursor();
    for (;;) {
      const batch = await this.fetchFeed(template, { cursor, limit, wait, signal });
      if (!batch) return count;
      await bookmark.keep(batch);
      cursor = batch.cursor;
      count += batch.rows.length;
      if (consumer) await this.ack(template, consumer, batch.cursor);
    }
  }

  /**
   * One call whose answer is read by who asked for it.
   * @param {string} method
   * @param {string} path
   * @param {{ accept?: string, body?: FormData, signal?: AbortSignal, tries?: number }} options
   * @returns {Promise<Response>}
   */
  async answer(method, path, { accept = "application/json", body, signal, tries = 1 }) {
    for (let at = 1; ; at++) {
      let failed;
      try {
        const credentials = this.token ? "omit" : "same-origin";
        const response = await fetch(this.base + path, { method, body, headers: this.headers({ Accept: accept }), credentials, signal });
        if (response.ok) return response;
        failed = refusal(response.status, await response.text(), response.headers.get("Retry-After"));
      } catch (error) {
        if (signal?.aborted) throw error;
        failed = new Refusal("The server does not answer.", 0);
      }
      if (!failed.passing || at >= tries) throw failed;
      await pause(Math.max(failed.body?.retryAfter ?? 0, PAUSE_MS * 2 ** (at - 1)), signal);
    }
  }
}

/**
 * @param {number} status
 * @param {string} text the body as it came
 * @param {string | null} after the `Retry-After` header
 */
function refusal(status, text, after) {
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {
    // Not ours: a proxy's page, or nothing. The status is all there is to say.
  }
  const said = body && typeof body === "object" ? body.message : "";
  if (body && after && /^\d+$/.test(after)) body.retryAfter = Number(after) * 1000;
  return new Refusal(Array.isArray(said) ? said.join(". ") : String(said ?? ""), status, body);
}

/** The events of a `text/event-stream`. @param {ReadableStream<Uint8Array>} stream */
async function* events(stream) {
  const reader = stream.pipeThrough(/** @type {any} */ (new TextDecoderStream())).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += value;
      const blocks = rest.split(/\r?\n\r?\n/);
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        let name = "message";
        const data = [];
        for (const line of block.split(/\r?\n/)) {
          if (line.startsWith("event:")) name = line.slice(6).trim();
          else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
        }
        if (data.length) yield { name, data: data.join("\n") };
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** @param {number} ms @param {AbortSignal} [signal] */
export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** The objects of NDJSON; a broken line raises. @param {ReadableStream<Uint8Array>} stream */
async function* objects(stream) {
  const reader = stream.pipeThrough(/** @type {any} */ (new TextDecoderStream())).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) yield JSON.parse(line);
    }
  } catch (error) {
    if (error instanceof SyntaxError) throw error;
    throw new Refusal("The rows ended before they were all there.", 0);
  } finally {
    reader.cancel().catch(() => {});
  }
  if (rest) throw new Refusal("The rows ended before they were all there.", 0);
}

/** An id as the server makes them: the time, then chance. */
export function newId() {
  const chance = crypto.getRandomValues(new Uint8Array(6));
  return Date.now().toString(16).padStart(12, "0") + [...chance].map((one) => one.toString(16).padStart(2, "0")).join("");
}
