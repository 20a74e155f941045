/**
 * The newest feature level that this release knows: which kinds and formats of
 * entries it can read. A cluster's level is the lowest of its members' and is
 * raised by an entry once every member knows the next.
 *
 * | level | what entries may use from it on |
 * | ----: | ------------------------------- |
 * |     1 | everything so far               |
 */
export const LEVEL = 1;
