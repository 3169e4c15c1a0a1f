// node exceljs.js PACKAGE TABLE.json OUT: exceljs, .xlsx.
const fs = require("fs");
const [, , pack, table, out] = process.argv;
const { Workbook } = require(pack);
const book = new Workbook();
const sheet = book.addWorksheet("Table");
const names = [];
JSON.parse(fs.readFileSync(table, "utf8")).forEach((v) => {
  const row = sheet.addRow([v.name]);
  const cell = row.getCell(2);
  if (v.type === "error") cell.value = { error: v.value };
  else if (v.type === "day") cell.value = new Date(Date.UTC(2024, 1, 29));
  else if (v.type === "formula") cell.value = { formula: v.value, result: v.result };
  else cell.value = v.value;
  if (v.format) cell.numFmt = v.format;
  row.getCell(3).value = 1000 + names.length;
  row.getCell(4).value = "hidden";
  if (v.name === "hidden row") row.hidden = true;
  if (v.name === "merged") sheet.mergeCells(row.number, 2, row.number, 3);
  names.push(v.name);
});
sheet.getColumn(4).hidden = true;
book.xlsx.writeFile(out).then(() => console.log(JSON.stringify(names)));
