/** Which heading feeds which column: what the server proposes and why, with values of the file beside it. */

import { attempt, isUnsure, restart, settle } from "../flow.js";
import { Button, Data, Select, html, useEffect, useState, useValue } from "../kit.js";
import { client, mapping, phase, upload } from "../store.js";
import { t } from "../text.js";

export function Mapping() {
  const proposed = useValue(mapping);
  const current = useValue(upload);
  const [chosen, setChosen] = useState(/** @type {Record<string, string>} */ ({}));
  const [headings, setHeadings] = useState(/** @type {string[]} */ ([]));
  const [rows, setRows] = useState(/** @type {string[][]} */ ([]));
  const [asked, setAsked] = useState(false);
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    setChosen(Object.fromEntries(proposed.map((column) => [column.key, column.columnHeading ?? ""])));
  }, [proposed]);
  useEffect(() => {
    attempt(async () => {
      const [names, preview] = await Promise.all([
        client.value.call("GET", `/v1/upload/${current._id}/headings`),
        client.value.call("GET", `/v1/upload/${current._id}/preview`),
      ]);
      setHeadings(names);
      setRows(preview.slice(Math.max(0, (current.headerRow ?? 0) + 1)));
    });
  }, [current._id]);

  /** @param {string} heading */
  const samples = (heading) => {
    const at = headings.indexOf(heading);
    if (at < 0) return [];
    return rows.map((row) => row[at]).filter((value) => value !== undefined && value !== "").slice(0, 3);
  };
  const taken = new Map(Object.entries(chosen).filter(([, heading]) => heading).map(([key, heading]) => [heading, key]));
  const missing = proposed.filter((column) => column.isRequired && !chosen[column.key]);
  const ignored = headings.filter((heading) => heading && !taken.has(heading));
  const fed = Object.values(chosen).filter(Boolean).length;
  const names = new Map(proposed.map((column) => [column.key, column.name]));

  const go = async () => {
    setAsked(true);
    if (missing.length || !fed) return;
    setBusy(true);
    await attempt(() => settle(proposed.map((column) => ({ ...column, columnHeading: chosen[column.key] }))));
    setBusy(false);
  };

  const set = (/** @type {any} */ column, /** @type {string} */ value) => {
    const other = taken.get(value);
    setChosen((before) => ({ ...before, ...(other && value ? { [other]: "" } : {}), [column.key]: value }));
  };
  // What a person must look at stands first; it stays where it is while they choose.
  const open = proposed.filter((column) => (column.columnHeading ? isUnsure(column) : column.isRequired || column.alike?.length));
  const clear = proposed.filter((column) => !open.includes(column));
  const line = (/** @type {any} */ column) => html`<${Line} key=${column.key} column=${column} heading=${chosen[column.key] ?? ""} asked=${asked}
    headings=${headings} taken=${taken} names=${names} samples=${samples} onChoose=${(/** @type {string} */ value) => set(column, value)} />`;

  return html`<div class="stack mapping-screen">
    <p class="lead-in">${t("MAPPING.INTRO", { count: fed, total: proposed.length })}
      ${" "}<${Button} kind="link" onClick=${() => { phase.value = "heading"; }}>${t("MAPPING.OTHER_HEADING")}<//></p>
    ${open.length ? html`<section><h2>${t("MAPPING.PLEASE_LOOK")}</h2><ul class="mapping">${open.map(line)}</ul></section>` : null}
    ${clear.length ? html`<section>${open.length ? html`<h2>${t("MAPPING.CLEAR")}</h2>` : null}<ul class="mapping">${clear.map(line)}</ul></section>` : null}
    ${ignored.length ? html`<p class="soft">${t("MAPPING.IGNORED", { count: ignored.length })} ${ignored.slice(0, 20).map((name, at) => html`${at ? ", " : ""}<${Data} limit=${40}>${name}<//>`)}${ignored.length > 20 ? " …" : ""}</p>` : null}
    <div class="row end sticky-end">
      ${asked && (missing.length || !fed) ? html`<p class="wrong" role="status">${missing.length ? t("MAPPING.MISSING", { count: missing.length }) : t("MAPPING.NOTHING")}</p>` : null}
      <${Button} kind="quiet" onClick=${restart}>${t("COMMON.UPLOAD_AGAIN")}<//>
      <${Button} kind="primary" busy=${busy} onClick=${go}>${t("PHASE2.REVIEW_DATA")}<//>
    </div>
  </div>`;
}

/** One column, and where its values come from. @param {any} props */
function Line({ column, heading, asked, headings, taken, names, samples, onChoose }) {
  const lacking = asked && column.isRequired && !heading;
  return html`<li class=${`map ${heading ? "fed" : column.isRequired ? "lacking" : ""}`}>
    <div class="map-column"><strong><${Data} limit=${80}>${column.name}<//></strong>
      ${column.isRequired ? html` <span class="tag">${t("COMMON.REQUIRED")}</span>` : null}
      ${column.description ? html`<p class="soft"><${Data} limit=${200}>${column.description}<//></p>` : null}</div>
    <span class="map-arrow" aria-hidden="true">←</span>
    <div class="map-heading">
      <${Select} label=${t("MAPPING.HEADING_FOR", { column: column.name })} hideLabel value=${heading}
        aria-invalid=${lacking ? "true" : null} onChange=${onChoose}
        options=${[["", t("PHASE2.MAPPING_FIELD_PLACEHOLDER")], ...headings.map((/** @type {string} */ name) => [name, taken.has(name) && taken.get(name) !== column.key
          ? `${clip(name)} · ${t("PHASE2.ALREADY_MAPPED_MSG", { field: clip(name), column: names.get(taken.get(name)) ?? "" })}` : clip(name) || t("MAPPING.NO_NAME")])]} />
      ${lacking ? html`<p class="wrong" role="alert">${t("PHASE2.FIELD_REQUIRED_MSG")}</p>` : null}
      ${heading ? html`<p class="samples soft">${samples(heading).map((/** @type {string} */ value) => html`<span class="sample"><${Data} limit=${40}>${value}<//></span>`)}
        ${heading === column.columnHeading && column.reason ? html`<span class=${isUnsure(column) ? "reason unsure" : "reason"}>${reason(column)}</span>` : null}</p>` : null}
      ${!heading && column.alike?.length ? html`<p class="soft">${t("MAPPING.PERHAPS")} ${column.alike.slice(0, 3).map((/** @type {string} */ name) => html`<${Button} kind="link" onClick=${() => onChoose(name)}><${Data} limit=${40}>${name}<//><//> `)}</p>` : null}
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
