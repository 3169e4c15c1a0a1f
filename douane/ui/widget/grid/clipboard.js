/** Ranges of cells as sheet programs exchange them. */

/** @param {string[][]} cells rows of texts */
export function toTable(cells) {
  return cells.map((row) => row.map((text) => (/[\t\n\r"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join("\t")).join("\n");
}

/**
 * Rows of texts out of what was pasted. LibreOffice says in its HTML what a number is exactly (`sdval`) where the plain text
 * shows it rounded; dates are taken as shown. An empty cell is `<br>` there.
 * @param {DataTransfer} data
 */
export function fromTable(data) {
  const markup = data.getData("text/html");
  if (markup.includes("sdval")) {
    // An inert document: nothing in it is loaded or run, only its texts are read.
    const table = new DOMParser().parseFromString(markup, "text/html").querySelector("table");
    if (table) return laidOut(table);
  }
  return fromText(data.getData("text/plain"));
}

/** Joined cells hold their text in the first of their places, as sheet programs have it. @param {HTMLTableElement} table */
function laidOut(table) {
  /** @type {string[][]} */
  const rows = [...table.rows].map(() => []);
  [...table.rows].forEach((row, at) => {
    let place = 0;
    for (const cell of row.cells) {
      while (rows[at][place] !== undefined) place++;
      for (let down = 0; down < Math.min(cell.rowSpan || 1, rows.length - at); down++) {
        for (let along = 0; along < cell.colSpan; along++) rows[at + down][place + along] = down || along ? "" : exactText(cell);
      }
    }
  });
  return rows;
}

/** @param {HTMLTableCellElement} cell */
function exactText(cell) {
  const shown = (cell.textContent ?? "").replace(/^\s*\n\s*|\s*\n\s*$/g, "");
  const exact = cell.getAttribute("sdval"), format = cell.getAttribute("sdnum") ?? "";
  const isDate = /[YMDHS]/i.test(format.split(";").slice(2).join(";").replace(/"[^"]*"|\[[^\]]*\]/g, ""));
  return exact !== null && !isDate && /^-?[\d.,\s]+$/.test(shown) && !/^0\d/.test(shown.trim()) ? exact : shown;
}

/** Tab-separated text; a quote at a cell's beginning opens one that may hold tabs and lines. @param {string} text */
export function fromText(text) {
  /** @type {string[][]} */
  const rows = [[]];
  const cell = /(?:"((?:[^"]|"")*)"(?=[\t\r\n]|$)|([^\t\r\n]*))(\t|\r\n|\r|\n|$)/gy;
  const whole = text.replace(/(?:\r\n|\r|\n)$/, "");
  for (;;) {
    const found = cell.exec(whole);
    if (!found) break;
    rows[rows.length - 1].push(found[1] !== undefined ? found[1].replaceAll('""', '"') : found[2]);
    if (found[3] === "") break;
    if (found[3] !== "\t") rows.push([]);
    if (cell.lastIndex > whole.length) break;
  }
  return rows;
}
