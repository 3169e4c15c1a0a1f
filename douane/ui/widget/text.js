/**
 * Every word the widget says, by section and key. Catalogues are JSON files, one a language; a host may replace single
 * texts (`texts`, contract 9.5). A text may have forms for plural categories and places in braces: `{count}`.
 */

/** Languages that are here, and which of them are written from right to left. */
export const LANGUAGES = ["en", "de", "es", "fr", "ar"];
const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ur"]);

/** @typedef {Record<string, Record<string, string | Record<string, string>>>} Catalogue */

/** @type {Catalogue} */
let catalogue = {};
/** What the host put into words of its own. @type {Catalogue} */
let theirs = {};
let language = "en";
let plurals = new Intl.PluralRules("en");
let numbers = new Intl.NumberFormat("en");

/**
 * The language to speak: what was asked for, else the first of the person's own that is here.
 * @param {string | undefined} wanted
 */
export function choose(wanted) {
  for (const name of [wanted, ...navigator.languages]) {
    const short = (typeof name === "string" ? name : "").toLowerCase().split("-")[0];
    if (LANGUAGES.includes(short)) return short;
  }
  return "en";
}

/** @param {string} wanted one of LANGUAGES @param {unknown} [given] the host's own texts */
export async function speak(wanted, given) {
  const [english, own] = await Promise.all([load("en"), wanted === "en" ? {} : load(wanted)]);
  theirs = overrides(given);
  catalogue = merged(merged(english, own), theirs);
  language = wanted;
  const region = navigator.languages.find((name) => name.toLowerCase().startsWith(wanted)) ?? wanted;
  plurals = new Intl.PluralRules(region);
  numbers = new Intl.NumberFormat(region);
  document.documentElement.lang = wanted;
  document.documentElement.dir = RIGHT_TO_LEFT.has(wanted) ? "rtl" : "ltr";
}

/** @param {string} name @returns {Promise<Catalogue>} */
async function load(name) {
  const response = await fetch(new URL(`texts/${name}.json`, import.meta.url));
  if (!response.ok) throw new Error(`No texts for ${name}`);
  return response.json();
}

/** @param {Catalogue} first @param {Catalogue} second @returns {Catalogue} */
function merged(first, second) {
  const both = { ...first };
  for (const [section, texts] of Object.entries(second)) both[section] = { ...both[section], ...texts };
  return both;
}

/** Only texts that are there can be replaced, and only by text. @param {unknown} given @returns {Catalogue} */
function overrides(given) {
  let texts = given;
  if (typeof texts === "string") {
    try {
      texts = JSON.parse(texts);
    } catch {
      return {};
    }
  }
  /** @type {Catalogue} */
  const kept = {};
  if (!texts || typeof texts !== "object") return kept;
  for (const [section, values] of Object.entries(texts)) {
    if (!values || typeof values !== "object") continue;
    for (const [key, value] of Object.entries(values)) if (typeof value === "string") (kept[section] ??= {})[key] = value;
  }
  return kept;
}

/**
 * A text, `SECTION.KEY`, with its places filled. `count` chooses the plural form and is written in the person's way.
 * @param {string} name
 * @param {Record<string, string | number>} [values]
 */
export function t(name, values = {}) {
  const [section, key] = name.split(".");
  let text = catalogue[section]?.[key];
  if (text && typeof text === "object") text = text[plurals.select(Number(values.count ?? 0))] ?? text.other;
  if (text === undefined) return name;
  return text.replace(/\{(\w+)\}/g, (whole, place) => {
    const value = values[place];
    return value === undefined ? whole : typeof value === "number" ? numbers.format(value) : value;
  });
}

/** Whether there is such a text. @param {string} name */
export function known(name) {
  const [section, key] = name.split(".");
  return catalogue[section]?.[key] !== undefined;
}

/** Whether the host has words of its own for it: they then stand where we would say something else. @param {string} name */
export function replaced(name) {
  const [section, key] = name.split(".");
  return theirs[section]?.[key] !== undefined;
}

/** @param {number} value */
export function number(value) {
  return numbers.format(value);
}

/**
 * A number as the person writes it, as programs write it: "1.234,5" in Germany is "1234.5". What is written so already stays
 * as it is; null where it is no number, or nobody can say which. @param {string} typed
 */
export function plain(typed) {
  const text = typed.trim();
  if (/^[+-]?\d+(\.\d+)?$/.test(text)) return text;
  const parts = numbers.formatToParts(-1234567.8);
  const point = parts.find((part) => part.type === "decimal")?.value ?? ".";
  const group = parts.find((part) => part.type === "group")?.value ?? ",";
  const digits = text.replace(/[\u0660-\u0669]/g, (digit) => String(digit.charCodeAt(0) - 0x660)).replace(/\u2212/g, "-");
  const [whole, rest, ...more] = digits.split(point);
  // Groups of three behind the first; spaces of every kind stand for one another.
  const space = /\s/.test(group), between = space ? "[\\s\u00a0\u202f]" : group.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const grouped = new RegExp(`^[+-]?(\\d+|\\d{1,3}(${between}\\d{3})+)$`);
  if (more.length || !grouped.test(whole) || (rest !== undefined && !/^\d+$/.test(rest))) return null;
  const kept = whole.replace(space ? /\s/g : new RegExp(between, "g"), "");
  return rest === undefined ? kept : `${kept}.${rest}`;
}

/** A number of programs in the person's way, with all its digits. @param {string} text as `plain` answers */
export function shown(text) {
  const digits = Math.min(20, (text.split(".")[1] ?? "").length);
  return new Intl.NumberFormat(numbers.resolvedOptions().locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(/** @type {any} */ (text));
}

/** 1_234_567 bytes as "1.2 MB" in the person's way. @param {number} bytes */
export function size(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1000;
    unit += 1;
  }
  return new Intl.NumberFormat(language, {
    style: "unit", unit: units[unit], unitDisplay: unit ? "short" : "long", maximumFractionDigits: unit ? 1 : 0,
  }).format(bytes);
}

/** @param {number} seconds */
export function duration(seconds) {
  const [value, unit] = seconds < 60 ? [Math.max(1, Math.round(seconds)), "second"]
    : seconds < 3600 ? [Math.round(seconds / 60), "minute"] : [Math.round(seconds / 360) / 10, "hour"];
  return new Intl.NumberFormat(language, { style: "unit", unit: String(unit), unitDisplay: "long" }).format(Number(value));
}

/** The name of a language, in the person's own. @param {string} code */
export function tongue(code) {
  return new Intl.DisplayNames([language], { type: "language" }).of(code) ?? code;
}

/** @param {Date} when */
export function moment(when) {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(when);
}

export function spoken() {
  return language;
}
