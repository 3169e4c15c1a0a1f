/** The frame around every screen: title, the line that says what was decided, the problem, and the way out. */

import { close, open, restart, sentence } from "./flow.js";
import { embedded } from "./host.js";
import { Button, Component, Dialog, Problem, Progress, html, useEffect, useRef, useState, useValue } from "./kit.js";
import { Choose, Drop } from "./steps/drop.js";
import { Done } from "./steps/done.js";
import { Heading, Sheet } from "./steps/heading.js";
import { Mapping } from "./steps/mapping.js";
import { Review } from "./steps/review.js";
import { config, options, phase, problem, progress, template, upload } from "./store.js";
import { number, size, t } from "./text.js";

const SCREENS = { choose: Choose, drop: Drop, sheet: Sheet, heading: Heading, mapping: Mapping, review: Review, done: Done };
/** Leaving these loses something, so it is asked. */
const UNFINISHED = new Set(["sheet", "heading", "mapping", "checking", "review", "sending"]);

export function App() {
  const where = useValue(phase);
  const trouble = useValue(problem);
  const given = useValue(options);
  const shape = useValue(template);
  const settings = useValue(config);
  const [leaving, setLeaving] = useState(false);
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  // Who uses a screen reader hears where they are now; the focus is not lost with the screen it was on.
  useEffect(() => {
    if (where !== "closed" && !document.activeElement?.closest(".dialog")) heading.current?.focus();
  }, [where]);
  if (where === "closed") return embedded ? null : html`<${Left} />`;
  const title = given.title || settings.title || shape?.name || t("COMMON.IMPORT");
  const leave = () => (UNFINISHED.has(where) ? setLeaving(true) : close());
  const Screen = SCREENS[/** @type {keyof typeof SCREENS} */ (where)];
  return html`<div class=${`frame phase-${where}`} onKeyDown=${(/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape" && !event.defaultPrevented && embedded) leave();
  }}>
    <header class="top">
      <h1 tabindex="-1" ref=${heading}><bdi>${title}</bdi></h1>
      <${Button} kind="quiet icon" aria-label=${t("COMMON.CLOSE_WIDGET")} title=${t("COMMON.CLOSE_WIDGET")} onClick=${leave}>✕<//>
    </header>
    <${Problem} onRetry=${trouble?.retry} onClose=${where === "refused" ? null : () => { problem.value = null; }}>
      ${trouble ? (where === "refused" ? `${t("COMMON.SORRY")} ${trouble.text}` : trouble.text) : null}
    <//>
    <${Guard}>
      <main>
        ${where === "starting" || where === "refused" ? html`<${Starting} failed=${where === "refused"} />`
          : where === "sending" || where === "checking" ? html`<${Working} />`
          : html`<${Screen} />`}
      </main>
    <//>
    ${settings.showBranding ? html`<footer class="soft">${t("COMMON.POWERED_BY")} Douane</footer>` : null}
    ${leaving ? html`<${Dialog} title=${t("CLOSE_CONFIRMATION.TITLE")} onClose=${() => setLeaving(false)} actions=${[
      html`<${Button} onClick=${() => setLeaving(false)}>${t("CLOSE_CONFIRMATION.CANCEL_CLOSE")}<//>`,
      html`<${Button} kind="danger" onClick=${() => { setLeaving(false); close(); }}>${t("CLOSE_CONFIRMATION.CONFIRM_CLOSE")}<//>`,
    ]}><p>${t("CLOSE_CONFIRMATION.DETAILS")}</p><//>` : null}
  </div>`;
}

/** A fault of ours on one screen leaves the way out and the way back. */
class Guard extends Component {
  /** @param {any} props */
  constructor(props) {
    super(props);
    this.state = { error: null };
  }

  /** @param {unknown} error */
  static getDerivedStateFromError(error) {
    return { error };
  }

  /** @param {any} props @param {any} state */
  render(props, state) {
    if (!state.error) return props.children;
    return html`<div class="centre"><${Problem}>${sentence(state.error)}<//>
      <${Button} onClick=${() => { this.setState({ error: null }); open(options.peek()); }}>${t("COMMON.TRY_AGAIN")}<//></div>`;
  }
}

/** @param {any} props */
function Starting({ failed }) {
  if (failed) return null;
  return html`<div class="centre"><${Progress} label=${t("PROGRESS.STARTING")} /></div>`;
}

function Working() {
  const now = useValue(progress);
  const sent = useValue(upload);
  const shown = now.unit === "bytes" ? size : number;
  const key = ({ sending: "SENDING", reading: "READING", unpacking: "UNPACKING" })[now.step] ?? "CHECKING";
  const part = now.total ? t("PROGRESS.OF", { done: shown(now.done), total: shown(now.total) }) : "";
  return html`<div class="centre card">
    <${Progress} label=${t(`PROGRESS.${key}`)} done=${now.done} total=${now.total}
      note=${now.lost ? t("PROGRESS.LOST") : [part, now.note].filter(Boolean).join(" · ")} />
    <p class="soft"><bdi>${sent?.fileName ?? sent?.originalFileName ?? ""}</bdi></p>
    <${Button} kind="quiet" onClick=${restart}>${t("COMMON.CANCEL")}<//>
  </div>`;
}

function Left() {
  return html`<div class="centre"><p>${t("COMMON.LEFT")}</p>
    <${Button} kind="primary" onClick=${() => open(options.peek())}>${t("COMMON.UPLOAD_AGAIN")}<//></div>`;
}
