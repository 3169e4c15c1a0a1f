/**
 * Images before the import (contract 5.7): they are sent first, and named in the file by their names; a sample whose lists
 * offer these names comes back. Who has none, or a file that names them already, goes on.
 */

import { attempt, skipImages, takeImages } from "../flow.js";
import { Button, Data, Select, html, useEffect, useRef, useState, useValue } from "../kit.js";
import { columns, images, problem } from "../store.js";
import { size, t } from "../text.js";
import { Zone } from "./zone.js";

const ACCEPTED = ".png,.jpg,.jpeg,.webp,image/png,image/jpeg,image/webp";
const MOST_BYTES = 5_000_000;
/** Of a small picture, in pixels. */
const SIDE = 40;

export function Images() {
  const shape = useValue(columns).filter((column) => column.type === "Image");
  const given = useValue(images);
  const [column, setColumn] = useState(shape[0]?.key ?? "");
  const [busy, setBusy] = useState(false);
  const chosen = given.files;
  const all = Object.values(chosen).flat(), sent = given.importId !== "";

  /** @param {FileList} files */
  const add = (files) => {
    const taken = [...files];
    const wrong = taken.find((one) => !/\.(png|jpe?g|webp)$/i.test(one.name)), large = taken.find((one) => one.size > MOST_BYTES);
    if (wrong || large) problem.value = { text: wrong ? t("IMAGES.WRONG_KIND", { file: wrong.name }) : t("IMAGES.TOO_LARGE", { file: large?.name ?? "", most: size(MOST_BYTES) }) };
    else problem.value = null;
    const good = taken.filter((one) => one !== wrong && /\.(png|jpe?g|webp)$/i.test(one.name) && one.size <= MOST_BYTES);
    const names = new Set(good.map((one) => one.name));
    // A name is one image, whichever column names it.
    const other = Object.entries(chosen).find(([key, files]) => key !== column && files.some((one) => names.has(one.name)));
    if (other) {
      problem.value = { text: t("IMAGES.SAME_NAME", { file: other[1].find((one) => names.has(one.name))?.name ?? "" }) };
      return;
    }
    images.value = { importId: "", files: { ...chosen, [column]: [...(chosen[column] ?? []).filter((one) => !names.has(one.name)), ...good] } };
  };
  const remove = (/** @type {string} */ key, /** @type {File} */ file) => {
    images.value = { importId: "", files: { ...chosen, [key]: chosen[key].filter((one) => one !== file) } };
  };
  const go = async () => {
    setBusy(true);
    await attempt(takeImages);
    setBusy(false);
  };
  const names = new Map(shape.map((one) => [one.key, one.name]));

  return html`<div class="drop-screen images"><div class="giving">
    <div><h2>${t("PHASE0-1.IMAGE_INFO_TITLE")}</h2><p class="soft">${t("PHASE0-1.IMAGE_INFO_SUBTITLE")}</p></div>
    ${shape.length > 1 ? html`<${Select} label=${t("IMAGES.COLUMN")} value=${column} onChange=${setColumn} options=${shape.map((one) => [one.key, one.name])} />` : null}
    <${Zone} title=${t("IMAGES.DROP")} choose=${t("IMAGES.CHOOSE")} help=${`PNG, JPG, WEBP · ${t("FILE_DROP_AREA.IMAGE_FILE_SIZE")}`}
      accept=${ACCEPTED} multiple onFiles=${add} />
    ${all.length ? html`<ul class="thumbs" tabindex="0" aria-label=${t("IMAGES.CHOSEN", { count: all.length })}>${Object.entries(chosen).flatMap(([key, files]) => files.map((file) => html`<li key=${`${key}/${file.name}`}>
      <${Thumb} file=${file} /><span><${Data} limit=${40}>${file.name}<//>${shape.length > 1 ? html` <span class="soft"><${Data} limit=${30}>${names.get(key) ?? key}<//></span>` : null}</span>
      <${Button} kind="quiet small icon" aria-label=${t("IMAGES.REMOVE", { file: file.name })} onClick=${() => remove(key, file)}>✕<//></li>`))}</ul>` : null}
    <div class="row">
      <${Button} kind=${sent ? "primary" : "secondary"} onClick=${skipImages}>${t("PHASE0-1.IMPORT_FILE")}<//>
      <${Button} kind=${sent ? "secondary" : "primary"} busy=${busy} disabled=${!all.length || sent} onClick=${go}>${t("PHASE0-1.GENERATE_TEMPLATE")}<//>
    </div>
    <p role="status" class="all-good">${sent ? t("IMAGES.SENT") : ""}</p>
  </div></div>`;
}

/** @param {any} props */
function Thumb({ file }) {
  const place = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  useEffect(() => {
    // Drawn, for the page's policy loads no image from anywhere; what cannot be drawn the server judges.
    createImageBitmap(file, { resizeHeight: SIDE * 2, resizeQuality: "low" }).then((image) => {
      const canvas = place.current;
      if (canvas) canvas.getContext("2d")?.drawImage(image, (canvas.width - image.width) / 2, 0);
      image.close();
    }, () => {});
  }, [file]);
  return html`<canvas ref=${place} width=${SIDE * 2} height=${SIDE * 2} aria-hidden="true"></canvas>`;
}
