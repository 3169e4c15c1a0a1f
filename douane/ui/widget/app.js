/** The frame around every screen: title, the line that says what was decided, the problem, and the way out. */

import { Refusal } from "../client.js";
import { Dialog, Trouble } from "./dialog.js";
import { attempt, close, open, restart, sentence } from "./flow.js";
import { embedded } from "./host.js";
import { Button, Component, Data, Problem, Progress, html, useEffect, useRef, useSlow, useState, useValue } from "./kit.js";
import { Choose, Drop } from "./steps/drop.js";
import { columns, config, file, lost, options, phase, problem, progress, template, typed, upload } from "./store.js";
import { number, size, t } from "./text.js";

/**
 * The steps a person knows, and the places that belong to each. @param {boolean} withImages @param {boolean} byHand there is no file
 * @returns {[string, string[]][]}
 */
const stepsOf = (withImages, byHand) => [
  ...(withImages ? /** @type {[string, string[]][]} */ ([["GENERATE_TEMPLATE", ["images"]]]) : []),
  ["UPLOAD_FILE", ["choose", "drop", "sending"]],
  ...(byHand ? [] : /** @type {[string, string[]][]} */ ([["MAP_COLUMNS", ["sheet", "heading", "mapping"]]])),
  [byHand ? "REVIEW_EDIT" : "REVIEW_DATA", ["checking", "review"]],
  ["COMPLETE_IMPORT", ["done"]],
];
const SCREENS = { choose: Choose, images: later("Images"), drop: Drop, sheet: later("Sheet"), heading: later("Heading"), mapping: later("Mapping"), review: later("Review"), done: later("Done") };
/** Leaving these loses something, so it is asked. */
const UNFINISHED = new Set(["sheet", "heading", "mapping", "checking", "review", "sending"]);

export function App() {
  const where = useValue(phase);
  const given = useValue(options);
  const gone = useValue(lost);
  const shape = useValue(template);
  const settings = useValue(config);
  const [leaving, setLeaving] = useState(false);
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  // Who uses a screen reader hears where they are now; the focus is not lost with the screen it was on.
  useEffect(() => {
    if (where !== "closed" && !document.activeElement?.closest(".dialog")) heading.current?.focus();
  }, [where]);
  useEffect(() => {
    if (where === "drop" || where === "choose") requestAnimationFrame(() => setTimeout(ahead));
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
      ${where === "starting" || where === "refused" ? null : html`<${Steps} where=${where} />`}
      ${where === "refused" && !embedded ? null : html`<${Button} kind="quiet icon" aria-label=${t("COMMON.CLOSE_WIDGET")} title=${t("COMMON.CLOSE_WIDGET")} onClick=${leave}>✕<//>`}
    </header>
    <${Trouble} />
    <${Guard}>
      <main>
        ${where === "starting" || where === "refused" ? html`<${Starting} failed=${where === "refused"} />`
          : where === "sending" || where === "checking" ? html`<${Working} />`
          : html`<${Screen} />`}
      </main>
    <//>
    ${settings.showBranding ? html`<footer class="soft">${t("COMMON.POWERED_BY")} Douane</footer>` : null}
    ${gone ? html`<${Dialog} title=${t("FACTS.LOST_TITLE", { count: gone.count })} onClose=${() => gone.answer(false)} actions=${[
      html`<${Button} onClick=${() => gone.answer(false)}>${t("COMMON.CANCEL")}<//>`,
      html`<${Button} kind="danger" onClick=${() => gone.answer(true)}>${t("FACTS.LOST_GO")}<//>`,
    ]}><p>${t("FACTS.LOST_DETAILS")}</p>
      <ul class="hits" tabindex="0">${gone.cells.slice(0, 20).map((cell) => html`<li>${cell.line ? html`<span class="soft">${t("SIDE.LINE", { row: cell.line })}</span> ` : null}<${Data} limit=${60}>${cell.value ?? ""}<//></li>`)}</ul><//>` : null}
    ${leaving ? html`<${Dialog} title=${t("CLOSE_CONFIRMATION.TITLE")} onClose=${() => setLeaving(false)} actions=${[
      html`<${Button} onClick=${() => setLeaving(false)}>${t("CLOSE_CONFIRMATION.CANCEL_CLOSE")}<//>`,
      html`<${Button} kind="danger" onClick=${() => { setLeaving(false); close(); }}>${t("CLOSE_CONFIRMATION.CONFIRM_CLOSE")}<//>`,
    ]}><p>${t("CLOSE_CONFIRMATION.DETAILS")}</p><//>` : null}
  </div>`;
}

/** Asks for the modules of the screens to come, once there is something to be seen. */
function ahead() {
  for (const link of document.querySelectorAll('link[rel="later"]')) link.setAttribute("rel", "modulepreload");
}

/**
 * A screen that is not the first one of most imports: its module comes when it is wanted.
 * @param {"Images" | "Sheet" | "Heading" | "Mapping" | "Review" | "Done"} name
 */
function later(name) {
  /** @type {any} */
  let Screen = null;
  return function Later() {
    const [, arrived] = useState(0);
    useEffect(() => {
      if (Screen) return;
      ahead();
      attempt(async () => {
        Screen = (await import("./steps/later.js").catch(() => { throw new Refusal("", 0); }))[name];
        arrived(1);
      });
    }, []);
    return Screen ? html`<${Screen} />` : html`<div class="centre"><${Progress} label=${t("PROGRESS.OPENING")} /></div>`;
  };
}

/** Where the person is on the way. @param {any} props */
function Steps({ where }) {
  const steps = stepsOf(useValue(columns).some((one) => one.type === "Image"), useValue(typed));
  const at = steps.findIndex(([, places]) => places.includes(where));
  return html`<ol class="steps" aria-label=${t("COMMON.STEPS")}>
    ${steps.map(([name], place) => html`<li class=${place < at ? "past" : place === at ? "now" : ""} aria-current=${place === at ? "step" : null}>${t(`STEPPER_TITLES.${name}`)}</li>`)}
  </ol>`;
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
  const given = useValue(file);
  const trouble = useValue(problem);
  const slow = useSlow(true, `${now.step} ${now.done}`);
  const shown = now.unit === "bytes" ? size : number;
  const key = ({ sending: "SENDING", reading: "READING", unpacking: "UNPACKING" })[now.step] ?? "CHECKING";
  const part = now.total ? t("PROGRESS.OF", { done: shown(now.done), total: shown(now.total) }) : "";
  return html`<div class="centre card working">
    ${trouble ? null : html`<${Progress} label=${t(`PROGRESS.${key}`)} done=${now.done} total=${now.total}
      note=${now.lost ? t("PROGRESS.LOST") : slow ? t("PROGRESS.SLOW") : [part, now.note].filter(Boolean).join(" · ")} />`}
    <p class="soft">${t("FILE_DROP_AREA.FILE_SELECTED")}: <${Data} limit=${80}>${given?.name ?? sent?.fileName ?? sent?.originalFileName ?? ""}<//></p>
    <${Button} kind="quiet" onClick=${restart}>${t("COMMON.CANCEL")}<//>
  </div>`;
}

function Left() {
  return html`<div class="centre"><p>${t("COMMON.LEFT")}</p>
    <${Button} kind="primary" onClick=${() => open(options.peek())}>${t("COMMON.UPLOAD_AGAIN")}<//></div>`;
}
