// Papa Parse + Ajv, one record after the other, NDJSON out: the way the spreadsheet contract's original checks a file,
// less its database. Uniqueness by a Set per column, so later copies are the invalid ones.
//
//     node papaparse_ajv.mjs FILE TEMPLATE.json OUT.ndjson
//
// Kind to the peer: rows are taken a chunk at a time, empty cells are left out of what Ajv sees, messages are made for
// failing cells only, and output is written in large pieces.
import fs from "node:fs";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import dayjs from "dayjs";
import customParseFormat from "dayjs/plugin/customParseFormat.js";
import Papa from "papaparse";

dayjs.extend(customParseFormat);
const [file, templatePath, outPath] = process.argv.slice(2);
const { columns } = JSON.parse(fs.readFileSync(templatePath, "utf8"));

const ajv = new Ajv({ allErrors: true, verbose: true });
addFormats(ajv, ["email"]);
ajv.addKeyword({
  keyword: "dateFormats",
  errors: false,
  validate: (formats, value) => dayjs(value, formats, true).isValid(),
});
ajv.addKeyword({
  keyword: "uniqueIn",
  errors: false,
  compile: () => {
    const seen = new Set();
    return (value) => (seen.has(value) ? false : (seen.add(value), true));
  },
});

function columnSchema(column) {
  const bounds = Object.fromEntries(column.validations?.map((one) => [one.validate, one]) ?? []);
  const schema = {};
  switch (column.type) {
    case "String":
      schema.type = "string";
      if (bounds.length?.max !== undefined) schema.maxLength = bounds.length.max;
      break;
    case "Number":
    case "Double":
      schema.type = "number";
      if (bounds.range?.min !== undefined) schema.minimum = bounds.range.min;
      if (bounds.range?.max !== undefined) schema.maximum = bounds.range.max;
      break;
    case "Email":
      schema.type = "string";
      schema.format = "email";
      break;
    case "Date":
      schema.dateFormats = column.dateFormats;
      break;
    case "Regex":
      schema.type = "string";
      schema.pattern = column.regex;
      break;
    case "Select":
      Object.assign(
        schema,
        column.allowMultiSelect
          ? { type: "array", items: { enum: column.selectValues } }
          : { enum: column.selectValues },
      );
  }
  if (column.isUnique) schema.uniqueIn = true;
  return schema;
}

const validate = ajv.compile({
  type: "object",
  properties: Object.fromEntries(columns.map((column) => [column.key, columnSchema(column)])),
  required: columns.filter((column) => column.isRequired).map((column) => column.key),
});

// keyword -> the rule's name in the maker's counts
const RULES = {
  required: "required",
  maxLength: "length_max",
  format: "email",
  type: "number",
  minimum: "range_min",
  maximum: "range_max",
  dateFormats: "date_format",
  uniqueIn: "unique",
  pattern: "pattern",
  enum: "list",
};
const isNumber = columns.map((column) => column.type === "Number" || column.type === "Double");
const collapse = columns.map((column) =>
  column.allowMultiSelect ? new RegExp(`^${column.delimiter}+|${column.delimiter}+$|(${column.delimiter})+`, "g") : null,
);

const counts = {};
let position = null;
let rows = 0;
let invalid = 0;
const out = fs.openSync(outPath, "w");

function take(cells) {
  const record = {};
  const checked = {};
  for (let i = 0; i < columns.length; i += 1) {
    let value = cells[position[i]];
    if (value === undefined) continue;
    value = value.trim();
    if (collapse[i]) value = value.replace(collapse[i], (_match, inner) => inner ?? "");
    if (isNumber[i] && value !== "" && !Number.isNaN(Number(value))) value = Number(value);
    const { key } = columns[i];
    record[key] = value;
    if (value !== "") checked[key] = collapse[i] ? value.split(columns[i].delimiter) : value;
  }
  rows += 1;
  const errors = {};
  const isValid = validate(checked);
  if (!isValid) {
    invalid += 1;
    for (const error of validate.errors) {
      const key = error.keyword === "required" ? error.params.missingProperty : error.instancePath.split("/")[1];
      const rule = RULES[error.keyword];
      if (errors[key] === undefined) {
        counts[key] ??= {};
        counts[key][rule] = (counts[key][rule] ?? 0) + 1;
      }
      errors[key] = error.keyword === "required" ? "This field is required" : `${error.data} ${error.message}`;
    }
  }
  return JSON.stringify({ index: rows, isValid, errors, record, updated: {} });
}

const input = fs.createReadStream(file, { encoding: "utf8", highWaterMark: 1 << 20 });
Papa.parse(input, {
  skipEmptyLines: "greedy",
  chunk: ({ data }) => {
    let first = 0;
    if (position === null) {
      position = columns.map((column) => data[0].indexOf(column.key));
      first = 1;
    }
    let text = "";
    for (let i = first; i < data.length; i += 1) text += `${take(data[i])}\n`;
    fs.writeSync(out, text);
  },
  complete: () => {
    fs.closeSync(out);
    process.stdout.write(`${JSON.stringify({ rows, invalid, columns: counts })}\n`);
  },
});
