/** What opens over a screen, and what went wrong: said above the screen, and in the dialogue that is open over it. */

import { Problem, html, useId, useLayoutEffect, useRef, useSlow, useValue } from "./kit.js";
import { phase, problem } from "./store.js";
import { t } from "./text.js";

/** What went wrong, with the way on; nothing where nothing did. */
export function Trouble() {
  const trouble = useValue(problem);
  const refused = useValue(phase) === "refused";
  return html`<${Problem} onRetry=${trouble?.retry && goingBack(trouble.retry)} again=${trouble?.again} onClose=${refused ? null : goingBack(() => { problem.value = null; })}>
    ${trouble ? (refused ? `${t("COMMON.SORRY")} ${trouble.text}` : trouble.text) : null}
  <//>`;
}

/** The button goes with what it was for; the focus goes back to the dialogue, or to the cell where there is one. @param {() => void} act */
function goingBack(act) {
  return () => {
    act();
    const place = document.querySelector("dialog[open] .dialog-actions button") ?? document.querySelector(".grid-row > .active");
    if (place instanceof HTMLElement) place.focus();
  };
}

/**
 * A dialogue over everything: focus stays in it and goes back where it was; Escape leaves.
 * @param {any} props `busy`: what it was asked to do goes on; where that takes long, it says so
 */
export function Dialog({ title, children, actions, onClose, wide = false, busy = false }) {
  const slow = useSlow(busy);
  const element = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const id = useId();
  useLayoutEffect(() => {
    const dialog = element.current;
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    dialog?.showModal();
    return () => {
      dialog?.close();
      before?.focus?.();
    };
  }, []);
  return html`<dialog ref=${element} class=${wide ? "dialog wide" : "dialog"} aria-labelledby=${id}
    onCancel=${(/** @type {Event} */ event) => {
      event.preventDefault();
      onClose();
    }}
    onKeyDown=${(/** @type {Event} */ event) => event.stopPropagation()}>
    <h2 id=${id}>${title}</h2>
    <${Trouble} />
    <div class="dialog-body">${children}</div>
    <p class="soft patience" role="status">${slow ? t("PROGRESS.SLOW") : ""}</p>
    <div class="dialog-actions">${actions}</div>
  </dialog>`;
}
