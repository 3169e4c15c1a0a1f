/** Dates between a column's formats (`YYYY-MM-DD`, `D/M/YY`, `DD.MM.YYYY` ...) and the browser's calendar, which says `2026-01-31`. */

const TOKEN = /YYYY|YY|MM|M|DD|D/g;

/** The format that a picked date is written in; "" where the column's first one has more than a day, a month and a year. @param {any} column */
export function pattern(column) {
  const format = String(column.dateFormats?.[0] ?? "");
  const kinds = (format.match(TOKEN) ?? []).map((token) => token[0]).sort().join("");
  return kinds === "DMY" && !/[a-z]/i.test(format.replace(TOKEN, "")) ? format : "";
}

/** @param {string} iso `2026-01-31` @param {string} format */
export function written(iso, format) {
  const [year, month, day] = iso.split("-");
  /** @type {Record<string, string>} */
  const parts = { YYYY: year, YY: year.slice(-2), MM: month, M: String(Number(month)), DD: day, D: String(Number(day)) };
  return format.replace(TOKEN, (token) => parts[token]);
}

/** The day that a text says in one of the formats, as `2026-01-31`; "" where it says none. @param {string} text @param {string[]} formats */
export function read(text, formats = []) {
  for (const format of formats) {
    const tokens = format.match(TOKEN) ?? [];
    if (/[a-z]/i.test(format.replace(TOKEN, ""))) continue;
    const form = format.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(TOKEN, (token) => (token === "YYYY" ? "(\\d{4})" : token.length === 2 ? "(\\d{2})" : "(\\d{1,2})"));
    const found = new RegExp(`^${form}$`).exec(text.trim());
    if (!found) continue;
    const at = (/** @type {string} */ letter) => found[tokens.findIndex((token) => token[0] === letter) + 1] ?? "";
    const year = at("Y").length === 2 ? `20${at("Y")}` : at("Y"), month = at("M").padStart(2, "0"), day = at("D").padStart(2, "0");
    const when = new Date(`${year}-${month}-${day}T00:00:00Z`);
    if (!Number.isNaN(when.getTime()) && when.getUTCDate() === Number(day)) return `${year}-${month}-${day}`;
  }
  return "";
}
