/** What the widget knows. One place, signals only: screens read, `flow.js` writes. */

import { Client } from "../client.js";
import { signal } from "./kit.js";

/** What the host asked for (contract 9.3). */
export const options = signal(/** @type {Record<string, any>} */ ({}));
export const client = signal(new Client());
/** `/common/import-config`: what this template may show. */
export const config = signal(/** @type {Record<string, any>} */ ({}));
export const templates = signal(/** @type {any[]} */ ([]));
export const template = signal(/** @type {any} */ (null));
/** The columns of the template, or of the runtime schema. */
export const columns = signal(/** @type {any[]} */ ([]));

/**
 * Where the person is. `closed` before anything is shown; `starting`; `refused` (it can't be used at all); `choose` a
 * template; `images` to go before the file; `drop` a file; `sending`; `sheet`, `heading`, `mapping`: to be decided by the person; `checking`; `review`; `done`.
 */
export const phase = signal("closed");
/** The sentence to show above the screen, and what would be tried again (`again`: what that is called, where it is not just that). */
export const problem = signal(/** @type {{ text: string, retry?: () => void, again?: string } | null} */ (null));

/** The file the person gave, kept so that another sheet or heading can be taken without asking for it again. */
export const file = signal(/** @type {File | null} */ (null));
/** Images that go before the file, by column; and the id of the import that they were sent for, "" before that. */
export const images = signal(/** @type {{ files: Record<string, File[]>, importId: string }} */ ({ files: {}, importId: "" }));
/** How the file is read and mapped, as `/mapping/{id}/state` says; null before it was asked. */
export const reading = signal(/** @type {any} */ (null));
/** Changes that would have no place any more, and whom to tell whether the person agrees. */
export const lost = signal(/** @type {{ count: number, cells: any[], answer: (agreed: boolean) => void } | null} */ (null));
/** The upload's document. */
export const upload = signal(/** @type {any} */ (null));
/** Columns with their headings, as `/mapping` answers. */
export const mapping = signal(/** @type {any[]} */ ([]));
export const progress = signal(/** @type {{ step: string, done: number, total: number, unit: string, note: string, lost: boolean }} */ ({
  step: "", done: 0, total: 0, unit: "", note: "", lost: false,
}));
/** Typed in or pasted by hand, without a file. */
export const typed = signal(false);
/** How many changes the person made; leaving asks then. */
export const changes = signal(0);
