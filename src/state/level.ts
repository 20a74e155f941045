/** What every release knows. */
export const FIRST_LEVEL = 1;

/**
 * The feature levels that this release knows, from the first one on, each as the
 * release that introduced it: members that are too old for a level name it. A level
 * says which kinds and formats of entries a release can read. A cluster's level is a fact of its
 * durable group, begins at the first one, and is raised by an entry once every
 * member knows the next.
 *
 * | level | since release | what entries may use from it on |
 * | ----: | ------------- | ------------------------------- |
 * |     1 | 0.1.0         | everything so far               |
 */
export const LEVELS: readonly string[] = ["0.1.0"];

/** The newest feature level that this release knows. */
export const LEVEL = LEVELS.length;
