/** The screens that come after the first one: they are fetched while that is looked at. */

export { Done } from "./done.js";
export { Heading, Sheet } from "./heading.js";
export { Images } from "./images.js";
export { Mapping } from "./mapping.js";
export { Review } from "./review.js";
