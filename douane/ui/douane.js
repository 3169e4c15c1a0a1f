/**
 * The same as an ES module: `import { douane } from "https://…/douane.js"`. It loads the embed script from where it came
 * from itself, so that there is one frame and one set of code however a page asks for it.
 */

/** @type {Promise<any>} */
const loaded = new Promise((resolve, reject) => {
  const there = /** @type {any} */ (window).douane;
  if (there) {
    resolve(there);
    return;
  }
  const script = document.createElement("script");
  script.src = new URL("embed.umd.min.js", import.meta.url).href;
  script.onload = () => resolve(/** @type {any} */ (window).douane);
  script.onerror = () => reject(new Error(`Douane's embed script could not be loaded from ${script.src}`));
  document.head.append(script);
});

export const douane = {
  /** @param {any} options */
  import: async (options) => (await loaded).import(options),
  close: async () => (await loaded).close(),
};

export default douane;
