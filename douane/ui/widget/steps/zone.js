/** Where files are dropped or chosen: one field for every step that takes some. */

import { html, useId, useRef, useState } from "../kit.js";

/**
 * @param {any} props `title`, `choose`: what stands on it and on its button; `help`: which files; `onFiles`: takes the list;
 *   `kind`: of the button; `sign`: what stands above, `children`: below
 */
export function Zone({ title, choose, help, accept, multiple = false, kind = "", onFiles, sign = null, children }) {
  const [over, setOver] = useState(false);
  const depth = useRef(0); // entering and leaving also fire for what is inside
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const id = useId();
  return html`<div class=${over ? "drop over" : "drop"}
    onDragEnter=${() => setOver(++depth.current > 0)} onDragLeave=${() => setOver(--depth.current > 0)}
    onDrop=${(/** @type {DragEvent} */ event) => {
      event.preventDefault();
      depth.current = 0;
      setOver(false);
      if (event.dataTransfer?.files.length) onFiles(event.dataTransfer.files);
    }}>
    ${sign}
    <p class="drop-title">${title}</p>
    <input id=${id} class="unseen" type="file" multiple=${multiple} accept=${accept} ref=${input} aria-describedby=${`${id}-help`}
      onChange=${() => {
        if (input.current?.files?.length) onFiles(input.current.files);
        // The same file may be chosen once more.
        if (input.current) input.current.value = "";
      }} />
    <label class=${`button ${kind}`} for=${id}>${choose}</label>
    <p class="soft" id=${`${id}-help`}>${help}</p>
    ${children}
  </div>`;
}
