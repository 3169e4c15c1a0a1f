/**
 * What every screen is made of: templates (htm over Preact), signals that redraw what reads them, and the few controls that
 * all screens share. Data only ever becomes text or an attribute; nothing here parses HTML.
 */

import { Component, h, render } from "../vendor/preact.js";
import { useEffect, useLayoutEffect, useRef, useState } from "../vendor/hooks.js";
import htm from "../vendor/htm.js";
import { batch, computed, effect, signal } from "../vendor/signals-core.js";

import { t } from "./text.js";

export const html = htm.bind(h);
export { batch, computed, Component, effect, h, render, signal, useEffect, useLayoutEffect, useRef, useState };

/**
 * The value of a signal; the component is drawn again when it changes.
 * @template T
 * @param {{ value: T, peek(): T }} source
 * @returns {T}
 */
export function useValue(source) {
  const [, redraw] = useState(0);
  useLayoutEffect(() => {
    let first = true;
    return effect(() => {
      source.value;
      if (first) first = false;
      else redraw((count) => count + 1);
    });
  }, [source]);
  return source.peek();
}

/** After so long without a sign of progress that is said. */
const PATIENCE_MS = 8000;

/** Whether `waiting` has gone on for long; what `sign` shows begins it anew. @param {unknown} waiting @param {unknown} [sign] */
export function useSlow(waiting, sign) {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    setSlow(false);
    if (!waiting) return;
    const timer = setTimeout(() => setSlow(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [waiting, sign]);
  return slow && Boolean(waiting);
}

let ids = 0;
/** An id for an element that another one names. */
export function useId() {
  const id = useRef("");
  if (!id.current) id.current = `w${++ids}`;
  return id.current;
}

/**
 * @param {any} props `kind`: `primary`, `secondary`, `quiet` or `danger`; `busy`: it is at work and takes no click
 */
export function Button({ kind = "secondary", busy = false, disabled = false, children, onClick, ...rest }) {
  return html`<button type="button" class=${`button ${kind}${busy ? " busy" : ""}`} aria-busy=${busy ? "true" : null}
    aria-disabled=${disabled || busy ? "true" : null} onClick=${(/** @type {Event} */ event) => {
      if (!disabled && !busy) onClick?.(event);
    }} ...${rest}>${children}</button>`;
}

/** A line with what went wrong, and the way on: `again` is what that is called, where it is not just once more. @param {any} props */
export function Problem({ children, onRetry, again, onClose }) {
  if (!children) return null;
  return html`<div class="problem" role="alert">
    <p>${children}</p>
    ${onRetry ? html`<${Button} kind="quiet" onClick=${onRetry}>${again ?? t("COMMON.TRY_AGAIN")}<//>` : null}
    ${onClose ? html`<${Button} kind="quiet icon" aria-label=${t("COMMON.DISMISS")} onClick=${onClose}>✕<//>` : null}
  </div>`;
}

/** @param {any} props `done` of `total`; without a total the bar only says that something goes on */
export function Progress({ label, done, total, note }) {
  const part = total ? Math.min(1, done / total) : null;
  const bar = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => {
    bar.current?.style.setProperty("--part", `${(part ?? 0) * 100}%`);
  }, [part]);
  return html`<div class="progress">
    <p class="progress-label">${label}</p>
    <div class=${part === null ? "bar waiting" : "bar"} role="progressbar" aria-label=${label} aria-valuemin="0" aria-valuemax="100"
      aria-valuenow=${part === null ? null : Math.round(part * 100)}><span ref=${bar}></span></div>
    <p class="soft" aria-live="off">${note || "\u00a0"}</p>
  </div>`;
}

/** @param {any} props */
export function Select({ label, value, options, onChange, hideLabel = false, ...rest }) {
  const id = useId();
  return html`<div class="field">
    <label for=${id} class=${hideLabel ? "unseen" : ""}>${label}</label>
    <select id=${id} value=${value} onChange=${(/** @type {any} */ event) => onChange(event.target.value)} ...${rest}>
      ${options.map((/** @type {[string, string]} */ [key, text]) => html`<option value=${key} selected=${key === value}>${text}</option>`)}
    </select>
  </div>`;
}

/** Text that may be in any direction and of any length, as a person can look at it. @param {any} props */
export function Data({ children, limit = 200 }) {
  const text = String(children ?? "");
  return html`<bdi class="data">${text.length > limit ? `${text.slice(0, limit)}…` : text}</bdi>`;
}
