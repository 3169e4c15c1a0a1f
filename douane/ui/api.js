/** Calls to `/v1`, as any client could make them. A failure is a `Refusal` whose message is a sentence for a person. */

export class Refusal extends Error {
  /** @param {string} message @param {number} status 0 when the server did not answer at all */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

const SILENT = "The server does not answer. Is it still running?";

/**
 * @param {number} status
 * @param {string} text the body as it came
 */
function refusal(status, text) {
  let message = "";
  try {
    const body = JSON.parse(text);
    message = Array.isArray(body.message) ? body.message.join(". ") : String(body.message ?? "");
  } catch {
    // Not ours: a proxy's page, or an empty body. The status is all there is to say.
  }
  return new Refusal(message || `The server answered with status ${status}.`, status);
}

/**
 * One call; the answer's JSON, or null for an empty body.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>}
 */
export async function call(method, path, body, headers = {}) {
  let response;
  let text;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? headers : { "Content-Type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
    });
    text = await response.text();
  } catch {
    throw new Refusal(SILENT, 0);
  }
  if (!response.ok) throw refusal(response.status, text);
  return text ? JSON.parse(text) : null;
}

/**
 * Sends a file as a form, which `fetch` cannot report on.
 * @param {string} path
 * @param {File} file
 * @param {(sent: number, total: number) => void} onProgress bytes
 * @param {Record<string, string>} fields what goes with it; empty ones are left out
 * @returns {{ done: Promise<any>, abort: () => void }}
 */
export function send(path, file, onProgress, fields = {}) {
  const request = new XMLHttpRequest();
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value) form.append(name, value);
  form.append("file", file, file.name);
  const done = new Promise((resolve, reject) => {
    request.upload.onprogress = (event) => onProgress(event.loaded, event.total);
    request.onload = () => {
      if (request.status < 200 || request.status > 299) reject(refusal(request.status, request.responseText));
      else resolve(JSON.parse(request.responseText));
    };
    request.onerror = () => reject(new Refusal(SILENT, 0));
    request.onabort = () => reject(new Refusal("The upload was stopped.", 0));
  });
  request.open("POST", path);
  request.send(form);
  return { done, abort: () => request.abort() };
}

/**
 * Follows an upload by server-sent events. The browser reconnects by itself; each event carries the whole state, so
 * nothing is missed in between. Returns a function that stops following.
 * @param {string} id
 * @param {(state: any) => void} onState
 * @param {() => void} onLost the connection broke; the browser is trying again
 */
export function follow(id, onState, onLost) {
  const source = new EventSource(`/v1/upload/${id}/events`);
  /** @param {MessageEvent} event */
  const take = (event) => onState(JSON.parse(event.data));
  source.addEventListener("progress", take);
  source.onerror = () => onLost();
  return () => source.close();
}
