/** Opens the widget: in a host page's frame, or alone, with the session of who is signed in. */

import { App } from "./app.js";
import { hidden, open, openLink } from "./flow.js";
import { embedded, listen } from "./host.js";
import { html, render } from "./kit.js";

const place = /** @type {HTMLElement} */ (document.getElementById("widget"));

render(html`<${App} />`, place);
// A file let go beside the field would make the browser open it and leave the page.
for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());

if (embedded) listen(open, hidden);
else alone();

function alone() {
  const query = new URLSearchParams(location.search);
  document.documentElement.classList.add("page");
  const given = { locale: query.get("locale") ?? undefined, colorScheme: query.get("scheme") ?? undefined };
  const link = /^\/i\/([^/]+)/.exec(location.pathname)?.[1];
  if (link) openLink(link, given);
  else open({ ...given, templateId: query.get("template") ?? undefined });
}
