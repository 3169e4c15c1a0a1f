/**
 * The plain first page: sign in, drop a file on a template, see what is wrong, pull the rows.
 *
 * One view is on the screen at a time: sign-in, template, or an upload on its way. Every view is made anew from what the
 * server answered; the only state kept is which template and which upload are meant (the latter in the address, so that a
 * reload goes on where it was).
 */

import { Refusal, call, follow, send } from "/ui/api.js";
import { byId, count, duration, h, many, size } from "/ui/dom.js";

const PAGE_ROWS = 50;

/** @type {{ project: any, templates: any[], template: any, columns: any[], key: string }} */
const here = { project: null, templates: [], template: null, columns: [], key: "" };

/** Stops whatever the view before was still doing (an upload, a stream of events). */
let leave = () => {};

start();

async function start() {
  byId("sign-out").addEventListener("click", signOut);
  window.addEventListener("hashchange", () => attempt(open));
  // A file let go beside the field would make the browser open it and leave the page.
  for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
  await attempt(open);
}

/** Runs one step; a refusal becomes a sentence at the top, and a lost session the sign-in form. @param {() => Promise<any>} step */
async function attempt(step) {
  complain("");
  try {
    await step();
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) showSignIn();
    else complain(error instanceof Refusal ? error.message : `Something went wrong in this page: ${error}`);
  }
}

