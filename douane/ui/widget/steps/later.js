/** The screens that are needed only once there is a file: they are fetched while the first one is looked at. */

export { Done } from "./done.js";
export { Heading, Sheet } from "./heading.js";
export { Mapping } from "./mapping.js";
export { Review } from "./review.js";
