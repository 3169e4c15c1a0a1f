// Shows openapi.json as a page: one entry per operation, with what it reads and what it answers. No library, nothing
// from outside; text goes in as text, never as markup.

/** @param {string} name @param {...(Node|string)} children */
function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

/** A schema as indented text, references followed once. @param {any} schema @param {any} document_ @param {string[]} seen */
function shape(schema, document_, seen = []) {
  if (!schema) return "";
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    if (seen.includes(name)) return name;
    return shape(document_.components.schemas[name], document_, [...seen, name]);
  }
  if (schema.anyOf || schema.oneOf) {
    return (schema.anyOf || schema.oneOf).map((/** @type {any} */ one) => shape(one, document_, seen)).join(" or ");
  }
  if (schema.enum) return schema.enum.map((/** @type {any} */ one) => JSON.stringify(one)).join(" | ");
  if (schema.type === "array") return `[ ${shape(schema.items, document_, seen) || "any"} ]`;
  if (schema.properties) {
    const required = new Set(schema.required || []);
    const lines = Object.entries(schema.properties).map(([name, value]) => {
      const inner = shape(value, document_, seen).replaceAll("\n", "\n  ");
      return `  ${name}${required.has(name) ? "" : "?"}: ${inner}`;
    });
    return `{\n${lines.join("\n")}\n}`;
  }
  return [schema.type].flat().filter(Boolean).join(" or ") || "any";
}

/** @param {any} content @param {any} document_ */
function contents(content, document_) {
  return Object.entries(content || {}).map(([kind, value]) =>
    element("div", element("code", kind), element("pre", shape(/** @type {any} */ (value).schema, document_))),
  );
}

/** @param {string} path @param {string} method @param {any} operation @param {any} document_ */
function entry(path, method, operation, document_) {
  const verb = element("span", method.toUpperCase());
  verb.className = "method";
  const shown = element("details", element("summary", verb, element("code", path), ` ${operation.summary || ""}`));
  if (operation.description) shown.append(element("p", operation.description));
  if (operation.parameters?.length) {
    shown.append(element("h4", "Parameters"));
    const rows = operation.parameters.map((/** @type {any} */ one) =>
      element("tr", element("td", element("code", one.name)), element("td", one.in), element("td", one.schema?.type || "")),
    );
    shown.append(element("table", ...rows));
  }
  if (operation.requestBody) shown.append(element("h4", "Body"), ...contents(operation.requestBody.content, document_));
  shown.append(element("h4", "Answers"));
  for (const [status, answer] of Object.entries(operation.responses)) {
    const one = /** @type {any} */ (answer);
    shown.append(element("p", element("strong", status), ` ${one.description}`), ...contents(one.content, document_));
  }
  return shown;
}

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const state = /** @type {HTMLElement} */ (document.getElementById("state"));
try {
  const document_ = await (await fetch("/openapi.json")).json();
  /** @type {Map<string, HTMLElement>} */
  const groups = new Map();
  for (const [path, operations] of Object.entries(document_.paths)) {
    for (const [method, operation] of Object.entries(/** @type {any} */ (operations))) {
      const group = operation.tags?.[0] || "Other";
      if (!groups.has(group)) groups.set(group, element("section", element("h2", group)));
      groups.get(group)?.append(entry(path, method, operation, document_));
    }
  }
  main.append(...groups.values());
  state.remove();
} catch (error) {
  state.textContent = `The description cannot be loaded: ${error}`;
}
