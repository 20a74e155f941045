/** A step of the way down to keys: all that begin alike up to the next separator. */
export interface KeyGroup {
  /** What its keys begin with, the separator included. */
  readonly prefix: string;
  /** What it adds to the prefix above it. */
  readonly name: string;
  /** How many of the loaded keys begin so. */
  readonly count: number;
}

/** Where names in keys end. */
const SEPARATOR = /[/:.]/;

/** The groups right below a prefix, among these keys; a key alone is no group. */
export function groupsBelow(
  keys: readonly string[],
  prefix: string,
): KeyGroup[] {
  const counts = new Map<string, number>();
  for (const key of keys) {
    if (!key.startsWith(prefix)) continue;
    const rest = key.slice(prefix.length);
    const at = rest.search(SEPARATOR);
    if (at < 0) continue;
    const name = rest.slice(0, at + 1);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count > 1)
    .map(([name, count]) => ({ prefix: prefix + name, name, count }));
}

/** The prefixes from the top down to this one: `a/b/` → `a/`, `a/b/`. */
export function prefixesOf(prefix: string): KeyGroup[] {
  const found: KeyGroup[] = [];
  let begun = 0;
  for (let at = 0; at < prefix.length; at++) {
    if (!SEPARATOR.test(prefix[at]!) && at < prefix.length - 1) continue;
    found.push({
      prefix: prefix.slice(0, at + 1),
      name: prefix.slice(begun, at + 1),
      count: 0,
    });
    begun = at + 1;
  }
  return found;
}
