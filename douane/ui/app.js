/**
 * The first page: sign in, try the import widget on a template as a customer sees it, look at what came of it, pull the rows.
 *
 * One view is on the screen at a time: sign-in, template, or an import. Every view is made anew from what the server answered;
 * the only state kept is which template and which import are meant (the latter in the address, so that a reload finds it).
 */

import { Client, Refusal } from "./client.js";
import { douane } from "/douane.js";
import { byId, count, h, many } from "./dom.js";

const PAGE_ROWS = 50;

/** @type {{ project: any, templates: any[], template: any, columns: any[], key: string }} */
const here = { project: null, templates: [], template: null, columns: [], key: "" };

/** The session of who is signed in. */
const client = new Client();

start();

async function start() {
  byId("sign-out").addEventListener("click", signOut);
  window.addEventListener("hashchange", () => attempt(open));
  // A file let go beside the field would make the browser open it and leave the page.
  for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
  await attempt(open);
}

/** @param {string} method @param {string} path @param {unknown} [body] */
function call(method, path, body) {
  return client.call(method, path, body, { tries: 1 });
}

/** Runs one step; a refusal becomes a sentence at the top, and a lost session the sign-in form. @param {() => Promise<any>} step */
async function attempt(step) {
  complain("");
  try {
    await step();
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) showSignIn();
    else complain(sentence(error));
  }
}

/** @param {unknown} error */
function sentence(error) {
  if (!(error instanceof Refusal)) return `Something went wrong in this page: ${error}`;
  if (error.status === 0) return "The server does not answer. Is it still running?";
  return error.message || `The server answered with status ${error.status}.`;
}

async function open() {
  const me = await call("GET", "/v1/auth/me");
  byId("who").hidden = false;
  byId("who-name").textContent = me.email;
  if (!here.project) await loadProject();
  const wanted = new URLSearchParams(location.hash.slice(1));
  const upload = wanted.get("upload");
  if (upload && /^[0-9a-f]{24}$/.test(upload)) await openUpload(upload);
  else await openTemplate(wanted.get("template"));
}

async function loadProject() {
  const projects = await call("GET", "/v1/project");
  here.project = projects[0] ?? null;
  if (!here.project) return;
  here.templates = await call("GET", `/v1/project/${here.project._id}/templates`);
  here.key = (await call("GET", `/v1/project/${here.project._id}/environment`)).key;
}

/** @param {string | null} id */
async function choose(id) {
  here.template = here.templates.find((template) => template._id === id) ?? here.templates[0] ?? null;
  here.columns = here.template ? await call("GET", `/v1/template/${here.template._id}/columns`) : [];
}

// --- sign in -------------------------------------------------------------------------------------------------------

function showSignIn() {
  here.project = null;
  byId("who").hidden = true;
  const email = h("input", { id: "email", type: "text", name: "email", autocomplete: "username", required: true, spellcheck: false });
  const password = h("input", { id: "password", type: "password", name: "password", autocomplete: "current-password", required: true });
  const button = h("button", { type: "submit" }, "Sign in");
  const form = h(
    "form",
    {
      class: "card narrow",
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        signIn(/** @type {HTMLInputElement} */ (email).value, /** @type {HTMLInputElement} */ (password).value, button);
      },
    },
    h("h1", {}, "Sign in"),
    h("p", { class: "soft" }, "The first person's e-mail and password were printed when Douane was started for the first time."),
    h("label", { for: "email" }, "E-mail"),
    email,
    h("label", { for: "password" }, "Password"),
    password,
    button,
  );
  show(form);
  email.focus();
}

/** @param {string} email @param {string} password @param {HTMLElement} button */
async function signIn(email, password, button) {
  busy(button, true);
  complain("");
  try {
    await call("POST", "/v1/auth/login", { email, password });
    await attempt(open);
  } catch (error) {
    complain(sentence(error));
  } finally {
    busy(button, false);
  }
}

async function signOut() {
  await attempt(() => call("GET", "/v1/auth/logout"));
  history.replaceState(null, "", "/");
  showSignIn();
}

// --- template ------------------------------------------------------------------------------------------------------

/** @param {string | null} id */
async function openTemplate(id) {
  await choose(id);
  if (!here.template) {
    show(
      h("div", { class: "card" }, h("h1", {}, "No template yet"),
        h("p", {}, "Make one with ", h("code", {}, "POST /v1/template"), "; the ", h("a", { href: "/docs" }, "interface"), " says how.")),
    );
    return;
  }
  show(
    h("h1", {}, "Import a file"),
    h("p", { class: "soft" }, "Try it as your customers see it: they drop a file, mend what is marked, and your program gets the rows."),
    dropField(),
    h("section", { class: "card", "aria-labelledby": "template-title" },
      h("div", { class: "row" },
        h("h2", { id: "template-title" }, `Template “${here.template.name}”`),
        here.templates.length > 1 ? templateField() : null),
      templateTable(here.columns)),
    embedCard(),
    pullCard("", true),
  );
}

