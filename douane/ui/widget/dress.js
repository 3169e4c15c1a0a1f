/** The host's colours, font and corners, as custom properties; and whether it is light or dark. */

/** Option -> property of `style.css`. */
const BUTTONS = {
  backgroundColor: "ground", textColor: "ink", borderColor: "line", buttonShadow: "shadow",
  hoverBackground: "hover-ground", hoverBorderColor: "hover-line", hoverTextColor: "hover-ink",
};

/** @param {Record<string, any>} given what the host asked for */
export function dress(given) {
  const root = document.documentElement;
  const looks = given.appearance ?? {};
  root.removeAttribute("style");
  if (given.colorScheme === "light" || given.colorScheme === "dark") root.dataset.scheme = given.colorScheme;
  else delete root.dataset.scheme;
  const primary = looks.primaryColor ?? given.primaryColor;
  set("--accent", primary, "color");
  if (primary && CSS.supports("color", primary)) root.style.setProperty("--on-accent", contrasting(primary));
  set("--paper", looks.widget?.backgroundColor, "color");
  set("--font", looks.fontFamily, "font-family");
  set("--radius", looks.borderRadius, "border-radius");
  for (const [kind, config] of [["primary", looks.primaryButtonConfig], ["secondary", looks.secondaryButtonConfig]]) {
    for (const [option, property] of Object.entries(BUTTONS)) {
      set(`--${kind}-${property}`, config?.[option], option === "buttonShadow" ? "box-shadow" : "color");
    }
  }

  /** @param {string} property @param {unknown} value @param {string} like a property whose values it must be */
  function set(property, value, like) {
    if (typeof value === "string" && CSS.supports(like, value)) root.style.setProperty(property, value);
  }
}

/** Black or white, whichever can be read on the colour. @param {string} colour */
function contrasting(colour) {
  const canvas = document.createElement("canvas").getContext("2d");
  if (!canvas) return "#fff";
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  const [red, green, blue] = [...canvas.getImageData(0, 0, 1, 1).data].map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 ? "#ffffff" : "#000000";
}
