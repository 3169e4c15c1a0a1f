/** Makes elements. Data only ever becomes text or an attribute: nothing here parses HTML, so a hostile cell stays a cell. */

/**
 * @param {string} tag
 * @param {Record<string, unknown>} [properties] `class`, `for`, `aria-*`, `data-*` and `role` become attributes, `on*`
 *   functions become listeners, everything else a property of the element
 * @param {...(Node | string | number | null | undefined | false)} children
 * @returns {HTMLElement}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (/^(class|for|role|scope|aria-|data-)/.test(name)) element.setAttribute(name, String(value));
    else /** @type {any} */ (element)[name] = value;
  }
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/** @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`No element ${id}`);
  return element;
}

const numbers = new Intl.NumberFormat("en");

/** 1234567 -> "1,234,567" @param {number} value */
export function count(value) {
  return numbers.format(value);
}

/** "1 row", "2 rows" @param {number} value @param {string} word */
export function many(value, word) {
  return `${count(value)} ${word}${value === 1 ? "" : "s"}`;
}
