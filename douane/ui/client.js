/**
 * A client of `/v1` for browsers: the widget's only way to the server, and usable by any page. No private endpoint is
 * called. A failure is a `Refusal`, whose message is a sentence for a person.
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
  }

  /** @param {Record<string, string>} [more] */
  headers(more = {}) {
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json", ...more };
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
    for (let at = 1; ; at++) {
      try {
        return await this.once(method, path, body, options);
      } catch (error) {
        if (!(error instanceof Refusal) || !error.passing || at >= tries || options.signal?.aborted) throw error;
        await pause(Math.max(error.body?.retryAfter ?? 0, PAUSE_MS * 2 ** (at - 1)), options.signal);
      }
    }
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
      if (options.signal?.aborted) throw error;
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
   * @param {unknown} [body] sent as JSON, with POST
   * @returns {Promise<Blob>}
   */
  async download(path, accept, body) {
    const json = body !== undefined;
    let response;
    try {
      response = await fetch(this.base + path, {
        method: json ? "POST" : "GET",
        headers: this.headers({ Accept: accept, ...(json ? { "Content-Type": "application/json" } : {}) }),
        body: json ? JSON.stringify(body) : undefined,
        credentials: this.token ? "omit" : "same-origin",
      });
    } catch {
      throw new Refusal("", 0);
    }
    if (!response.ok) throw refusal(response.status, await response.text(), response.headers.get("Retry-After"));
    return response.blob();
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
