/**
 * What a column expects and what is wrong with a cell, in the person's language. The server says both in English and knows
 * more than a rule's name (`explanations`); in other languages the rule itself is put into words here.
 */

import { known, number, spoken, t } from "./text.js";

/** Where the server's own sentence quotes a pattern or a whole list, which are written for programs. */
const PUT_PLAINLY = new Set(["list", "pattern", "date_format"]);
/** So many values of a list are named. */
const NAMED = 8;

/** @param {string} rule as `live` and `counts` name it; what nobody has put into words stays its name */
export function ruleName(rule) {
  const name = `RULES.${rule.toUpperCase().replace(/[^A-Z0-9]+/g, "_")}`;
  return known(name) ? t(name) : rule.replaceAll("_", " ");
}

/**
 * What is wrong with a cell: the sentence, what else there is to know, and whether it is only a warning; null where all is well.
 * @param {any} row @param {any} column @param {string} text of the cell
 */
export function saying(row, column, text) {
  const error = row?.errors?.[column.key], warning = row?.warnings?.[column.key];
  if (!error && !warning) return null;
  const rule = row.rules?.[column.key], more = row.explanations?.[column.key] ?? "";
  const english = spoken() === "en", named = rule && known(`RULES.${rule.toUpperCase()}`);
  // What the makers of the template put into words themselves is theirs to say.
  const theirs = (column.validations ?? []).some((/** @type {any} */ one) => one.errorMessage && String(error ?? "").includes(one.errorMessage));
  if (!named || theirs || (english && !PUT_PLAINLY.has(rule))) return { text: error ?? warning, more, warning: !error };
  // Values and names are set apart, so that they do not turn a sentence of the other direction round.
  const value = isolated(text.length > 60 ? `${text.slice(0, 60)}…` : text);
  return { own: true, text: text && rule !== "required" ? `${t("SIDE.QUOTED", { text: value })} ${ruleName(rule)}` : `${isolated(column.name)} ${ruleName(rule)}`, more: english ? more : expected(column), warning: !error };
}

/** @param {string} text */
function isolated(text) {
  return `\u2068${text}\u2069`;
}

/** What a column expects, but that it is required, for which there is a sign. @param {any} column */
export function expected(column) {
  if (spoken() === "en" && column.says !== undefined) return String(column.says).replace(/^required(; |$)/, "");
  const parts = [column.isUnique ? t("EXPECT.UNIQUE") : "", kind(column), ...(column.validations ?? []).map(bounds)];
  return parts.filter(Boolean).join(" · ");
}

/** @param {any} column */
function kind(column) {
  const values = column.selectValues ?? [], named = values.slice(0, NAMED).join(", ") + (values.length > NAMED ? ` … (${number(values.length)})` : "");
  if (values.length) return column.allowMultiSelect ? t("EXPECT.SEVERAL", { values: named, between: column.delimiter || "," }) : t("EXPECT.LIST", { values: named });
  if (column.type === "Number" || column.type === "Double") return t("EXPECT.NUMBER");
  if (column.type === "Email") return t("EXPECT.EMAIL");
  if (column.type === "Date") return column.dateFormats?.length ? t("EXPECT.DATE_AS", { formats: column.dateFormats.join(", ") }) : t("EXPECT.DATE");
  if (column.type === "Boolean") return t("EXPECT.BOOLEAN");
  return column.regexDescription ?? "";
}

/** @param {any} rule one of a column's validations */
function bounds(rule) {
  const { min, max } = rule;
  const end = min === undefined || min === null ? "MOST" : max === undefined || max === null ? "LEAST" : "BETWEEN";
  const what = ({ range: "RANGE", length: "LENGTH", digits: "DIGITS" })[/** @type {string} */ (rule.validate)];
  if (!what || (min ?? max) === undefined || (min ?? max) === null) return "";
  return t(`EXPECT.${what}_${end}`, { min: number(Number(min ?? 0)), max: number(Number(max ?? 0)) });
}

/**
 * A note of `noticed` in the person's language; what a package of others noticed stays in its words.
 * @param {{ note: string, key?: string, values?: Record<string, any> }} one
 */
export function noted({ note, key, values = {} }) {
  const name = `NOTES.${(key ?? "").toUpperCase()}`;
  if (!key || !known(name)) return note;
  const { lines, ...more } = values;
  const places = Object.fromEntries(Object.entries(more).map(([place, value]) => [place, typeof value === "string" ? isolated(value) : value]));
  if (!lines) return t(name, places);
  const rows = lines.map(number).join(", ") + (values.count > lines.length ? " …" : "");
  return `${t(name, places)} ${t("NOTES.LINES", { count: values.count, rows })}`;
}
