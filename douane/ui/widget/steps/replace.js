/** Find and replace, in one column or all, with what would happen shown before it does. */

import { Dialog } from "../dialog.js";
import { attempt } from "../flow.js";
import { Button, Data, Select, html, useEffect, useId, useState } from "../kit.js";
import * as look from "../look.js";
import { t } from "../text.js";

const TYPING_MS = 300;

/** @param {any} props */
export function FindReplace({ shape, column, onClose, onDone }) {
  const [what, setWhat] = useState({ find: "", replace: "", column, caseSensitive: false, matchEntireCell: false });
  const [preview, setPreview] = useState(/** @type {any} */ (null));
  const find = useId(), by = useId();
  const set = (/** @type {Partial<typeof what>} */ change) => setWhat({ ...what, ...change });
  useEffect(() => {
    if (!what.find && !what.replace) {
      setPreview(null);
      return undefined;
    }
    const control = new AbortController();
    const timer = setTimeout(() => attempt(async () => setPreview(await look.replace(what, true, control.signal))), TYPING_MS);
    return () => {
      clearTimeout(timer);
      control.abort(new DOMException("stopped", "AbortError"));
    };
  }, [what]);
  const names = new Map(shape.map((/** @type {any} */ one) => [one.key, one.name]));
  const cells = preview?.cells ?? null;
  return html`<${Dialog} wide title=${t("PHASE3.FIND_REPLACE")} onClose=${onClose} actions=${[
    html`<${Button} onClick=${onClose}>${t("COMMON.CANCEL")}<//>`,
    html`<${Button} kind="primary" disabled=${!cells} onClick=${() => onDone(what)}>${cells ? t("REPLACE.GO", { count: cells }) : t("PHASE3.REPLACE")}<//>`,
  ]}>
    <div class="two">
      <div class="field"><label for=${find}>${t("PHASE3.FIND_LABEL")}</label>
        <input id=${find} dir="auto" autocomplete="off" value=${what.find} placeholder=${t("PHASE3.FIND_PLACEHOLDER")} onInput=${(/** @type {any} */ event) => set({ find: event.target.value })} /></div>
      <div class="field"><label for=${by}>${t("PHASE3.REPLACE_LABEL")}</label>
        <input id=${by} dir="auto" autocomplete="off" value=${what.replace} onInput=${(/** @type {any} */ event) => set({ replace: event.target.value })} /></div>
    </div>
    ${what.find ? null : html`<p class="soft">${t("REPLACE.EMPTY_CELLS")}</p>`}
    <${Select} label=${t("PHASE3.IN_COLUMN_LABEL")} value=${what.column} onChange=${(/** @type {string} */ value) => set({ column: value })}
      options=${[["", t("PHASE3.ALL_COLUMNS_LABEL")], ...shape.map((/** @type {any} */ one) => [one.key, one.name])]} />
    <label class="check"><input type="checkbox" checked=${what.caseSensitive} onChange=${(/** @type {any} */ event) => set({ caseSensitive: event.target.checked })} /> ${t("PHASE3.CASE_SENSITIVE_LABEL")}</label>
    <label class="check"><input type="checkbox" checked=${what.matchEntireCell} onChange=${(/** @type {any} */ event) => set({ matchEntireCell: event.target.checked })} /> ${t("PHASE3.MATCH_ENTIRE_LABEL")}</label>
    <div role="status">${cells === null ? null : cells ? html`<p>${t("REPLACE.WILL", { count: cells })}</p>
      <ul class="hits" tabindex="0">${(preview.sample ?? []).map((/** @type {any} */ hit) => html`<li><span class="soft"><${Data} limit=${30}>${names.get(hit.column) ?? hit.column}<//>:</span>${" "}
        <del><${Data} limit=${60}>${hit.before || t("SIDE.EMPTY")}<//></del> <span class="arrow">→</span> <ins><${Data} limit=${60}>${hit.after || t("SIDE.EMPTY")}<//></ins></li>`)}</ul>`
      : html`<p class="soft">${t("REPLACE.NONE")}</p>`}</div>
  <//>`;
}
