/** What a column asks for, in words. @param {any} column as `GET /v1/template/{id}/columns` answers @returns {string[]} */
export function rules(column) {
  const words = [];
  if (column.isRequired) words.push("required");
  if (column.isUnique) words.push("each value once");
  if (column.type === "Number" || column.type === "Double") words.push("a number");
  if (column.type === "Email") words.push("an e-mail address");
  if (column.type === "Date") words.push((column.dateFormats ?? []).join(" or "));
  if (column.type === "Regex") words.push(column.regexDescription || `matches ${column.regex}`);
  if (column.type === "Select" || column.type === "Image") words.push(options(column));
  for (const rule of column.validations ?? []) words.push(validation(rule));
  return words.filter(Boolean);
}

const OPTIONS_SHOWN = 6;

/** @param {any} column */
function options(column) {
  const values = column.selectValues ?? [];
  const shown = values.slice(0, OPTIONS_SHOWN).join(", ");
  const rest = values.length > OPTIONS_SHOWN ? ` … (${values.length})` : "";
  return column.allowMultiSelect
    ? `any of ${shown}${rest}, separated by “${column.delimiter || ","}”`
    : `one of ${shown}${rest}`;
}

/** @param {any} rule */
function validation(rule) {
  if (rule.validate === "unique_with") return `once together with the other columns of “${rule.uniqueKey}”`;
  const bounds = between(rule.min, rule.max);
  const unit = /** @type {Record<string, string>} */ ({ range: "", length: " characters", digits: " digits" })[rule.validate];
  return bounds && unit !== undefined ? bounds + unit : "";
}

/** @param {unknown} min @param {unknown} max */
function between(min, max) {
  const low = typeof min === "number";
  const high = typeof max === "number";
  if (low && high) return min === max ? `exactly ${min}` : `${min} to ${max}`;
  if (low) return `at least ${min}`;
  return high ? `at most ${max}` : "";
}
