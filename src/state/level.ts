/** What every release knows. */
export const FIRST_LEVEL = 1;

/**
 * The newest feature level that this release knows: which kinds and formats of
 * entries it can read. A cluster's level is a fact of its durable group, begins
 * at the first one, and is raised by an entry once every member knows the next.
 *
 * | level | since release | what entries may use from it on |
 * | ----: | ------------- | ------------------------------- |
 * |     1 | 0.1.0         | everything so far               |
 */
export const LEVEL = 1;

/** The release that introduced {@linkcode LEVEL}: members that are too old for it name it. */
export const LEVEL_RELEASE = "0.1.0";
