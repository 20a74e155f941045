/** What the language calls an object: `Map`, `Uint16Array`. */
export function tagOf(object: object): string {
  return Object.prototype.toString.call(object).slice(8, -1);
}

/** A tag with its article. */
export function named(tag: string): string {
  return `${/^[AEIO]/.test(tag) ? "an" : "a"} ${tag}`;
}

/** A wrong value, for a message. */
export function described(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 80));
  if (typeof value === "function") return "a function";
  return typeof value === "object" && value !== null
    ? named(tagOf(value))
    : String(value);
}
