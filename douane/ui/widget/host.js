/**
 * The page that embeds us: what it says and what it hears (contract 9.2). Without one (a link opened by itself, the try-it
 * page) everything said goes nowhere.
 */

const parent = window.parent === window ? null : window.parent;
/** Known once the host has spoken; the only address that data is sent to. */
let origin = "";

export const embedded = parent !== null;

/** The origin of the page that shows us, "" when there is none. */
export function hostOrigin() {
  return origin;
}

/**
 * @param {(value: any) => void} onShow
 * @param {() => void} onClose
 */
export function listen(onShow, onClose) {
  if (!parent) return;
  window.addEventListener("message", (event) => {
    if (event.source !== parent || !event.data || typeof event.data !== "object") return;
    if (event.data.type === "SHOW_WIDGET" && event.data.value && typeof event.data.value === "object") {
      origin = event.origin === "null" ? "" : event.origin;
      onShow(event.data.value);
    } else if (event.data.type === "CLOSE_WIDGET") onClose();
  });
  // Holds nothing of anybody's, so it may be heard by whoever embeds us.
  parent.postMessage({ type: "WIDGET_READY" }, "*");
}

/** @param {string} type @param {any} [value] */
export function say(type, value) {
  if (parent && origin) parent.postMessage(value === undefined ? { type } : { type, value }, origin);
}

/** The second envelope, for pages that listen to `window` themselves. @param {"SUCCESS" | "ERROR"} status @param {object} meta */
export function sayStatus(status, meta) {
  if (!parent || !origin) return;
  const payload = { status, meta: { ...meta, timestamp: new Date().toISOString() } };
  parent.postMessage({ source: "impler-embed", type: "UPLOAD_STATUS", payload }, origin);
}