async function open() {
  leave();
  leave = () => {};
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
  leave();
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
    complain(error instanceof Error ? error.message : String(error));
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
    h("p", { class: "soft" }, "Drop a CSV or a workbook. Every cell is checked against the template. White space around a value does not count; nothing else is changed."),
    dropField(),
    tryCard(),
    h("section", { class: "card", "aria-labelledby": "template-title" },
      h("div", { class: "row" },
        h("h2", { id: "template-title" }, `Template “${here.template.name}”`),
        here.templates.length > 1 ? templateField() : null),
      templateTable(here.columns)),
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

/** The widget as customers see it, over this page as over any other. */
function tryCard() {
  const code = `<script src="${location.origin}/embed.umd.min.js"></script>\n<script>\n  const rows = await douane.import({ template: "${here.template._id}", token: "…" });\n</script>`;
  const button = h("button", {
    type: "button",
    onclick: () => attempt(async () => {
      const { douane } = await import("/douane.js");
      const rows = await douane.import({ template: here.template._id, token: here.key, project: here.project._id });
      if (rows) location.hash = `upload=${rows.upload._id}`;
    }),
  }, "Try the import widget");
  return h("section", { class: "card", "aria-labelledby": "try-title" },
    h("div", { class: "row" },
      h("div", {}, h("h2", { id: "try-title" }, "In your own application"),
        h("p", { class: "soft" }, "What your customers see: they drop a file, mend what is marked, and you get the rows.")),
      button),
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
    else upload(files[0], Object.fromEntries(reading.map((field) => [field.name, field.value.trim()])));
  };
  const reading = READING.map(([name]) => /** @type {HTMLInputElement} */ (h("input", { id: `read-${name}`, name, autocomplete: "off" })));
  const zone = h("div", { class: "drop" },
    input,
    h("label", { for: "file" }, h("strong", {}, "Choose a file"), " or drop it here"),
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

// --- an upload on its way ------------------------------------------------------------------------------------------

/** @param {File} file @param {Record<string, string>} fields */
async function upload(file, fields) {
  complain("");
  if (!file.size) {
    complain(`“${file.name}” is empty.`);
    return;
  }
  const bar = progressCard(`Sending “${file.name}”`, () => sending.abort());
  show(h("h1", {}, file.name), bar.card);
  const rate = meter();
  const sending = send(`/v1/upload/${here.template._id}`, file, (sent, total) => {
    if (sent < total) bar.update(sent, total, `${size(sent)} of ${size(total)}${rate("send", sent, total)}`);
    else bar.wait("Reading the headings …");
  }, fields);
  leave = () => sending.abort();
  let made;
  try {
    made = await sending.done;
  } catch (error) {
    leave = () => {};
    await attempt(() => openTemplate(here.template._id));
    await attempt(() => Promise.reject(error));
    return;
  }
  leave = () => {};
  history.pushState(null, "", `#upload=${made._id}`);
  await attempt(() => openUpload(made._id));
}

/** Shows an upload where it stands, and takes it on to the results. @param {string} id */
async function openUpload(id) {
  let state = await call("GET", `/v1/upload/${id}`);
  if (!here.template || here.template._id !== state._templateId) await choose(state._templateId);
  if (state.status === "Uploaded" || state.status === "Mapping") {
    const columns = await call("GET", `/v1/mapping/${id}`);
    const missing = columns.filter((/** @type {any} */ column) => column.isRequired && !column.columnHeading);
    if (missing.length) {
      await showMapping(state, columns, missing);
      return;
    }
    state = await finalize(id, columns);
  }
  if (state.status === "Mapped") {
    await check(state);
    return;
  }
  await showResult(state);
}

/** @param {string} id @param {any[]} columns */
function finalize(id, columns) {
  const chosen = columns.filter((column) => column.columnHeading);
  return call("POST", `/v1/mapping/${id}/finalize`,
    chosen.map((column) => ({ key: column.key, name: column.name, columnHeading: column.columnHeading })));
}

/** Asks for the headings of required columns that found none. @param {any} state @param {any[]} columns @param {any[]} missing */
async function showMapping(state, columns, missing) {
  const headings = await call("GET", `/v1/upload/${state._id}/headings`);
  const names = missing.map((column) => column.name).join(", ");
  /** @type {Map<string, HTMLSelectElement>} */
  const fields = new Map();
  const lines = columns.map((column) => {
    const field = /** @type {HTMLSelectElement} */ (h("select", { id: `map-${column.key}` },
      h("option", { value: "" }, "– not in the file –"),
      ...headings.map((/** @type {string} */ heading) =>
        h("option", { value: heading, selected: heading === column.columnHeading }, heading || "(no heading)"))));
    fields.set(column.key, field);
    return h("tr", {},
      h("th", { scope: "row" }, h("label", { for: `map-${column.key}` }, column.name), column.isRequired ? h("span", { class: "tag" }, "required") : null),
      h("td", {}, field));
  });
  const button = h("button", { type: "submit" }, "Check the file");
  show(
    h("h1", {}, state.fileName ?? state.originalFileName ?? "The file"),
    h("form", {
      class: "card",
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        busy(button, true);
        attempt(async () => {
          const chosen = columns.map((column) => ({ ...column, columnHeading: fields.get(column.key)?.value }));
          await check(await finalize(state._id, chosen));
        }).finally(() => busy(button, false));
      },
    },
    h("h2", {}, "Which heading is which column?"),
    h("p", {}, `No heading of the file looks like ${names}. Please choose.`),
    scroller("Mapping", h("table", {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Column"), h("th", { scope: "col" }, "Heading in the file"))),
      h("tbody", {}, ...lines))),
    h("div", { class: "row" }, button, stopButton(state._id))),
  );
  fields.get(missing[0].key)?.focus();
}

/** @param {any} state */
async function check(state) {
  const bar = progressCard("Checking every cell", () => attempt(() => stop(state._id)));
  show(h("h1", {}, state.fileName ?? state.originalFileName ?? "The file"), bar.card);
  await call("POST", `/v1/review/${state._id}`, undefined, { Prefer: "respond-async" });
  await new Promise((resolve, reject) => {
    const rate = meter();
    const close = follow(state._id, (now) => {
      bar.note("");
      if (now.stage === "Terminated") reject(new Refusal("The check was stopped.", 400));
      else if (now.error && !now.step) reject(new Refusal(now.error, 400));
      else if (now.stage !== "Mapped" && !now.step) resolve(now);
      else if (now.total) {
        const part = now.unit === "bytes" ? `${size(now.done)} of ${size(now.total)}` : `${count(now.done)} of ${many(now.total, now.unit.replace(/s$/, ""))}`;
        bar.update(now.done, now.total, `${now.step[0].toUpperCase()}${now.step.slice(1)}: ${part}${rate(now.step, now.done, now.total)}`);
      } else bar.wait(now.rows ? `${many(now.rows, "row")} read; the check is about to begin …` : "Waiting for its turn …");
    }, () => bar.note("The connection broke; trying again."));
    leave = () => {
      close();
      resolve(null);
    };
  }).finally(() => leave());
  leave = () => {};
  if (location.hash === `#upload=${state._id}`) await showResult(await call("GET", `/v1/upload/${state._id}`));
}

/** @param {string} id */
async function stop(id) {
  await call("DELETE", `/v1/upload/${id}`);
  location.hash = `template=${here.template?._id ?? ""}`;
}

/** @param {string} id */
function stopButton(id) {
  return h("button", { type: "button", class: "quiet", onclick: () => attempt(() => stop(id)) }, "Discard this file");
}

// --- the result ----------------------------------------------------------------------------------------------------

/** @param {any} state the upload, checked */
async function showResult(state) {
  const ended = { Terminated: "This file was discarded.", Failed: "The check of this file failed." }[/** @type {string} */ (state.status)];
  if (ended) {
    show(h("h1", {}, state.fileName ?? state.originalFileName ?? "The file"), h("p", { class: "notice" }, state.failure?.message ? `${ended} ${state.failure.message}` : ended), again());
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
    h("h1", {}, state.fileName ?? state.originalFileName ?? "The file"),
    ...noticed(state),
    h("dl", { class: "counters" },
      counter("Rows", state.totalRecords, ""), counter("Valid", state.validRecords, "good"), counter("Invalid", state.invalidRecords, "bad")),
    h("section", { class: "card", "aria-labelledby": "result-title" },
      h("h2", { id: "result-title" }, title),
      problems),
    open && state.totalRecords ? confirmCard(state) : null,
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

/** @param {any} state */
function confirmCard(state) {
  const button = h("button", {
    type: "button",
    onclick: () => {
      busy(button, true);
      attempt(async () => {
        await call("POST", `/v1/review/${state._id}/confirm`, {});
        await showResult(await call("GET", `/v1/upload/${state._id}`));
      }).finally(() => busy(button, false));
    },
  }, "Confirm the import");
  return h("section", { class: "card row", "aria-label": "Confirm" },
    h("p", {}, state.invalidRecords
      ? "Confirm to close the review as it stands, or mend the file and drop it again."
      : "All is well: confirm, and the review is closed."),
    h("div", { class: "row" }, button, stopButton(state._id)));
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

/** @param {string} title @param {() => void} onStop */
function progressCard(title, onStop) {
  const bar = /** @type {HTMLProgressElement} */ (h("progress", { max: 1, "aria-label": title }));
  const text = h("span", {}, "Starting …");
  const note = h("span", { class: "soft" });
  let spoken = 0;
  /** Every tenth is enough to listen to. @param {number} part */
  const speak = (part) => {
    const tenth = Math.floor(part * 10);
    if (tenth > spoken) {
      spoken = tenth;
      byId("status").textContent = `${title}: ${tenth * 10} %`;
    }
  };
  return {
    card: h("section", { class: "card", "aria-label": title }, h("h2", {}, title), bar,
      h("div", { class: "row" }, h("p", {}, text, " ", note), h("button", { type: "button", class: "quiet", onclick: onStop }, "Stop"))),
    /** @param {number} done @param {number} total @param {string} words */
    update(done, total, words) {
      bar.value = total ? done / total : 0;
      text.textContent = words;
      speak(bar.value);
    },
    /** @param {string} words */
    wait(words) {
      bar.removeAttribute("value");
      text.textContent = words;
    },
    /** @param {string} words */
    note(words) {
      note.textContent = words;
    },
  };
}

/** Words for the time left of a step, from its speed so far; "" until that is worth saying. */
function meter() {
  let step = "";
  let began = 0;
  let first = 0;
  return (/** @type {string} */ now, /** @type {number} */ done, /** @type {number} */ total) => {
    if (now !== step) [step, began, first] = [now, performance.now(), done];
    const seconds = (performance.now() - began) / 1000;
    if (seconds < 1 || done <= first || done >= total) return "";
    return `, about ${duration(((total - done) * seconds) / (done - first))} left`;
  };
}
