/** Choosing a template, where there are several and none was named; and giving a file. */

import { WORKBOOK, attempt, save, send, take, takePasted, typeIn } from "../flow.js";
import { Button, Data, Select, html, useEffect, useState, useValue } from "../kit.js";
import { client, columns, config, options, phase, problem, template, templates } from "../store.js";
import { t } from "../text.js";
import { expected } from "../words.js";
import { Zone } from "./zone.js";

const ACCEPTED = ".csv,.tsv,.txt,.tab,.psv,.gz,.zip,.xlsx,.xlsm,.xlsb,.xls,.ods,.fods,.json,.ndjson,.jsonl,.xml,.html,text/csv";

/** So many columns are shown without being asked for. */
const OPEN_COLUMNS = 12;

export function Choose() {
  const all = useValue(templates);
  const [chosen, setChosen] = useState("");
  const [asked, setAsked] = useState(false);
  if (!all.length) return html`<div class="centre card"><p>${t("PHASE1.TEMPLATE_NOT_FOUND_MSG")}</p></div>`;
  return html`<form class="centre card" onSubmit=${(/** @type {Event} */ event) => {
    event.preventDefault();
    const found = all.find((one) => one._id === chosen);
    if (found) take(found);
    else setAsked(true);
  }}>
    <${Select} label=${t("PHASE1.SELECT_TEMPLATE_NAME")} value=${chosen} onChange=${setChosen} aria-invalid=${asked && !chosen ? "true" : null}
      options=${[["", t("PHASE1.SELECT_TEMPLATE_NAME_PLACEHOLDER")], ...all.map((one) => [one._id, one.name])]} />
    ${asked && !chosen ? html`<p class="wrong" role="alert">${t("PHASE1.SELECT_TEMPLATE_REQUIRED_MSG")}</p>` : null}
    <button class="button primary" type="submit">${t("COMMON.CONTINUE")}</button>
  </form>`;
}

export function Drop() {
  const shape = useValue(columns);
  const given = useValue(options);
  const settings = useValue(config);
  const hidden = given.config ?? {};

  /** @param {FileList} files */
  const take = (files) => {
    if (files.length > 1) problem.value = { text: t("ERRORS.ONE_FILE") };
    else send(files[0]);
  };

  useEffect(() => {
    const paste = (/** @type {ClipboardEvent} */ event) => {
      if (!event.clipboardData || event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      if (event.clipboardData.files.length > 1) problem.value = { text: t("ERRORS.ONE_FILE") };
      else takePasted(event.clipboardData);
    };
    document.addEventListener("paste", paste);
    return () => document.removeEventListener("paste", paste);
  }, []);

  if (!shape.length) return html`<div class="centre card"><p role="alert">${t("PHASE1.INCOMPLETE_TEMPLATE_MSG")}</p></div>`;
  return html`<div class="drop-screen"><div class="giving">
    <${Zone} title=${t("FILE_DROP_AREA.DROP_FILE")} choose=${t("FILE_DROP_AREA.CHOOSE_FILE")} help=${t("FILE_DROP_AREA.FILE_FORMATS")}
      accept=${ACCEPTED} kind="primary" onFiles=${take}
      sign=${html`<svg class="drop-sign" viewBox="0 0 48 48" aria-hidden="true"><path d="M24 32V12m0 0-8 8m8-8 8 8M8 32v6a2 2 0 0 0 2 2h28a2 2 0 0 0 2-2v-6" /></svg>`}>
      <p class="soft paste-hint">${t("DROP.PASTE")} <kbd>Ctrl V</kbd></p>
    <//>
    <div class="row">
      ${shape.some((column) => column.type === "Image") ? html`<${Button} onClick=${() => { phase.value = "images"; }}>${t("PHASE1.GENERATE_TEMPLATE")}<//>` : null}
      ${settings.MANUAL_ENTRY === false ? null : html`<${Button} onClick=${typeIn}>${t("PHASE1-2.ENTER_DATA")}<//>`}
      ${hidden.hideDownloadSampleButton || settings.DOWNLOAD_SAMPLE_FILE === false ? null
        : html`<${Button} onClick=${() => attempt(sample)}>${t("PHASE1.DOWNLOAD_SAMPLE")}<//>`}
    </div>
    </div>
    <details class="card expected" open=${shape.length <= OPEN_COLUMNS && window.innerWidth >= 620}>
      <summary>${t("DROP.EXPECTED", { count: shape.length })}</summary>
      <dl>${shape.map((column) => html`<div>
        <dt><${Data} limit=${60}>${column.name}<//>${column.isRequired ? html`<span class="star" title=${t("COMMON.REQUIRED")} aria-label=${t("COMMON.REQUIRED")} role="img">*</span>` : null}</dt>
        <dd class="soft"><${Data} limit=${200}>${[expected(column), column.description].filter(Boolean).join(" · ")}<//></dd></div>`)}</dl>
      ${shape.some((column) => column.isRequired) ? html`<p class="soft small"><span class="star" aria-hidden="true">*</span> ${t("COMMON.REQUIRED")}</p>` : null}
    </details>
  </div>`;
}

/** The host's own sample, else the server's, with the rows that the host gave. */
async function sample() {
  const { sampleFile, data, schema } = options.value;
  if (sampleFile instanceof Blob) return save(sampleFile, /** @type {any} */ (sampleFile).name ?? "sample.csv");
  const body = { data: data || undefined, schema: schema || undefined };
  return save(await client.value.download(`/v1/template/${template.value._id}/sample`, WORKBOOK, body), `${template.value.name}.xlsx`);
}