function templateField() {
  const field = h(
    "select",
    {
      "aria-label": "Template",
      onchange: (/** @type {any} */ event) => {
        location.hash = `template=${event.target.value}`;
      },
    },
    ...here.templates.map((template) => h("option", { value: template._id, selected: template === here.template }, template.name)),
  );
  return field;
}

/** @param {any[]} columns */
function templateTable(columns) {
  if (!columns.length) return h("p", {}, "This template has no columns yet.");
  return scroller("Columns of the template",
    h("table", {},
      h("thead", {}, h("tr", {}, ...["Column", "Type", "Rules"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, ...columns.map((column) =>
        h("tr", {},
          h("th", { scope: "row" }, column.name, " ", column.key === column.name ? null : h("code", { class: "soft" }, column.key)),
          h("td", {}, column.type),
          h("td", {}, column.says || h("span", { class: "soft" }, "any text")))))));
}

/** What a person may say of a file: the field of the upload, and what it is called. @type {[string, string][]} */
const READING = [
  ["selectedSheetName", "Sheet (its name)"],
  ["headerLine", "Headings on line (or: none)"],
  ["encoding", "Encoding"],
  ["delimiter", "Delimiter (or: tab)"],
  ["quote", "Quote (or: none)"],
];

/**
 * The widget over this page, as over any other. @param {Record<string, any>} [more] `file`, `reading` or `uploadId`
 */
async function openWidget(more = {}) {
  complain("");
  const rows = await douane.import({ template: here.template._id, token: here.key, project: here.project._id, ...more });
  if (rows) location.hash = `upload=${rows.upload._id}`;
}

/** What a page of their own needs. */
function embedCard() {
  const code = `<script src="${location.origin}/embed.umd.min.js"></script>\n<button onclick="importFile()">Import a file</button>\n<script>\n  async function importFile() {\n    const rows = await douane.import({ template: "${here.template._id}", token: "…" });\n    console.log(rows);\n  }\n</script>`;
  return h("section", { class: "card", "aria-labelledby": "embed-title" },
    h("h2", { id: "embed-title" }, "In your own page"),
    h("p", { class: "soft" }, "The same import over your application, in its colours and in five languages; ", h("code", {}, "token"), " is the access key below."),
    h("div", { class: "code" }, h("pre", { tabIndex: 0, role: "group", "aria-label": "Code for your page" }, h("code", {}, code)), copyButton(code, "Code for your page")));
}

function dropField() {
  const input = /** @type {HTMLInputElement} */ (h("input", {
    id: "file", type: "file", class: "unseen",
    accept: ".csv,.tsv,.txt,.gz,.xlsx,.xlsm,.xlsb,.xls,.ods,.fods,.zip,.htm,.html,.xml,.json,.ndjson,.jsonl,text/csv",
    "aria-describedby": "file-help",
    onchange: () => take(input.files),
  }));
  /** @param {FileList | null | undefined} files */
  const take = (files) => {
    if (!files?.length) return;
    if (files.length > 1) complain("One file at a time, please.");
    else attempt(() => openWidget({ file: files[0], reading: Object.fromEntries(reading.map((field) => [field.name, field.value.trim()])) }));
    input.value = "";
  };
  const reading = READING.map(([name]) => /** @type {HTMLInputElement} */ (h("input", { id: `read-${name}`, name, autocomplete: "off" })));
  const zone = h("div", { class: "drop" },
    input,
    h("label", { for: "file" }, h("strong", {}, "Choose a file"), " or drop it here"),
    h("p", {}, h("button", { type: "button", onclick: () => attempt(() => openWidget()) }, "Open the import")),
    h("p", { id: "file-help", class: "soft" }, "CSV, TSV, Excel, ODS, JSON, NDJSON or a web page's table, plain, gzip or zip. None at hand? ",
      h("a", { href: "/ui/sample/people.csv", download: "people.csv" }, "Take a sample with ten faults"), "."),
    h("details", {},
      h("summary", {}, "How the file is read"),
      h("p", { class: "soft" }, "Douane finds this out by itself. Fill in only what it gets wrong."),
      ...READING.map(([name, label], at) => h("p", {}, h("label", { for: `read-${name}` }, label), " ", reading[at]))));
  let depth = 0;  // enter and leave also fire for every child of the zone
  zone.addEventListener("dragenter", () => zone.classList.toggle("over", ++depth > 0));
  zone.addEventListener("dragleave", () => zone.classList.toggle("over", --depth > 0));
  zone.addEventListener("drop", (event) => {
    depth = 0;
    zone.classList.remove("over");
    take(event.dataTransfer?.files);
  });
  return zone;
}

// --- the result ----------------------------------------------------------------------------------------------------

/** @param {string} id of an upload */
async function openUpload(id) {
  const state = await call("GET", `/v1/upload/${id}`);
  if (!here.template || here.template._id !== state._templateId) await choose(state._templateId);
  if (["Uploaded", "Mapping", "Mapped"].includes(state.status)) {
    show(h("h1", {}, name(state)), h("p", { class: "notice" }, "This import is not finished."), goOn(id), again());
    return;
  }
  await showResult(state);
}

/** @param {any} state */
function name(state) {
  return state.fileName ?? state.originalFileName ?? "The file";
}

/** Opens the widget where an import stands. @param {string} id */
function goOn(id) {
  return h("p", {}, h("button", { type: "button", onclick: () => attempt(() => openWidget({ uploadId: id })) }, "Go on with it"));
}

/** @param {any} state the upload, checked */
async function showResult(state) {
  const ended = { Terminated: "This file was discarded.", Failed: "The check of this file failed." }[/** @type {string} */ (state.status)];
  if (ended) {
    show(h("h1", {}, name(state)), h("p", { class: "notice" }, state.failure?.message ? `${ended} ${state.failure.message}` : ended), again());
    return;
  }
  const columns = await call("GET", `/v1/upload/${state._id}/columns`);
  const names = new Map(columns.map((/** @type {any} */ column) => [column.key, column.name]));
  const open = state.status === "Reviewing";
  const problems = h("div", { id: "problems" });
  const title = state.invalidRecords
    ? `${many(state.invalidRecords, "row")} to mend`
    : state.totalRecords ? "Every row is valid" : "The file holds no rows";
  show(
    h("h1", {}, name(state)),
    ...noticed(state),
    h("dl", { class: "counters" },
      counter("Rows", state.totalRecords, ""), counter("Valid", state.validRecords, "good"), counter("Invalid", state.invalidRecords, "bad")),
    h("section", { class: "card", "aria-labelledby": "result-title" },
      h("h2", { id: "result-title" }, title),
      problems),
    open ? goOn(state._id) : null,
    open ? null : h("p", { class: "notice good" }, `This import is ${state.status.toLowerCase()}. Programs can pull its rows.`),
    pullCard(state._id, false),
    mappingCard(columns, state.headings ?? []),
    again(),
  );
  byId("status").textContent = `${title}. ${many(state.validRecords, "row")} valid.`;
  if (state.invalidRecords) await moreProblems(state._id, names, problems, 1);
  else problems.append(h("p", { class: "soft" }, state.totalRecords ? "Nothing to mend." : "Below its headings there is nothing."));
}

/** What was noticed about the file; the headings that no column takes are told with the mapping.
 * @param {any} state the upload */
function noticed(state) {
  const said = state.notes ?? [];
  return said.length ? [h("ul", { class: "soft", id: "noticed" }, ...said.map((/** @type {string} */ one) => h("li", {}, one)))] : [];
}

/** @param {string} name @param {number} value @param {string} kind */
function counter(name, value, kind) {
  return h("div", { class: `counter ${kind}` }, h("dt", {}, name), h("dd", {}, count(value ?? 0)));
}

/** A message, with what there is to be explained; of patterns and lists only that, for they are written for programs.
 * @param {string} message @param {string | undefined} explanation */
function reason(message, explanation) {
  if (!explanation) return message;
  return /must match the pattern|must be from list/.test(message) ? explanation : `${message}. ${explanation}`;
}

/** @param {string} id @param {Map<string, string>} names @param {HTMLElement} place @param {number} page */
async function moreProblems(id, names, place, page) {
  const found = await call("GET", `/v1/review/${id}?type=invalid&lines=true&page=${page}&limit=${PAGE_ROWS}`);
  let body = place.querySelector("tbody");
  if (!body) {
    body = document.createElement("tbody");
    place.append(scroller("Problems found", h("table", {},
      h("thead", {}, h("tr", {}, ...["Line", "Column", "Value", "What is wrong"].map((name) => h("th", { scope: "col" }, name)))), body)));
  }
  for (const row of found.data) {
    for (const [key, message] of Object.entries(row.errors ?? {})) {
      const value = row.record?.[key];
      body.append(h("tr", {},
        h("td", { class: "number" }, row.line || row.index),
        h("th", { scope: "row" }, names.get(key) ?? (key || "whole row")),
        h("td", { class: "cell" }, value === undefined || value === null || value === "" ? h("span", { class: "soft" }, "empty") : clip(value)),
        h("td", {}, reason(String(message), row.explanations?.[key]))));
    }
  }
  place.querySelector(".more")?.remove();
  const shown = Math.min(page * PAGE_ROWS, found.totalRecords);
  if (shown < found.totalRecords) {
    place.append(h("p", { class: "more row" },
      h("span", { class: "soft" }, `The first ${count(shown)} of ${many(found.totalRecords, "row")}.`),
      h("button", { type: "button", class: "quiet", onclick: () => attempt(() => moreProblems(id, names, place, page + 1)) }, "Show more")));
  }
}

/** A cell may hold a megabyte; its beginning tells which one it is. @param {unknown} value */
function clip(value) {
  const text = String(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

/** @param {any[]} columns @param {string[]} headings */
function mappingCard(columns, headings) {
  const keys = new Set(columns.map((column) => column.key));
  // What stands under no heading, or under "_", is no field.
  const rest = headings.filter((heading) => heading && heading !== "_" && !keys.has(heading));
  return h("details", { class: "card", open: true },
    h("summary", {}, h("h2", {}, "Mapping")),
    scroller("Mapping", h("table", {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Column"), h("th", { scope: "col" }, "Heading in the file"))),
      h("tbody", {}, ...columns.map((column) => h("tr", {},
        h("th", { scope: "row" }, column.name),
        h("td", {}, column.columnHeading || h("span", { class: "soft" }, "not in the file"))))))),
    rest.length ? h("p", { class: "soft" }, `Carried along unchecked: ${rest.join(", ")}.`) : null);
}

/** The three lines a program needs. @param {string} id of an upload, or "" @param {boolean} whole with the upload itself */
function pullCard(id, whole) {
  const key = `-H 'accesskey: ${here.key}'`;
  const address = `${location.origin}/v1`;
  const upload = id || "$id";
  const quote = id ? "'" : '"';  // a shell variable must be read, an address with ? and & must not
  const lines = [
    whole ? `id=$(curl -s ${key} -F file=@people.csv '${address}/upload/${here.template._id}?auto=true' | sed 's/.*"_id":"\\([0-9a-f]*\\)".*/\\1/')` : "",
    `curl -s ${key} ${quote}${address}/review/${upload}?type=invalid&limit=20${quote}`,
    `curl -s ${key} -H 'Accept: text/csv' ${quote}${address}/upload/${upload}/rows/valid${quote}`,
  ].filter(Boolean);
  if (!whole) lines.unshift(`curl -s ${key} '${address}/upload/${upload}'`);
  const says = whole
    ? ["Upload and check:", "What is wrong:", "The valid rows, as CSV:"]
    : ["Where it stands:", "What is wrong:", "The valid rows, as CSV:"];
  return h("section", { class: "card", "aria-labelledby": "pull-title" },
    h("h2", { id: "pull-title" }, "Pull the rows"),
    h("p", { class: "soft" }, whole ? "Three lines, for a program or a terminal:" : "The same from a program or a terminal:"),
    ...lines.map((line, i) => h("div", { class: "line" }, h("span", { class: "soft" }, says[i]), h("div", { class: "code" },
      h("pre", { tabIndex: 0, role: "group", "aria-label": `Command: ${says[i]}` }, h("code", {}, line)), copyButton(line, says[i])))));
}

/** @param {string} text @param {string} what */
function copyButton(text, what) {
  const button = h("button", {
    type: "button", class: "quiet", "aria-label": `Copy: ${what}`,
    onclick: async () => {
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
        byId("status").textContent = "Copied.";
      } catch {
        // Browsers give the clipboard to https and localhost only.
        button.textContent = "Select it by hand";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    },
  }, "Copy");
  return button;
}

function again() {
  return h("p", {}, h("a", { class: "button", href: `#template=${here.template?._id ?? ""}` }, "Import another file"));
}

// --- small parts ---------------------------------------------------------------------------------------------------

/** @param {...(Node | null)} nodes */
function show(...nodes) {
  const view = byId("view");
  view.replaceChildren(...nodes.filter((node) => node !== null));
  window.scrollTo(0, 0);
  // A reader is told where they are now, unless the view takes the focus itself.
  const title = view.querySelector("h1");
  if (title) {
    title.tabIndex = -1;
    title.focus();
  }
}

/** @param {string} sentence "" takes it away */
function complain(sentence) {
  byId("alert").replaceChildren(...(sentence ? [h("p", { class: "notice bad" }, sentence)] : []));
  if (sentence) byId("alert").scrollIntoView({ block: "nearest" });
}

/** @param {HTMLElement} button @param {boolean} on */
function busy(button, on) {
  /** @type {HTMLButtonElement} */ (button).disabled = on;
  button.setAttribute("aria-busy", String(on));
}

/** A wide table scrolls inside its frame, by keyboard too. @param {string} label @param {HTMLElement} table */
function scroller(label, table) {
  return h("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": label }, table);
}
