/** Which heading feeds which column: what the server proposes and why, with values of the file beside it. */

import { attempt, choose, isUnsure, restart, state } from "../flow.js";
import { Button, Data, Select, html, useEffect, useState, useValue } from "../kit.js";
import { columns, phase, reading, upload } from "../store.js";
import { t } from "../text.js";
import { Facts } from "./facts.js";

/** So many headings that nothing uses yet are offered with one click. */
const OFFERED = 6;
/** With more headings than this a list has all of them only once it is wanted: a sheet has up to 16,384. */
const LISTED = 300;

export function Mapping() {
  const now = useValue(reading);
  const current = useValue(upload);
  const [chosen, setChosen] = useState(/** @type {Record<string, number | null>} */ ({}));
  const [asked, setAsked] = useState(false);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    attempt(async () => {
      const found = await state();
      setChosen(Object.fromEntries(found.columns.map((/** @type {any} */ column) => [column.key, column.heading])));
    });
  }, [current._id]);
  if (!now || !Object.keys(chosen).length) return html`<p class="centre soft">${t("PROGRESS.STARTING")}</p>`;

  /** @type {any[]} */
  const proposed = now.columns;
  /** @type {any[]} */
  const headings = now.headings;
  const taken = new Map(Object.entries(chosen).filter(([, heading]) => heading !== null).map(([key, heading]) => [heading, key]));
  const missing = proposed.filter((column) => column.isRequired && chosen[column.key] === null);
  const ignored = headings.filter((one) => one.heading && !taken.has(one.index));
  const fed = taken.size;
  const names = new Map(proposed.map((column) => [column.key, column.name]));
  const says = new Map(columns.peek().map((column) => [column.key, column.description]));

  const go = async () => {
    setAsked(true);
    if (missing.length || !fed) return;
    setBusy(true);
    await attempt(() => choose(chosen));
    setBusy(false);
  };

  const set = (/** @type {any} */ column, /** @type {number | null} */ value) => {
    const other = value === null ? undefined : taken.get(value);
    setChosen((before) => ({ ...before, ...(other ? { [other]: null } : {}), [column.key]: value }));
  };
  // What a person must look at stands first; it stays where it is while they choose.
  const open = proposed.filter((column) => (column.heading === null ? column.isRequired || column.proposal?.alike.length : column.proposal?.heading === column.heading && isUnsure(column.proposal)));
  const spare = headings.some((one) => one.heading && one.column === null);
  const empty = spare ? proposed.filter((column) => column.heading === null && !open.includes(column)) : [];
  const clear = proposed.filter((column) => !open.includes(column) && !empty.includes(column));
  const line = (/** @type {any} */ column) => html`<${Line} key=${column.key} column=${column} heading=${chosen[column.key] ?? null} asked=${asked}
    headings=${headings} free=${ignored} taken=${taken} names=${names} says=${says.get(column.key)} onChoose=${(/** @type {number | null} */ value) => set(column, value)} />`;

  return html`<${Facts} /><div class="stack mapping-screen">
    <p class="lead-in">${t("MAPPING.INTRO", { count: fed, total: proposed.length })}
      ${" "}<${Button} kind="link" onClick=${() => { phase.value = "heading"; }}>${t("MAPPING.OTHER_HEADING")}<//></p>
    <p class="map-titles soft small" aria-hidden="true"><span>${t("PHASE2.IN_SCHEMA_TITLE")}</span><span>${t("PHASE2.IN_SHEET_TITLE")}</span></p>
    ${open.length ? html`<section><h2>${t("MAPPING.PLEASE_LOOK")}</h2><ul class="mapping">${open.map(line)}</ul></section>` : null}
    ${empty.length ? html`<section><h2>${t("MAPPING.EMPTY")}</h2><ul class="mapping">${empty.map(line)}</ul></section>` : null}
    ${clear.length ? html`<section>${open.length || empty.length ? html`<h2>${t("MAPPING.CLEAR")}</h2>` : null}<ul class="mapping">${clear.map(line)}</ul></section>` : null}
    ${ignored.length ? html`<p class="soft">${t("MAPPING.IGNORED", { count: ignored.length })} ${ignored.slice(0, 20).map((one, at) => html`${at ? ", " : ""}<${Data} limit=${40}>${one.heading}<//>`)}${ignored.length > 20 ? " …" : ""}</p>` : null}
    <div class="row end sticky-end">
      ${asked && (missing.length || !fed) ? html`<p class="wrong" role="status">${missing.length ? t("MAPPING.MISSING", { count: missing.length }) : t("MAPPING.NOTHING")}</p>` : null}
      ${["Uploaded", "Mapping"].includes(current.status) ? html`<${Button} kind="quiet" onClick=${restart}>${t("COMMON.UPLOAD_AGAIN")}<//>`
        : html`<${Button} onClick=${() => { phase.value = "review"; }}>${t("COMMON.CANCEL")}<//>`}
      <${Button} kind="primary" busy=${busy} onClick=${go}>${t("PHASE2.REVIEW_DATA")}<//>
    </div>
  </div>`;
}

/** One column, and where its values come from. @param {any} props */
function Line({ column, heading, asked, headings, free, taken, names, says, onChoose }) {
  const [whole, setWhole] = useState(headings.length <= LISTED);
  const lacking = asked && column.isRequired && heading === null;
  const proposal = column.proposal, from = headings.find((/** @type {any} */ one) => one.index === heading);
  /** @type {any[]} */
  const perhaps = heading === null ? (proposal?.alike ?? []).slice(0, 3).map((/** @type {number} */ at) => headings.find((/** @type {any} */ one) => one.index === at)).filter(Boolean) : [];
  /** @type {any[]} */
  const offered = heading === null ? (perhaps.length ? perhaps : free.slice(0, OFFERED)) : [];
  const listed = whole ? headings : [from, ...offered].filter(Boolean);
  const called = (/** @type {any} */ one) => {
    const name = clip(one.heading) || t("MAPPING.NO_NAME"), other = taken.get(one.index);
    return other !== undefined && other !== column.key ? `${name} · ${t("PHASE2.ALREADY_MAPPED_MSG", { field: name, column: names.get(other) ?? "" })}` : name;
  };
  return html`<li class=${`map ${from ? "fed" : column.isRequired ? "lacking" : ""}`}>
    <div class="map-column"><strong><${Data} limit=${80}>${column.name}<//></strong>
      <span class="unseen">${t(from ? "PHASE2.MAPPING_DONE_TEXT" : "PHASE2.MAPPING_NOT_DONE_TEXT")}</span>
      ${column.isRequired ? html` <span class="tag">${t("COMMON.REQUIRED")}</span>` : null}
      ${says ? html`<p class="soft"><${Data} limit=${200}>${says}<//></p>` : null}</div>
    <span class="map-arrow" aria-hidden="true">←</span>
    <div class="map-heading">
      <${Select} label=${t("MAPPING.HEADING_FOR", { column: column.name })} hideLabel value=${heading === null ? "" : String(heading)}
        aria-invalid=${lacking ? "true" : null} onChange=${(/** @type {string} */ value) => onChoose(value === "" ? null : Number(value))}
        onPointerDown=${() => setWhole(true)} onKeyDown=${() => setWhole(true)}
        options=${[["", t("PHASE2.MAPPING_FIELD_PLACEHOLDER")], ...listed.map((/** @type {any} */ one) => [String(one.index), called(one)])]} />
      ${lacking ? html`<p class="wrong" role="alert">${t("PHASE2.FIELD_REQUIRED_MSG")}</p>` : null}
      ${from ? html`<p class="samples soft">${from.values.map((/** @type {string} */ value) => html`<span class="sample"><${Data} limit=${40}>${value}<//></span>`)}
        ${proposal?.heading === heading ? html`<span class=${isUnsure(proposal) ? "reason unsure" : "reason"}>${reason(proposal)}</span>` : null}</p>` : null}
      ${offered.length ? html`<p class="offers soft"><span>${t(perhaps.length ? "MAPPING.PERHAPS" : "MAPPING.NOT_USED")}</span> ${offered.map((one) => html`<${Button} kind="small" onClick=${(/** @type {Event} */ event) => {
        // The offers go with what was chosen; the focus stays on the line.
        /** @type {HTMLElement} */ (event.currentTarget).closest("li")?.querySelector("select")?.focus();
        onChoose(one.index);
      }}>
        <${Data} limit=${30}>${one.heading}<//>${one.values[0] && one.values[0] !== one.heading ? html` <span class="soft"><${Data} limit=${16}>${one.values[0]}<//></span>` : null}<//>`)}</p>` : null}
    </div>
  </li>`;
}

/** A heading may be as long as a cell. @param {string} name */
function clip(name) {
  return name.length > 80 ? `${name.slice(0, 80)}…` : name;
}

/** Why the server proposes it, and whether it is sure. @param {any} column */
function reason(column) {
  const name = `MAPPING.REASON_${String(column.reason).toUpperCase()}`;
  const why = t(name);
  return [why === name ? "" : why, isUnsure(column) ? t("MAPPING.UNSURE") : ""].filter(Boolean).join(" · ");
}
