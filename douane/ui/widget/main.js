/** Opens the widget: in a host page's frame, by an import link (`/i/{token}`), or alone on the try-it page. */

import { App } from "./app.js";
import { hidden, open } from "./flow.js";
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
  const link = location.pathname.match(/\/i\/([^/]+)$/);
  document.documentElement.classList.add("page");
  open({
    accessToken: link ? decodeURIComponent(link[1]) : "",
    templateId: query.get("template") ?? undefined,
    locale: query.get("locale") ?? undefined,
    colorScheme: query.get("scheme") ?? undefined,
  });
}
