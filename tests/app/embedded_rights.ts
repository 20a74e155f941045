/** What the README gives a program that embeds the package, before the right to start processes. */
export const EMBEDDED_RIGHTS: readonly string[] = [
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-env",
  "--allow-sys",
];
